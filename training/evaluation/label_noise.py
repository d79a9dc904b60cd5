"""Labels of the history that are likely mistaken, and the ceiling they put on accuracy."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from scipy.sparse import coo_array

from features.domain.report import ResolvedIncident
from models.base.model_card import LabelNoise
from models.classification.calibrated_model import CalibratedModel
from models.classification.cross_validation import Rows
from models.classification.expert_pool import CrossFit
from training.dataset.split import Split
from training.dataset.targets import Target

_FEWEST_ROWS = 20
_MOST = 0.5
_SLACK = 0.01
_BY_MODEL, _BY_COPIES, _BY_BOTH = "model", "copies", "model and copies"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that looks mistaken; `confidence` is that of the suggested one.

    `found_by` is the model, the near-copies that carry another label, or both.
    """

    id: str
    given: str
    suggested: str
    confidence: float
    found_by: str


@dataclass(frozen=True, slots=True)
class SuspectLabels:
    """How noisy a history's labels are, and those that look mistaken, the surest first."""

    noise: LabelNoise
    suspects: tuple[Suspect, ...]


def find_suspect_labels(
    incidents: Sequence[ResolvedIncident], target: Target, split: Split, model: CalibratedModel
) -> SuspectLabels:
    """Return what a fitted model and near-copies find doubtful in a target's labels."""
    numbers = {label: number for number, label in enumerate(model.classes_)}
    labels = np.array([-1 if label is None else numbers[label] for label in target.labels])
    ids = [incident.report.id for incident in incidents]
    return find_label_noise(labels, model.cross_fit_, split.copies, model.classes_, ids)


@dataclass(frozen=True, slots=True)
class _CopyVotes:
    """Labelled `rows`, the group of each, and of each group its size and most frequent label.

    `votes` counts the rows of a group that carry its most frequent label.
    """

    rows: Rows
    group_of: Rows
    sizes: Rows
    votes: Rows
    favourites: Rows

    @property
    def is_copied(self) -> NDArray[np.bool_]:
        """Whether a group holds more than one row."""
        return self.sizes > 1

    def ceiling(self) -> float | None:
        """Return the share of copied rows that carry their group's most frequent label."""
        copied = self.is_copied
        return float(self.votes[copied].sum() / self.sizes[copied].sum()) if copied.any() else None

    def contradicted(self, labels: Rows) -> dict[int, tuple[int, float]]:
        """Return rows that most of their group contradict, with the group's label and its share."""
        groups = self.group_of
        favourites, shares = self.favourites[groups], (self.votes / self.sizes)[groups]
        odd = np.flatnonzero((labels[self.rows] != favourites) & (shares > _MOST))
        return {int(self.rows[at]): (int(favourites[at]), float(shares[at])) for at in odd}


def find_label_noise(
    labels: Rows, found: CrossFit, copies: Rows, classes: Sequence[str], ids: Sequence[str]
) -> SuspectLabels:
    """Return how noisy a history's labels are, and the suspects, the surest first.

    `labels` numbers each incident's class, -1 where it is unknown; `found` holds the answers of
    models that had not seen the row; `copies` numbers near-copy groups. Suspected are as many rows
    as confident learning counts (Northcutt, Jiang and Chuang 2021, doi 10.1613/jair.1.12125),
    those whose given label is least likely, and rows that most of their near-copies contradict.
    Labels with fewer than 20 judged rows are not suspected by the model, which knows them too
    little.

    Two ceilings say how far any model could agree with the labels. `ceiling` is the diagonal of
    the joint distribution of given and right labels that confident learning estimates. It assumes
    that which mistake is made depends on the right label only, and that the model knows the
    classes: its own sure errors count as noise, so a better model may reach more. Where that gives
    a ceiling which this model exceeds, it knows too little to tell, and names no ceiling and no
    suspects. `copies_ceiling` is the share of rows with near-copies that a
    model could agree with if it answers copies alike: of each group the most frequent label. It
    assumes that copies deserve one label, and misses a mistake that is made each time.
    """
    places, kept = _assessable(labels, found, len(classes))
    by_model, ceiling = _by_model(labels, found, places, kept)
    agreement = _agreement_of_copies(labels, copies, len(classes))
    by_copies = agreement.contradicted(labels)
    both = by_model.keys() & by_copies.keys()
    found_by = {row: _BY_BOTH if row in both else _BY_MODEL for row in by_model}
    suspects = [
        Suspect(ids[row], classes[labels[row]], classes[number], round(sure, 4), by)
        for row, (number, sure) in (by_copies | by_model).items()
        for by in [found_by.get(row, _BY_COPIES)]
    ]
    noise = LabelNoise(
        suspected=len(suspects),
        share=len(by_model) / max(len(places), 1),
        assessed=len(places),
        ceiling=ceiling,
        copied=int(agreement.sizes[agreement.is_copied].sum()),
        disagreeing=int((agreement.votes < agreement.sizes).sum()),
        copies_ceiling=agreement.ceiling(),
    )
    surest = sorted(suspects, key=lambda one: (-one.confidence, one.id))
    return SuspectLabels(noise, tuple(surest))


def write_suspects(suspects: Sequence[Suspect], file: Path) -> None:
    """Write suspects as csv; no text of an incident is kept."""
    with file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "given_label", "suggested_label", "confidence", "found_by"))
        writer.writerows((s.id, s.given, s.suggested, s.confidence, s.found_by) for s in suspects)


def _assessable(labels: Rows, found: CrossFit, classes: int) -> tuple[Rows, Rows]:
    """Return the places in `found` and the classes that confident learning can judge."""
    given = labels[found.rows]
    kept = np.flatnonzero(np.bincount(given, minlength=classes) >= _FEWEST_ROWS)
    if len(kept) < 2:
        return np.empty(0, dtype=np.int64), kept
    return np.flatnonzero(np.isin(given, kept)), kept


def _by_model(
    labels: Rows, found: CrossFit, places: Rows, kept: Rows
) -> tuple[dict[int, tuple[int, float]], float | None]:
    """Return the suspects by row, with suggested class and confidence, and the ceiling."""
    if not len(places):
        return {}, None
    probabilities = found.probabilities[np.ix_(places, kept)]
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    given = np.searchsorted(kept, labels[found.rows[places]])
    suggested = probabilities.argmax(axis=1)
    ceiling = float(np.trace(estimate_joint(given, probabilities)))
    reached = float((suggested == given).mean())
    if ceiling < reached - _SLACK:
        return {}, None
    doubtful = find_label_issues(given, probabilities, filter_by="low_self_confidence", n_jobs=1)
    suspects = {
        int(found.rows[places[at]]): (
            int(kept[suggested[at]]),
            float(probabilities[at, suggested[at]]),
        )
        for at in np.flatnonzero(doubtful & (suggested != given))
    }
    return suspects, max(ceiling, reached)


def _agreement_of_copies(labels: Rows, copies: Rows, classes: int) -> _CopyVotes:
    rows = np.flatnonzero(labels >= 0)
    names, group_of = np.unique(copies[rows], return_inverse=True)
    shape = (len(names), classes)
    counts = coo_array((np.ones(len(rows), np.int64), (group_of, labels[rows])), shape).tocsr()
    return _CopyVotes(
        rows=rows,
        group_of=group_of,
        sizes=counts.sum(axis=1),
        votes=counts.max(axis=1).toarray().ravel(),
        favourites=counts.argmax(axis=1).ravel(),
    )
