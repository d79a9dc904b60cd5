"""Orders unlabelled incidents by how much a label would improve the model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.domain.predictions import PredictionSummary
from features.domain.report import ResolvedIncident
from features.encoding.encoder import Vectors
from features.search.incident_index import IncidentIndex
from features.store.store import Store
from features.text.near_duplicates import near_copy_groups
from serving.background.champions import Champions
from serving.runtime.errors import FieldError, InvalidFields

MOST_CANDIDATES = 5_000

_HALF_LIFE_DAYS = 90.0
_ALIKE, _RELATED = 0.5, 0.2
_WITHOUT_LABELS = frozenset({"similar", "runbooks", "resolution"})
_AUDIT = "audit sample: your decision shows how often such answers are right"

Floats = NDArray[np.float64]


def label_targets(champions: Champions) -> tuple[str, ...]:
    """Return the targets with a champion whose answers are labels, in alphabetical order."""
    return tuple(sorted(champions.serving.keys() - _WITHOUT_LABELS))


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """An incident to label, without our answer about it.

    `score` in 0..1 orders the queue; it is 1 in the audit sample, which comes first. `cluster_size`
    counts the incident and its near-copies among the unlabelled incidents; it is 1 in the audit
    sample.
    """

    incident_id: str
    title: str
    opened_at: datetime | None
    score: float
    why: str
    cluster_size: int
    is_audit: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    answer: PredictionSummary
    incident: ResolvedIncident

    @property
    def opened_at(self) -> datetime:
        """When the incident was opened; if unknown, when it was answered."""
        return self.incident.report.opened_at or self.answer.answered_at


class LabelQueue:
    """Orders the unlabelled incidents of a target by how much each label would improve the model.

    The score is uncertainty times density (Settles and Craven 2008). It is halved for every 90 days
    by which an incident is older than the newest, because future incidents will resemble recent
    incidents. Uncertainty is 1 minus the confidence; density is the mean cosine with the other
    unlabelled incidents. Of near-copies only the incident with the highest score is listed. `index`
    returns the index of the stored incidents.
    """

    def __init__(
        self,
        store: Store,
        champions: Callable[[], Champions],
        index: Callable[[], IncidentIndex],
    ) -> None:
        self._store = store
        self._champions = champions
        self._index = index

    def next(self, target: str, limit: int) -> tuple[WantedLabel, ...]:
        """Return at most `limit` incidents to label, the highest score first.

        Incidents of the audit sample come before all others, the oldest answer first. Raises
        `InvalidFields` if the target has no champion or its answers are not labels; also raises
        `StoreUnavailable`, `IndexBehind` and `EncoderUnavailable`.
        """
        self._check(target)
        audited = self._audited(target, limit)
        if len(audited) >= limit:
            return audited
        answers = self._store.predictions.unlabelled(target, since=None, limit=MOST_CANDIDATES)
        candidates = self._candidates([answer for answer in answers if answer.audit_share is None])
        return (*audited, *self._ranked(candidates)[: limit - len(audited)])

    def _check(self, target: str) -> None:
        targets = label_targets(self._champions())
        if target not in targets:
            names = ", ".join(targets) or "none yet"
            message = f"{target!r} takes no labels here; targets that do: {names}"
            raise InvalidFields([FieldError("target", message)])

    def _audited(self, target: str, limit: int) -> tuple[WantedLabel, ...]:
        undecided = {
            answer.incident_id: answer
            for answer in self._store.predictions.audited(target)
            if answer.truth is None
        }
        stored = self._store.incidents.find(list(undecided))
        reports = [stored[id_].report for id_ in undecided if id_ in stored]
        return tuple(
            WantedLabel(report.id, report.title, report.opened_at, 1.0, _AUDIT, 1, is_audit=True)
            for report in reports[:limit]
        )

    def _candidates(self, answers: Sequence[PredictionSummary]) -> list[_Candidate]:
        stored: Mapping[str, ResolvedIncident] = self._store.incidents.find(
            [answer.incident_id for answer in answers]
        )
        return [
            _Candidate(answer, stored[answer.incident_id])
            for answer in answers
            if answer.incident_id in stored
        ]

    def _ranked(self, candidates: Sequence[_Candidate]) -> list[WantedLabel]:
        if not candidates:
            return []
        reports = [candidate.incident.report for candidate in candidates]
        density = _density(self._index().text_vectors([report.id for report in reports]))
        confidence = np.array([candidate.answer.confidence for candidate in candidates])
        days = _days_before_newest([candidate.opened_at for candidate in candidates])
        scores = (1 - confidence) * density * 0.5 ** (days / _HALF_LIFE_DAYS)
        groups = near_copy_groups([f"{report.title}\n{report.description}" for report in reports])
        sizes = np.bincount(groups)
        ranked, ranked_groups = [], set()
        for row in np.argsort(-scores, kind="stable"):
            if groups[row] in ranked_groups:
                continue
            ranked_groups.add(groups[row])
            size = int(sizes[groups[row]])
            ranked.append(_wanted_label(candidates[row], scores[row], density[row], size))
        return ranked


def _density(vectors: Vectors) -> Floats:
    """Return each unit vector's mean cosine with the others, in 0..1; 1 for a single vector."""
    if len(vectors) < 2:
        return np.ones(len(vectors))
    sums_of_others = vectors.sum(axis=0) - vectors
    cosines = np.einsum("ij,ij->i", vectors, sums_of_others).astype(np.float64) / (len(vectors) - 1)
    return np.asarray(np.clip(cosines, 0, 1))


def _days_before_newest(moments: Sequence[datetime]) -> Floats:
    seconds = np.array([moment.timestamp() for moment in moments])
    return np.asarray((seconds.max() - seconds) / 86_400)


def _likeness(density: float) -> str:
    """Return in words how similar an incident is to the others, from its mean cosine with them.

    >>> _likeness(0.6), _likeness(0.05)
    ('like most others in the queue', 'unlike most others in the queue')
    """
    if density >= _ALIKE:
        return "like most others in the queue"
    if density >= _RELATED:
        return "like some others in the queue"
    return "unlike most others in the queue"


def _wanted_label(candidate: _Candidate, score: float, density: float, size: int) -> WantedLabel:
    report = candidate.incident.report
    copies = f"; stands for {size} near-copies" if size > 1 else ""
    why = f"the model is {candidate.answer.confidence:.0%} sure; {_likeness(density)}"
    return WantedLabel(
        report.id,
        report.title,
        report.opened_at,
        round(float(score), 4),
        why + copies,
        size,
        is_audit=False,
    )
