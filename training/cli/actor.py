"""Who gives a command, for the log."""

from getpass import getuser


def actor_name() -> str:
    """Return the name of the user that runs this, or that it is a command where there is none."""
    try:
        return getuser()
    # A container may run as a number without a name; Python 3.13 calls that an OSError.
    except (KeyError, OSError):
        return "command line"
