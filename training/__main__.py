"""The command line: `python -m training`."""

import sys

if __name__ == "__main__":
    # Ctrl-C prints one line instead of a traceback, also during the imports.
    try:
        from training.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit("stopped")
