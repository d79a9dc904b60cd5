"""Replays a history beside the peers: `python tests/benchmarks/history_replay.py --history NAME`.

Each week or month is answered by what was known before it.
"""

import argparse
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from comparison import OURS
from peers import encode_for_peers
from replay_figures import ReplayComparison, compare_replayed
from replay_histories import REPLAYED, thin
from replay_loop import RetrainedLoop, describe_loop
from replay_ours import plan_for, refitted
from replay_peers import majority_of_unit_before, peers_in_windows
from replay_units import Contender, ReplayedAnswers, replay
from results import describe_run, keep_section, render, replay_section
from rich.console import Console

from features.encoding.encoder_weights import MINILM
from features.home import Home, open_home
from training.pipeline.fit import encode_history

REFITTED, LOOP = f"{OURS}, refitted", f"{OURS}, retrained through the gate"


def main() -> None:
    """Print a table for each target of a history."""
    arguments = _parser().parse_args()
    home = open_home()
    for target in arguments.target or REPLAYED[arguments.history].targets:
        replayed = measure_replay(
            arguments.history, target, home, with_loop=arguments.loop, rows=arguments.rows
        )
        title = f"{'replay-loop' if arguments.loop else 'replay'}: {arguments.history}, {target}"
        section = replay_section(replayed, describe_run(" ".join(["python", *sys.argv])))
        Console().print(render(title, section), markup=False, soft_wrap=True)
        if arguments.keep:
            keep_section(title, section)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", choices=REPLAYED, required=True)
    parser.add_argument("--target", nargs="+", help="without it, all targets of the history")
    parser.add_argument("--loop", action="store_true", help="also retrain through the gate (slow)")
    parser.add_argument("--rows", type=int, help="replay this many incidents at most")
    parser.add_argument("--keep", action="store_true", help="write the table into RESULTS.md too")
    return parser


def measure_replay(
    name: str, target: str, home: Home, *, with_loop: bool = False, rows: int | None = None
) -> ReplayComparison:
    """Replay one target of a history: ours, the peers, and the majority of the unit before."""
    replayed = REPLAYED[name]
    history = replayed.load() if rows is None else thin(replayed.load(), rows)
    encode_history(history, plan_for(target, home, MINILM), lambda *_: None)
    encode_for_peers([incident.report for incident in history.incidents], home)
    ours: dict[str, Contender] = {REFITTED: refitted(target, home)}
    majority = f"majority of the {replayed.unit} before"
    baselines = {majority: majority_of_unit_before(target, replayed.unit)}
    peers = peers_in_windows(history, target)
    with ExitStack() as stack:
        if with_loop:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            ours[LOOP] = loop = RetrainedLoop(target, folder, encodings=home.encodings)
        answered = replay(history, target, replayed.unit, ours | baselines | peers)
    notes = (describe_loop(loop.states, answered[LOOP], answered[majority]),) if with_loop else ()
    return compare_replayed(
        _named(answered, ours), _named(answered, baselines), _named(answered, peers), notes
    )


def _named(
    answered: Mapping[str, ReplayedAnswers], contenders: Mapping[str, Contender]
) -> dict[str, ReplayedAnswers]:
    return {name: answered[name] for name in contenders}


if __name__ == "__main__":
    main()
