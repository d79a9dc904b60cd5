"""The command line: `python -m training`."""

import sys

if __name__ == "__main__":
    # Ctrl-C ends also the imports with one line.
    try:
        from training.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit("stopped")
