"""Proposes renamed labels: a label ends as another begins with the same texts."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import binom

from features.domain.monitoring import Proposal
from models.classification.scorers.scorer import Rows
from training.monitoring.dataset import MonitoringDataset, opened_at
from training.monitoring.findings import RETRAIN, Findings

_MIN_INCIDENTS = 10
_MAX_STRAGGLERS = 0.05
_MAX_P_VALUE = 0.001
_MIN_OF_USUAL = 0.5
_MAX_COMPARED = 500
_MAX_EXAMPLES = 5
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class _Rename:
    """A label that may have become another one at place `cut` of the labelled rows."""

    old: str
    new: str
    cut: int
    match: float
    usual: float


def propose_renames(dataset: MonitoringDataset, target: str) -> Findings:
    """Propose the pairs of labels of a target of which one seems to be renamed to the other.

    Both labels have at least ten incidents. At one moment the old label ends and the new one
    begins: at most 5% of the incidents of each are on the other side, and if both had been in use
    throughout, this would have a probability of at most 1 in 1,000 each. Their texts match: among
    the incidents before that moment, those nearest to the new label's incidents by sentence vectors
    carry the old label, more often than by chance (p-value at most 1 in 1,000) and at least half as
    often as for the old label's own incidents. Incidents without texts are compared by service,
    source and attributes. If several new labels match one old label, the label was divided, and
    nothing is proposed.
    """
    all_labels = dataset.labels(target)
    rows = np.flatnonzero([label is not None for label in all_labels]).astype(np.int64)
    labels = np.array([str(all_labels[row]) for row in rows])
    if len(rows) < 2 * _MIN_INCIDENTS:
        return Findings()
    renames = list(_find_renames(dataset, rows, labels))
    olds = [rename.old for rename in renames]
    return Findings(
        proposals=tuple(
            _proposal(dataset, target, rename, rows, labels)
            for rename in renames
            if olds.count(rename.old) == 1
        )
    )


def _find_renames(
    dataset: MonitoringDataset, rows: Rows, labels: NDArray[np.str_]
) -> Iterator[_Rename]:
    names, counts = np.unique(labels, return_counts=True)
    frequent = [str(name) for name in names[counts >= _MIN_INCIDENTS]]
    places = {name: np.flatnonzero(labels == name) for name in frequent}
    starts = {name: np.quantile(places[name], _MAX_STRAGGLERS) for name in frequent}
    ends = {name: np.quantile(places[name], 1 - _MAX_STRAGGLERS) for name in frequent}
    for old in frequent:
        for new in frequent:
            is_possible = ends[old] <= starts[new]
            cut = _find_cut(labels == old, labels == new) if is_possible else None
            if cut is None:
                continue
            is_old = labels[:cut] == old
            later = cut + np.flatnonzero(labels[cut:] == new)
            match = _match(dataset, rows, later, is_old)
            usual = _match(dataset, rows, np.flatnonzero(is_old), is_old)
            p_value = _p_value_of_match(match, min(len(later), _MAX_COMPARED), float(is_old.mean()))
            if match >= _MIN_OF_USUAL * usual and p_value <= _MAX_P_VALUE:
                yield _Rename(old, new, cut, match, usual)


def _find_cut(is_old: NDArray[np.bool_], is_new: NDArray[np.bool_]) -> int | None:
    """Return the place at which the old label gives way to the new one, None without one."""
    old_before, new_before = np.cumsum(is_old), np.cumsum(is_new)
    stragglers = old_before[-1] - old_before + new_before
    cut = int(stragglers.argmin()) + 1
    old_after, new_early = int(is_old[cut:].sum()), int(is_new[:cut].sum())
    if (
        old_after > _MAX_STRAGGLERS * old_before[-1]
        or new_early > _MAX_STRAGGLERS * new_before[-1]
        or int(is_new[cut:].sum()) < _MIN_INCIDENTS
    ):
        return None
    p_values = (
        _p_value_of_silence(float(is_old[:cut].mean()), len(is_old) - cut, old_after),
        _p_value_of_silence(float(is_new[cut:].mean()), cut, new_early),
    )
    return cut if max(p_values) <= _MAX_P_VALUE else None


def _p_value_of_silence(share: float, count: int, seen: int) -> float:
    """Return the probability that a label of this share occurs so seldom in `count` incidents."""
    return float(binom.cdf(seen, count, share))


def _p_value_of_match(match: float, count: int, share: float) -> float:
    """Return the probability that so many of `count` nearest incidents carry a label by chance."""
    return float(binom.sf(round(match * count) - 1, count, share))


def _match(
    dataset: MonitoringDataset, rows: Rows, places: Rows, is_old: NDArray[np.bool_]
) -> float:
    """Return how often the incidents at `places` have an earlier nearest one with the old label.

    `is_old` tells of each labelled incident before the change whether it has the old label. An
    incident is not compared with itself; of several nearest incidents, each counts in part.
    """
    places = places[-_MAX_COMPARED:]
    if dataset.vectors[rows[places]].any():
        vectors = dataset.vectors[rows]
        similarities = np.asarray(vectors[places] @ vectors[: len(is_old)].T)
    else:
        facts = _fact_vectors(dataset, rows)
        similarities = (facts[places] @ facts[: len(is_old)].T).toarray()
    own = np.flatnonzero(places < len(is_old))
    similarities[own, places[own]] = -np.inf
    is_nearest = similarities >= similarities.max(axis=1, keepdims=True) - _TIE
    return float(((is_nearest & is_old).sum(axis=1) / is_nearest.sum(axis=1)).mean())


def _fact_vectors(dataset: MonitoringDataset, rows: Rows) -> csr_array:
    """Return one-hot vectors of the incidents' services, sources and attributes."""
    reports = [dataset.incidents[int(row)].report for row in rows]
    facts = [
        {("service", report.service), ("source", report.source), *report.attributes.items()}
        for report in reports
    ]
    columns: dict[tuple[str, str | None], int] = {}
    numbers = [columns.setdefault(fact, len(columns)) for values in facts for fact in values]
    fact_rows = np.repeat(np.arange(len(rows)), [len(values) for values in facts])
    return csr_array((np.ones(len(numbers)), (fact_rows, numbers)), (len(rows), len(columns)))


def _proposal(
    dataset: MonitoringDataset,
    target: str,
    rename: _Rename,
    rows: Rows,
    labels: NDArray[np.str_],
) -> Proposal:
    members = rows[rename.cut :][labels[rename.cut :] == rename.new]
    since = opened_at(dataset.incidents[int(members[0])])
    compared = "texts" if dataset.vectors[members].any() else "facts"
    names = shlex.join([target, rename.old, rename.new])
    return Proposal(
        kind="renamed",
        target=target,
        name=rename.new,
        statement=(
            f"{rename.old!r} became {rename.new!r} on {since:%Y-%m-%d}: {rename.match:.0%} of the "
            f"{compared} match ({rename.usual:.0%} within {rename.old!r}); if this is right, "
            f"learn across it: {RETRAIN} --renamed {names}"
        ),
        count=len(members),
        since=since,
        examples=tuple(dataset.ids[int(row)] for row in members[:_MAX_EXAMPLES]),
    )
