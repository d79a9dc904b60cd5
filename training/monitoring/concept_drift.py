"""Changes of concept: new labels, services and kinds of text, in order of time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.domain.monitoring import Alarm
from features.text.cleaning import incident_text
from models.classification.cross_validation import Rows
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.distinctive_terms import distinctive_terms
from training.monitoring.findings import RETRAIN, Findings
from training.monitoring.novelty_tests import Novelty, emerging_texts, emerging_values

FACTS = ("service", "source")
# Chances of a false alarm a year; with that of errors they make one in twenty years.
_FOR_LABELS, _FOR_FACTS, _FOR_TEXTS = 0.01, 0.005, 0.03
_EXAMPLES = 5
_FEWEST_BEFORE = 120
# A value is young until so many incidents after its first.
_YOUNG = 320


def find_concept_changes(
    dataset: MonitoringDataset, targets: Sequence[str], since: int
) -> Findings:
    """Return an alarm for each label, service, source and kind of text that came up since a row."""
    return Findings(
        alarms=(
            *(
                _label_alarm(dataset, target, new)
                for target in targets
                for new in new_labels(dataset, target, since, len(targets))
            ),
            *(
                _fact_alarm(dataset, fact, new)
                for fact in FACTS
                for new in new_facts(dataset, fact, since)
            ),
            *(_text_alarm(dataset, new) for new in new_texts(dataset, since)),
        )
    )


def new_labels(
    dataset: MonitoringDataset, target: str, since: int, targets: int = 1
) -> tuple[Novelty, ...]:
    """Return what labels came up since a row: a category that is new, or renamed.

    `targets` share the chance of a false alarm.
    """
    values = dataset.labels(target)
    alone = _new_values(dataset, values, since, _FOR_LABELS / targets / 2)
    return alone or _several_new_values(dataset, values, since, _FOR_LABELS / targets / 2)


def new_facts(dataset: MonitoringDataset, fact: str, since: int) -> tuple[Novelty, ...]:
    """Return what values of a fact, `service` or `source`, came up since a row."""
    values = [getattr(incident.report, fact) or None for incident in dataset.incidents]
    return _new_values(dataset, values, since, _FOR_FACTS / len(FACTS))


def new_texts(dataset: MonitoringDataset, since: int) -> tuple[Novelty, ...]:
    """Return what kinds of text came up since a row: a new failure mode, a campaign."""
    has_text = [bool(incident_text(incident.report)) for incident in dataset.incidents]
    rows, first = _rows_with(has_text, since)
    if first < _FEWEST_BEFORE:
        return ()
    error = dataset.error_for(_FOR_TEXTS, since)
    found = emerging_texts(dataset.vectors[rows], dataset.days[rows], since=first, error=error)
    return tuple(_in_rows(new, rows) for new in found)


def _new_values(
    dataset: MonitoringDataset, values: Sequence[str | None], since: int, a_year: float
) -> tuple[Novelty, ...]:
    rows, first = _rows_with([value is not None for value in values], since)
    if first < _FEWEST_BEFORE:
        return ()
    found = emerging_values(
        [values[row] for row in rows],
        dataset.days[rows],
        since=first,
        error=dataset.error_for(a_year, since),
    )
    return tuple(_in_rows(new, rows) for new in found)


def _several_new_values(
    dataset: MonitoringDataset, values: Sequence[str | None], since: int, a_year: float
) -> tuple[Novelty, ...]:
    """Return whether several new values, each of them rare, came up together."""
    rows, first = _rows_with([value is not None for value in values], since)
    if first < _YOUNG + _FEWEST_BEFORE:
        return ()
    known = [values[row] for row in rows]
    began = {value: row for row, value in reversed(list(enumerate(known)))}
    # Of the first rows everything is young, so they tell nothing.
    is_young = [row - began[value] < _YOUNG for row, value in enumerate(known)][_YOUNG:]
    found = emerging_values(
        ["" if young else None for young in is_young],
        dataset.days[rows[_YOUNG:]],
        since=first - _YOUNG,
        error=dataset.error_for(a_year, since),
    )
    return tuple(replace(_in_rows(new, rows[_YOUNG:]), value=None) for new in found)


def _rows_with(has_it: Sequence[bool], since: int) -> tuple[Rows, int]:
    rows = np.flatnonzero(np.array(has_it, dtype=np.bool_)).astype(np.int64)
    return rows, int(np.searchsorted(rows, since))


def _in_rows(found: Novelty, rows: Rows) -> Novelty:
    members = tuple(rows[list(found.members)].tolist())
    return replace(found, row=int(rows[found.row]), members=members)


def _label_alarm(dataset: MonitoringDataset, target: str, new: Novelty) -> Alarm:
    if new.value is None:
        statement, advice = _several_labels(dataset, target, new)
    elif new.before:
        statement = f"label {new.value!r} of {target} has become far more frequent"
        advice = f"see whether its meaning changed; then train anew: {RETRAIN}"
    else:
        statement = f"label {new.value!r} of {target} is new"
        advice = (
            "a new class, or an old one renamed: if it is the same, rename it in the history; "
            f"then train anew: {RETRAIN}"
        )
    return _alarm(dataset, new, "label", statement, advice, target)


def _several_labels(dataset: MonitoringDataset, target: str, new: Novelty) -> tuple[str, str]:
    labels = dataset.labels(target)
    names = dict.fromkeys(repr(labels[row]) for row in new.members)
    statement = f"several labels of {target} are new: {', '.join(list(names)[:_EXAMPLES])}"
    return statement, (
        "new classes, or old ones renamed: rename in the history those that are the same; "
        f"then train anew: {RETRAIN}"
    )


def _fact_alarm(dataset: MonitoringDataset, fact: str, new: Novelty) -> Alarm:
    statement = f"{fact} {new.value!r} {'is far more frequent' if new.before else 'is new'}"
    topology = ", and add it to topology.yaml" if fact == "service" else ""
    advice = (
        f"no answer was ever judged on this {fact}: keep targets at recommend until the next "
        f"training{topology}"
    )
    return _alarm(dataset, new, fact, statement, advice)


def _text_alarm(dataset: MonitoringDataset, new: Novelty) -> Alarm:
    members = [dataset.incidents[row].report for row in new.members]
    past = [incident.report for incident in dataset.incidents[: new.members[0]]]
    terms = distinctive_terms(members, past)
    statement = f"a new kind of incident: {', '.join(terms) or 'see the examples'}"
    advice = "read the examples and label them: a new failure mode wants a runbook, maybe a class"
    return _alarm(dataset, new, "text", statement, advice)


def _alarm(
    dataset: MonitoringDataset,
    new: Novelty,
    signal: str,
    statement: str,
    advice: str,
    target: str | None = None,
) -> Alarm:
    since = opened_at(dataset.incidents[new.members[0]])
    before = f"seen in {new.before} earlier tens of incidents" if new.before else "never before"
    return Alarm(
        signal=signal,
        statement=f"{statement}: {len(new.members)} incidents since {since:%Y-%m-%d}, {before}",
        advice=advice,
        since=since,
        examples=tuple(dataset.ids[row] for row in new.members[-_EXAMPLES:]),
        target=target,
        label=new.value if signal == "label" else None,
    )
