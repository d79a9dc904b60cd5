"""The command line: `python -m training`."""

import sys

if __name__ == "__main__":
    # Imports take seconds: Ctrl-C must end them with the same message.
    try:
        from training.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit("stopped; the champions are as they were")
