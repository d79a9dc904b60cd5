"""Suspected labels, of which some are known mistakes: `python tests/benchmarks/suspect_labels.py`.

The synthetic company is trained on without change, with 5% of its categories flipped, and with a
severity policy that changes on a day. With `PRECEDENT_DATA`, a sample of it-tickets is added.
"""

import os
from dataclasses import replace

import numpy as np
from data_sets import DATA_SETS, load_data_set
from rich.console import Console
from rich.table import Table

from features.domain.history import History
from models.kinds import build_model
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.demo.incidents import generate_company
from training.label_noise.suspects import SuspectLabels, find_suspect_labels

_FLIPPED = 0.05
_SAMPLE = 3_000


def main() -> None:
    """Print, for each history, how many labels are suspected and how many flips are among them."""
    company = generate_company(incidents=1_500)
    levels = company.severity_levels
    history = History(company.incidents, severity_levels=levels)
    flipped, flips = _flip_categories(history)
    undated, undated_flips = _flip_categories(_without_times(history))
    rows = [
        _measure("company", history, "category", frozenset()),
        _measure("company, flipped", flipped, "category", flips),
        _measure("company, flipped, undated", undated, "category", undated_flips),
        _measure("company, severity", history, "severity", frozenset()),
        *(
            _measure(
                f"company, policy after {part:.0%}",
                _raise_severity(history, part),
                "severity",
                frozenset(),
            )
            for part in (0.55, 0.7, 0.75)
        ),
    ]
    if os.environ.get("PRECEDENT_DATA"):
        tickets = _sample(load_data_set(DATA_SETS["it-tickets"]))
        noisy, ticket_flips = _flip_categories(tickets)
        rows.append(_measure("it-tickets", tickets, "category", frozenset()))
        rows.append(_measure("it-tickets, flipped", noisy, "category", ticket_flips))
    table = Table(title="suspected by the model")
    for heading in ("history", "assessed", "suspected", "by chance", "flipped", "found", "ceiling"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


def _measure(name: str, history: History, target_name: str, flips: frozenset[str]) -> list[str]:
    split = split_history(history)
    target = next(target for target in find_targets(history)[0] if target.name == target_name)
    model = build_model(target_name, levels=target.levels, encoder="hashing", seed=0)
    model.fit(history.incidents, split.folds, split.copies)
    found: SuspectLabels = find_suspect_labels(history.incidents, target, split, model)
    suspected = {suspect.id for suspect in found.suspects if suspect.found_by != "copies"}
    judged = {history.incidents[row].report.id for row in model.cross_fit_.rows}
    chance, ceiling = found.noise.by_chance, found.noise.ceiling
    return [
        name,
        f"{found.noise.assessed:,}",
        f"{len(suspected):,}",
        "" if chance is None else f"{chance:.1f}",
        f"{len(flips & judged):,}",
        f"{len(flips & suspected):,}",
        "" if ceiling is None else f"{ceiling:.3f}",
    ]


def _flip_categories(history: History) -> tuple[History, frozenset[str]]:
    generator = np.random.default_rng(0)
    incidents, flips = list(history.incidents), set()
    labelled = [row for row, incident in enumerate(incidents) if incident.outcome.category]
    names = sorted({str(incidents[row].outcome.category) for row in labelled})
    for row in generator.choice(labelled, int(_FLIPPED * len(labelled)), replace=False):
        incident = incidents[row]
        others = [name for name in names if name != incident.outcome.category]
        outcome = replace(incident.outcome, category=str(generator.choice(others)))
        incidents[row] = replace(incident, outcome=outcome)
        flips.add(incident.report.id)
    return replace(history, incidents=tuple(incidents)), frozenset(flips)


def _without_times(history: History) -> History:
    return replace(
        history,
        incidents=tuple(
            replace(incident, report=replace(incident.report, opened_at=None))
            for incident in history.incidents
        ),
    )


def _raise_severity(history: History, part: float) -> History:
    """Raise every severity by one level from the day on before which `part` of incidents opened."""
    times = sorted(incident.report.opened_at for incident in history.incidents)
    start, levels = times[int(part * len(times))], history.severity_levels
    higher = dict(zip(levels, (*levels[1:], levels[-1]), strict=True))
    return replace(
        history,
        incidents=tuple(
            replace(
                incident,
                outcome=replace(
                    incident.outcome, severity=higher.get(str(incident.outcome.severity))
                ),
            )
            if incident.report.opened_at >= start
            else incident
            for incident in history.incidents
        ),
    )


def _sample(history: History) -> History:
    generator = np.random.default_rng(1)
    rows = np.sort(generator.choice(len(history.incidents), _SAMPLE, replace=False))
    return replace(history, incidents=tuple(history.incidents[row] for row in rows), groups=())


if __name__ == "__main__":
    main()
