"""Replays a history beside the peers: `python tests/benchmarks/history_replay.py --history NAME`.

Each week or month is answered by what was known before it.
"""

import argparse
from dataclasses import asdict

from comparison import OURS
from peers import encode_for_peers
from replay_figures import ReplayComparison, compare_replayed
from replay_histories import REPLAYED
from replay_ours import plan_for, refitted
from replay_peers import majority_of_unit_before, peers_in_windows
from replay_table import write_replay
from replay_units import replay
from rich.console import Console

from features.encoding.encoder_weights import MINILM
from features.home import Home, open_home
from training.pipeline.fit import encode_history


def main() -> None:
    """Print a table for each target of a history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", choices=REPLAYED, required=True)
    parser.add_argument("--target", nargs="+", help="all targets of the history without it")
    arguments = parser.parse_args()
    home = open_home()
    for target in arguments.target or REPLAYED[arguments.history].targets:
        replayed = asdict(measure_replay(arguments.history, target, home))
        table = f"## {arguments.history}: {target}\n\n{write_replay(replayed)}\n"
        Console().print(table, markup=False, soft_wrap=True)


def measure_replay(name: str, target: str, home: Home) -> ReplayComparison:
    """Replay one target of a history: ours, the peers, and the majority of the unit before."""
    replayed = REPLAYED[name]
    history = replayed.load()
    encode_history(history, plan_for(target, home, MINILM), lambda *_: None)
    encode_for_peers([incident.report for incident in history.incidents], home)
    contenders = (
        {f"{OURS}, refitted": refitted(target, home)},
        {f"majority of the {replayed.unit} before": majority_of_unit_before(target, replayed.unit)},
        peers_in_windows(history, target),
    )
    everyone = {name: contender for group in contenders for name, contender in group.items()}
    answered = replay(history, target, replayed.unit, everyone)
    return compare_replayed(*({name: answered[name] for name in group} for group in contenders))


if __name__ == "__main__":
    main()
