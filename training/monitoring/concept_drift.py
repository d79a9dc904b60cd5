"""Finds concept drift: new labels, services, sources and kinds of text."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.domain.monitoring import Alarm
from features.text.cleaning import incident_text
from models.classification.scorers.scorer import Rows
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.distinctive_terms import distinctive_terms
from training.monitoring.findings import RETRAIN, Findings
from training.monitoring.novelty_tests import Novelty, emerging_texts, emerging_values

FACTS = ("service", "source")
# Probabilities of a false alarm in a year. With the rate of `answer_quality` they sum to 5%.
_LABEL_ERROR_RATE, _FACT_ERROR_RATE, _TEXT_ERROR_RATE = 0.01, 0.005, 0.03
_MAX_EXAMPLES = 5
_MIN_ROWS_BEFORE = 120
# A value counts as young during this many incidents, beginning with its first incident.
_YOUNG_ROWS = 320


def find_concept_changes(
    dataset: MonitoringDataset, targets: Sequence[str], since: int
) -> Findings:
    """Return an alarm for each label, service, source and kind of text new from row `since` on."""
    return Findings(
        alarms=(
            *(
                _label_alarm(dataset, target, novelty)
                for target in targets
                for novelty in new_labels(dataset, target, since, len(targets))
            ),
            *(
                _fact_alarm(dataset, fact, novelty)
                for fact in FACTS
                for novelty in new_facts(dataset, fact, since)
            ),
            *(_text_alarm(dataset, novelty) for novelty in new_texts(dataset, since)),
        )
    )


def new_labels(
    dataset: MonitoringDataset, target: str, since: int, targets: int = 1
) -> tuple[Novelty, ...]:
    """Return the labels that are new from row `since` on: new or renamed classes.

    `targets` is the number of targets that share the rate of false alarms.
    """
    values = dataset.labels(target)
    error_rate = _LABEL_ERROR_RATE / targets / 2
    new_values = _new_values(dataset, values, since, error_rate)
    return new_values or _several_new_values(dataset, values, since, error_rate)


def new_facts(dataset: MonitoringDataset, fact: str, since: int) -> tuple[Novelty, ...]:
    """Return the values of a fact, `service` or `source`, that are new from row `since` on."""
    values = [getattr(incident.report, fact) or None for incident in dataset.incidents]
    return _new_values(dataset, values, since, _FACT_ERROR_RATE / len(FACTS))


def new_texts(dataset: MonitoringDataset, since: int) -> tuple[Novelty, ...]:
    """Return the kinds of text, such as a failure mode, that are new from row `since` on."""
    has_text = [bool(incident_text(incident.report)) for incident in dataset.incidents]
    rows, first = _select_rows(has_text, since)
    if first < _MIN_ROWS_BEFORE:
        return ()
    error = dataset.error_for(_TEXT_ERROR_RATE, since)
    novelties = emerging_texts(dataset.vectors[rows], dataset.days[rows], since=first, error=error)
    return tuple(_to_dataset_rows(novelty, rows) for novelty in novelties)


def _new_values(
    dataset: MonitoringDataset, values: Sequence[str | None], since: int, yearly_error: float
) -> tuple[Novelty, ...]:
    rows, first = _select_rows([value is not None for value in values], since)
    if first < _MIN_ROWS_BEFORE:
        return ()
    novelties = emerging_values(
        [values[row] for row in rows],
        dataset.days[rows],
        since=first,
        error=dataset.error_for(yearly_error, since),
    )
    return tuple(_to_dataset_rows(novelty, rows) for novelty in novelties)


def _several_new_values(
    dataset: MonitoringDataset, values: Sequence[str | None], since: int, yearly_error: float
) -> tuple[Novelty, ...]:
    """Return a novelty, without a value, if several rare values appear at the same time."""
    rows, first = _select_rows([value is not None for value in values], since)
    if first < _YOUNG_ROWS + _MIN_ROWS_BEFORE:
        return ()
    row_values = [values[row] for row in rows]
    first_rows = {value: row for row, value in reversed(list(enumerate(row_values)))}
    is_young = [row - first_rows[value] < _YOUNG_ROWS for row, value in enumerate(row_values)]
    # The first 320 rows are left out, since all their values are young.
    novelties = emerging_values(
        ["" if young else None for young in is_young[_YOUNG_ROWS:]],
        dataset.days[rows[_YOUNG_ROWS:]],
        since=first - _YOUNG_ROWS,
        error=dataset.error_for(yearly_error, since),
    )
    return tuple(
        replace(_to_dataset_rows(novelty, rows[_YOUNG_ROWS:]), value=None) for novelty in novelties
    )


def _select_rows(is_selected: Sequence[bool], since: int) -> tuple[Rows, int]:
    """Return the selected rows, and how many of them come before row `since`."""
    rows = np.flatnonzero(np.array(is_selected, dtype=np.bool_)).astype(np.int64)
    return rows, int(np.searchsorted(rows, since))


def _to_dataset_rows(novelty: Novelty, rows: Rows) -> Novelty:
    """Return a novelty with row numbers of the dataset instead of indices into `rows`."""
    members = tuple(rows[list(novelty.members)].tolist())
    return replace(novelty, row=int(rows[novelty.row]), members=members)


def _label_alarm(dataset: MonitoringDataset, target: str, novelty: Novelty) -> Alarm:
    if novelty.value is None:
        statement, advice = _several_labels(dataset, target, novelty)
    elif novelty.before:
        statement = f"label {novelty.value!r} of {target} has become far more frequent"
        advice = f"check whether its meaning has changed, then retrain: {RETRAIN}"
    else:
        statement = f"label {novelty.value!r} of {target} is new"
        advice = (
            "this is a new class or a renamed one; if it was renamed, rename it in the history "
            f"too; then retrain: {RETRAIN}"
        )
    return _alarm(dataset, novelty, "label", statement, advice, target)


def _several_labels(dataset: MonitoringDataset, target: str, novelty: Novelty) -> tuple[str, str]:
    labels = dataset.labels(target)
    names = dict.fromkeys(repr(labels[row]) for row in novelty.members)
    statement = f"several labels of {target} are new: {', '.join(list(names)[:_MAX_EXAMPLES])}"
    return statement, (
        "these are new or renamed classes; if they were renamed, rename them in the history too; "
        f"then retrain: {RETRAIN}"
    )


def _fact_alarm(dataset: MonitoringDataset, fact: str, novelty: Novelty) -> Alarm:
    statement = f"{fact} {novelty.value!r} {'is far more frequent' if novelty.before else 'is new'}"
    topology = ", and add it to topology.yaml" if fact == "service" else ""
    advice = (
        f"the quality of answers for this {fact} is unknown: set targets to recommend until the "
        f"next training{topology}"
    )
    return _alarm(dataset, novelty, fact, statement, advice)


def _text_alarm(dataset: MonitoringDataset, novelty: Novelty) -> Alarm:
    reports = [dataset.incidents[row].report for row in novelty.members]
    earlier_reports = [incident.report for incident in dataset.incidents[: novelty.members[0]]]
    terms = distinctive_terms(reports, earlier_reports)
    statement = f"a new kind of incident: {', '.join(terms) or 'see the examples'}"
    advice = "read the examples and label them; a new kind may need a runbook and a class"
    return _alarm(dataset, novelty, "text", statement, advice)


def _alarm(
    dataset: MonitoringDataset,
    novelty: Novelty,
    signal: str,
    statement: str,
    advice: str,
    target: str | None = None,
) -> Alarm:
    since = opened_at(dataset.incidents[novelty.members[0]])
    before = (
        f"seen in {novelty.before} blocks of ten incidents before"
        if novelty.before
        else "never before"
    )
    return Alarm(
        signal=signal,
        statement=f"{statement}: {len(novelty.members)} incidents since {since:%Y-%m-%d}, {before}",
        advice=advice,
        since=since,
        examples=tuple(dataset.ids[row] for row in novelty.members[-_MAX_EXAMPLES:]),
        target=target,
        label=novelty.value if signal == "label" else None,
    )
