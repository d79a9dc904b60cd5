"""Confidence against accuracy on later incidents: `python tests/benchmarks/later_confidence.py`.

Each row trains on the first part of a data set, ordered by time, and answers the rest.
"""

import argparse
from dataclasses import replace

from data_sets import DATA_SETS, load_data_set
from rich.console import Console
from rich.table import Table

from features.domain.history import History
from features.domain.report import ResolvedIncident
from features.encoding.encoder_weights import MINILM
from features.home import Home, open_home
from models.base.predictions import Decision
from models.base.target_labels import label_of
from training.evaluation.bootstrap import mean_by_day
from training.pipeline.fit import encode_history, fit_and_judge, prepare
from training.pipeline.train import choose_targets
from training.plan import TrainingPlan

_PARTS = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)


def main() -> None:
    """Print a table for one data set and target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-set", default="cloud-incidents", choices=DATA_SETS)
    parser.add_argument("--target", default="severity")
    parser.add_argument("--part", nargs="+", type=float, default=_PARTS)
    arguments = parser.parse_args()
    home, history = open_home(), load_data_set(DATA_SETS[arguments.data_set])
    table = Table(title=f"{arguments.data_set}: {arguments.target}")
    for heading in ("learned", "later", "confidence less accuracy", "abstained", "doubt", "gate"):
        table.add_column(heading)
    for part in arguments.part:
        table.add_row(*_measure(history, arguments.target, part, home))
    Console(width=120).print(table)


def _measure(history: History, target_name: str, part: float, home: Home) -> list[str]:
    dated = sorted(
        (incident for incident in history.incidents if incident.report.opened_at), key=_time_order
    )
    learned = dated[: int(len(dated) * part)]
    later = [i for i in dated[len(learned) :] if label_of(i.outcome, target_name) is not None]
    past = replace(history, incidents=tuple(learned), groups=())
    plan = TrainingPlan(home, "default", home.database_url, MINILM, (target_name,))
    (target,), _ = choose_targets(past, plan.targets)
    encode_history(history, plan, lambda *_: None)
    split, _ = prepare(past, plan, lambda *_: None)
    model, evaluation = fit_and_judge(past, target, split, plan)
    answers = model.predict([incident.report for incident in later])
    excess = [
        answer.confidence - (answer.label == label_of(incident.outcome, target_name))
        for answer, incident in zip(answers, later, strict=True)
    ]
    estimate = mean_by_day(excess, [_time_order(incident)[0] for incident in later])
    abstained = sum(answer.decision is Decision.ABSTAIN for answer in answers) / len(answers)
    doubt = model.drift_doubt_
    return [
        f"{len(learned):,}",
        f"{len(later):,}",
        f"{estimate:+.3f}",
        f"{abstained:.0%}",
        f"{doubt.doubt:.2f}{', abstains' if doubt.abstains else ''}",
        "; ".join(_below_baseline(evaluation)) or "no figure below the baseline",
    ]


def _below_baseline(evaluation) -> list[str]:
    names = ("accuracy", "macro_f1", "quadratic_kappa")
    return [
        f"{metric.name} {metric.value:.3f} of {metric.baseline:.3f}"
        for metric in evaluation.metrics
        if metric.name in names and metric.baseline is not None and metric.value < metric.baseline
    ]


def _time_order(incident: ResolvedIncident):
    return incident.report.opened_at, incident.report.id


if __name__ == "__main__":
    main()
