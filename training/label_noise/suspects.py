"""Finds labels that are likely wrong, and the highest accuracy that label noise allows."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from features.domain.report import ResolvedIncident
from models.base.model_card import LabelNoise
from models.classification.calibrated_model import CalibratedModel
from models.classification.learning.cross_fit import CrossFit
from models.classification.scorers.scorer import Rows
from training.dataset.split import Split
from training.dataset.targets import Target
from training.label_noise.confident_learning import find_contradictions
from training.label_noise.label_regimes import find_regimes, periods_of
from training.label_noise.period_correction import correct_to_periods

_MIN_CLASS_ROWS = 20
_MIN_PERIOD_ROWS = 20
_MAJORITY = 0.5
_TOLERANCE = 0.01
_BY_MODEL, _BY_COPIES, _BY_BOTH = "model", "copies", "model and copies"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is likely wrong, with the label that is suggested instead.

    `found_by` says what contradicts the given label: the model, the near-copies, or both.
    `confidence` is the probability of the suggested label by the model, corrected to the row's
    period. If only the near-copies contradict, it is the share of the near-copy group that has the
    suggested label.
    """

    id: str
    given: str
    suggested: str
    confidence: float
    found_by: str


@dataclass(frozen=True, slots=True)
class SuspectLabels:
    """The noise of a target's labels, and the suspects, the most confident first."""

    noise: LabelNoise
    suspects: tuple[Suspect, ...]


def find_suspect_labels(
    incidents: Sequence[ResolvedIncident], target: Target, split: Split, model: CalibratedModel
) -> SuspectLabels:
    """Return the labels of a target that a fitted model or near-copies contradict."""
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    ids = [incident.report.id for incident in incidents]
    regimes = find_regimes(labels, split)
    copies = np.unique(np.column_stack([split.copies, regimes]), axis=0, return_inverse=True)[1]
    periods = periods_of(regimes, split)
    return find_label_noise(labels, model.cross_fit_, copies, model.classes_, ids, periods)


@dataclass(frozen=True, slots=True)
class _CopyVotes:
    """Labelled `rows`, the group of each row, and the size and most frequent label of each group.

    `votes` counts the rows of a group that have its most frequent label.
    """

    rows: Rows
    group_of: Rows
    sizes: Rows
    votes: Rows
    top_labels: Rows

    @property
    def is_copied(self) -> NDArray[np.bool_]:
        """Whether each group has more than one row."""
        return self.sizes > 1

    def ceiling(self) -> float | None:
        """Return the accuracy of predicting each group's most frequent label.

        Only groups of several rows count; returns None without such groups.
        """
        if not self.is_copied.any():
            return None
        return float(self.votes[self.is_copied].sum() / self.sizes[self.is_copied].sum())

    def find_contradicted(self, labels: Rows) -> dict[int, tuple[int, float]]:
        """Return, by row, the majority label and its share if the row has another label."""
        top_labels = self.top_labels[self.group_of]
        shares = (self.votes / self.sizes)[self.group_of]
        is_contradicted = (labels[self.rows] != top_labels) & (shares > _MAJORITY)
        return {
            int(self.rows[place]): (int(top_labels[place]), float(shares[place]))
            for place in np.flatnonzero(is_contradicted)
        }


def find_label_noise(
    labels: Rows,
    cross_fit: CrossFit,
    copies: Rows,
    classes: Sequence[str],
    ids: Sequence[str],
    periods: Rows | None = None,
) -> SuspectLabels:
    """Return the noise of a target's labels, and the suspects, the most confident first.

    `labels` has the number of each incident's class, -1 if unknown. `cross_fit` holds each row's
    prediction by a model that was not fitted on it. `copies` has the number of each incident's
    near-copy group, and `periods` the number of its period (None if all are in one period): labels
    are compared with the labels of their own period, so those that follow a change are not
    mistakes. Two kinds of rows are suspects: rows whose given label has the lowest probability by
    the model, as many as confident learning finds beyond chance (`find_contradictions`), and rows
    whose near-copies mostly have another label. Labels and periods with fewer than 20 held-out rows
    are suspected by near-copies only, since the model has learned too little about them.

    Two ceilings estimate the highest accuracy that any model can reach on these labels. `ceiling`
    is the trace of the joint distribution of given and correct labels that confident learning
    estimates, plus the share of labels that are contradicted by chance. It assumes that label
    errors depend on the correct label only, and that the model's confident predictions are correct.
    Confident predictions that are wrong count as noise, so a better model may exceed the ceiling.
    If this model's accuracy exceeds the ceiling by more than .01, the estimate is unusable: there
    is then no `ceiling`, and no label is suspected by the model. `copies_ceiling` is the accuracy,
    on rows with near-copies, of predicting each group's most frequent label. It assumes that
    near-copies should have the same label, and misses errors that all copies share.
    """
    periods = np.zeros(len(labels), dtype=np.int64) if periods is None else periods
    places, kept_classes = _assessable_rows(labels, cross_fit, periods, len(classes))
    by_model = _find_by_model(labels, cross_fit, periods, places, kept_classes)
    suspects_by_model = by_model.suspects
    votes = _count_votes(labels, copies, len(classes))
    suspects_by_copies = votes.find_contradicted(labels)
    rows_in_both = suspects_by_model.keys() & suspects_by_copies.keys()
    found_by = {row: _BY_BOTH if row in rows_in_both else _BY_MODEL for row in suspects_by_model}
    suspects = [
        Suspect(ids[row], classes[labels[row]], classes[label], round(confidence, 4), finder)
        for row, (label, confidence) in (suspects_by_copies | suspects_by_model).items()
        for finder in [found_by.get(row, _BY_COPIES)]
    ]
    noise = LabelNoise(
        suspected=len(suspects),
        share=len(suspects_by_model) / max(len(places), 1),
        assessed=len(places),
        ceiling=by_model.ceiling,
        copied=int(votes.sizes[votes.is_copied].sum()),
        disagreeing=int((votes.votes < votes.sizes).sum()),
        copies_ceiling=votes.ceiling(),
        by_chance=by_model.by_chance,
    )
    sorted_suspects = sorted(suspects, key=lambda suspect: (-suspect.confidence, suspect.id))
    return SuspectLabels(noise, tuple(sorted_suspects))


def write_suspects(suspects: Sequence[Suspect], file: Path) -> None:
    """Write suspects as CSV, without any text of the incidents."""
    with file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "given_label", "suggested_label", "confidence", "found_by"))
        for suspect in suspects:
            labels = (suspect.given, suspect.suggested)
            writer.writerow((suspect.id, *labels, suspect.confidence, suspect.found_by))


def _assessable_rows(
    labels: Rows, cross_fit: CrossFit, periods: Rows, classes: int
) -> tuple[Rows, Rows]:
    """Return the positions in `cross_fit` and the classes that confident learning can assess."""
    given_labels, row_periods = labels[cross_fit.rows], periods[cross_fit.rows]
    is_long = np.bincount(row_periods)[row_periods] >= _MIN_PERIOD_ROWS
    counts = np.bincount(given_labels[is_long], minlength=classes)
    kept_classes = np.flatnonzero(counts >= _MIN_CLASS_ROWS)
    if len(kept_classes) < 2:
        return np.empty(0, dtype=np.int64), kept_classes
    return np.flatnonzero(is_long & np.isin(given_labels, kept_classes)), kept_classes


@dataclass(frozen=True, slots=True)
class _ByModel:
    """The suggested class and confidence of each suspect row, the ceiling, and the control."""

    suspects: dict[int, tuple[int, float]]
    ceiling: float | None = None
    by_chance: float | None = None


def _find_by_model(
    labels: Rows, cross_fit: CrossFit, periods: Rows, places: Rows, kept_classes: Rows
) -> _ByModel:
    if not len(places):
        return _ByModel({})
    rows = cross_fit.rows[places]
    probabilities = cross_fit.probabilities[np.ix_(places, kept_classes)]
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    given_labels = np.searchsorted(kept_classes, labels[rows])
    corrected = correct_to_periods(probabilities, given_labels, periods[rows])
    suggested_labels = corrected.argmax(axis=1)
    found = find_contradictions(given_labels, corrected)
    agreement = float((suggested_labels == given_labels).mean())
    if found.agreeing < agreement - _TOLERANCE:
        return _ByModel({}, by_chance=found.by_chance)
    suspects = {
        int(rows[place]): (
            int(kept_classes[suggested_labels[place]]),
            float(corrected[place, suggested_labels[place]]),
        )
        for place in found.rows
    }
    return _ByModel(suspects, max(found.agreeing, agreement), found.by_chance)


def _count_votes(labels: Rows, copies: Rows, classes: int) -> _CopyVotes:
    rows = np.flatnonzero(labels >= 0)
    group_names, group_of = np.unique(copies[rows], return_inverse=True)
    shape = (len(group_names), classes)
    counts = coo_array((np.ones(len(rows), np.int64), (group_of, labels[rows])), shape).tocsr()
    return _CopyVotes(
        rows=rows,
        group_of=group_of,
        sizes=counts.sum(axis=1),
        votes=counts.max(axis=1).toarray().ravel(),
        top_labels=counts.argmax(axis=1).ravel(),
    )
