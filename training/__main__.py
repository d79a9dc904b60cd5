"""The command line: `python -m training`."""

import sys

if __name__ == "__main__":
    # The imports take seconds, in which Ctrl-C is as likely as later.
    try:
        from training.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit("stopped; the champions are as they were")
