"""`make bench-serving [ONLY=a,b]`: measures what serving costs, and writes it to RESULTS.md.

Each line is measured in one run with what it is compared with. `--only` measures some lines, and
leaves the others as they were measured before. `--print` writes nothing.
"""

import argparse
import signal
import sys

from results import describe_run

from serving_load.bench_home import demo_home
from serving_load.lines import LINES, keep_lines, measure_lines


def main() -> None:
    """Measure the lines that were asked for."""
    arguments = _arguments()
    # The service is ended also when this process is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    figures = measure_lines(arguments.only, demo_home())
    if not arguments.print:
        keep_lines(figures, describe_run("make bench-serving"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-serving", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(LINES))
    parser.add_argument("--print", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.only) - set(LINES)):
        parser.error(f"unknown lines: {', '.join(unknown)}; there are {', '.join(LINES)}")
    return arguments


if __name__ == "__main__":
    main()
