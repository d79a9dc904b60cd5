"""`make faults [ROUNDS=200] [SEED=0] [ONLY=kill-server,full-disk]`: no acknowledged write is lost.

Prints a table of rounds, acknowledged writes, lost and doubled writes by fault, and exits with 1
if anything was lost or doubled, or if the service failed otherwise. A fault that this machine
cannot cause is skipped with its reason.
"""

import argparse
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from .artifacts import truncated_artifact, zeroed_artifact
from .clients import overload, slow_clients
from .clocks import clock_jumps
from .databases import stopped_postgresql
from .disks import failing_writes, full_disk, read_only_disk, removed_home, replaced_store
from .kills import kill_server, kill_trainer, kill_worker
from .watchers import kill_watcher
from .world import Outcome, Unavailable, World

Fault = Callable[[World, int, Random, Outcome], None]

_ROUNDS = 200
_MARKS_SHOWN = 5
_FAULTS: dict[str, tuple[Fault, float]] = {
    "kill-server": (kill_server, 0.23),
    "kill-worker": (kill_worker, 0.1),
    "kill-trainer": (kill_trainer, 0.04),
    "kill-watcher": (kill_watcher, 0.02),
    "full-disk": (full_disk, 0.1),
    "read-only-disk": (read_only_disk, 0.05),
    "failing-writes": (failing_writes, 0.1),
    "removed-home": (removed_home, 0.05),
    "replaced-store": (replaced_store, 0.05),
    "stopped-postgresql": (stopped_postgresql, 0.1),
    "slow-clients": (slow_clients, 0.03),
    "overload": (overload, 0.03),
    "clock-jumps": (clock_jumps, 0.05),
    "truncated-artifact": (truncated_artifact, 0.03),
    "zeroed-artifact": (zeroed_artifact, 0.02),
}
"""Each fault, and its share of the rounds."""


def main() -> int:
    """Cause the faults, print the table, and return the exit code."""
    arguments = _arguments()
    # Processes are ended and disks unmounted also when this one is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as stack:
        folder = arguments.folder or stack.enter_context(
            TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)
        )
        outcomes = run_faults(Path(folder), arguments.only, arguments.rounds, arguments.seed)
    _say(table(outcomes))
    return int(not all(outcome.is_clean for outcome in outcomes))


def run_faults(folder: Path, names: list[str], rounds: int, seed: int) -> list[Outcome]:
    """Cause each of these faults, with about this many rounds together if all are named.

    A home is trained in the folder unless an earlier run left one there.
    """
    outcomes = []
    world = World(folder)
    world.train()
    for name in names:
        fault, share = _FAULTS[name]
        outcomes.append(_run(name, fault, world, max(1, round(share * rounds)), seed))
        _say(_row(outcomes[-1]))
        for what in _details(outcomes[-1]):
            _say(f"  {what}")
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """Return the table of all faults as Markdown, with a last row of sums."""
    total = Outcome(
        "all",
        sum(outcome.rounds for outcome in outcomes),
        sum(outcome.writes for outcome in outcomes),
        [mark for outcome in outcomes for mark in outcome.lost],
        [mark for outcome in outcomes for mark in outcome.doubled],
        [failure for outcome in outcomes for failure in outcome.failures],
    )
    head = "| fault | rounds | writes | lost | doubled | other failures | remark |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(_row, [*outcomes, total])])


def _run(name: str, fault: Fault, world: World, rounds: int, seed: int) -> Outcome:
    outcome = Outcome(name)
    world.restore()
    try:
        fault(world, rounds, Random(f"{seed} {name}"), outcome)
    except Unavailable as reason:
        outcome.remark = f"skipped: {reason}"
    except Exception as error:
        traceback.print_exc()
        outcome.failures.append(f"{type(error).__name__}: {error}")
    return outcome


def _row(outcome: Outcome) -> str:
    cells = [
        outcome.fault,
        f"{outcome.rounds:,}",
        f"{outcome.writes:,}",
        f"{len(outcome.lost):,}",
        f"{len(outcome.doubled):,}",
        f"{len(outcome.failures):,}",
        outcome.remark,
    ]
    return f"| {' | '.join(cells)} |"


def _details(outcome: Outcome) -> Iterator[str]:
    """Yield which writes were lost or doubled, and what else failed how often."""
    for what, marks in (("lost", outcome.lost), ("doubled", outcome.doubled)):
        if marks:
            yield f"{what}: {', '.join(marks[:_MARKS_SHOWN])}"
    for failure, times in Counter(outcome.failures).items():
        yield f"{times} times: {failure}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the trained home here for later runs")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(_FAULTS))
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.only) - set(_FAULTS)):
        parser.error(f"unknown faults: {', '.join(unknown)}; there are {', '.join(_FAULTS)}")
    return arguments


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
