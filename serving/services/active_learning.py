"""Which label would help most: the incidents that are worth a person's minute. Knows no HTTP."""

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
_WITHOUT_LABELS = frozenset({"similar", "runbooks"})
_AUDIT = "audit sample: what you decide shows how often such answers are right"

Floats = NDArray[np.float64]


def label_targets(champions: Champions) -> tuple[str, ...]:
    """Return the targets with a champion whose answers are labels, by the alphabet."""
    return tuple(sorted(champions.serving.keys() - _WITHOUT_LABELS))


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """An incident whose label would help, without what we would answer.

    `score` in 0..1 orders the queue after the audit sample, whose score is 1; `cluster_size`
    counts the near-copies that one label speaks for, itself included.
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
        """When it was opened, or else when it was answered."""
        return self.incident.report.opened_at or self.answer.answered_at


class LabelQueue:
    """Orders the unlabelled incidents of a target by how much a label of each would teach.

    Uncertainty times density (Settles and Craven 2008) favours what the model does not know and
    what stands for many others; what is recent counts more, for it is what comes next. Of
    near-copies one is asked. `index` returns the vectors of what is stored.
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
        """Return what to label next, the most helpful first.

        Answers of the audit sample come before all others, the oldest first. Raises
        `InvalidFields` for a target without a champion or without labels, `StoreUnavailable`,
        `IndexBehind` and `EncoderUnavailable`.
        """
        self._check(target)
        audited = self._audited(target, limit)
        if len(audited) >= limit:
            return audited
        found = self._store.predictions.unlabelled(target, since=None, limit=MOST_CANDIDATES)
        candidates = self._stored([answer for answer in found if answer.audit_share is None])
        return (*audited, *self._ranked(candidates)[: limit - len(audited)])

    def _check(self, target: str) -> None:
        known = label_targets(self._champions())
        if target not in known:
            named = ", ".join(known) or "none yet"
            message = f"{target!r} takes no labels here; targets that do: {named}"
            raise InvalidFields([FieldError("target", message)])

    def _audited(self, target: str, limit: int) -> tuple[WantedLabel, ...]:
        undecided = {
            answer.incident_id: answer
            for answer in self._store.predictions.audited(target)
            if answer.truth is None
        }
        stored = self._store.incidents.find(list(undecided))
        waiting = [stored[id_].report for id_ in undecided if id_ in stored]
        return tuple(
            WantedLabel(one.id, one.title, one.opened_at, 1.0, _AUDIT, 1, is_audit=True)
            for one in waiting[:limit]
        )

    def _stored(self, answers: Sequence[PredictionSummary]) -> list[_Candidate]:
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
        reports = [one.incident.report for one in candidates]
        density = _density(self._index().text_vectors([report.id for report in reports]))
        confidence = np.array([one.answer.confidence for one in candidates])
        days = _days_before_newest([one.opened_at for one in candidates])
        scores = (1 - confidence) * density * 0.5 ** (days / _HALF_LIFE_DAYS)
        groups = near_copy_groups([f"{one.title}\n{one.description}" for one in reports])
        sizes = np.bincount(groups)
        ranked, seen = [], set()
        for at in np.argsort(-scores, kind="stable"):
            if groups[at] in seen:
                continue
            seen.add(groups[at])
            size = int(sizes[groups[at]])
            ranked.append(_wanted(candidates[at], scores[at], density[at], size))
        return ranked


def _density(vectors: Vectors) -> Floats:
    """Return each unit vector's mean cosine with the others, in 0..1; 1 where there is no other."""
    if len(vectors) < 2:
        return np.ones(len(vectors))
    others = vectors.sum(axis=0) - vectors
    cosines = np.einsum("ij,ij->i", vectors, others).astype(np.float64) / (len(vectors) - 1)
    return np.asarray(np.clip(cosines, 0, 1))


def _days_before_newest(moments: Sequence[datetime]) -> Floats:
    seconds = np.array([moment.timestamp() for moment in moments])
    return np.asarray((seconds.max() - seconds) / 86_400)


def _likeness(density: float) -> str:
    """Say how much of the queue a label speaks for, by the mean cosine with the others.

    >>> _likeness(0.6), _likeness(0.05)
    ('much like most others that wait', 'unlike most others that wait')
    """
    if density >= _ALIKE:
        return "much like most others that wait"
    return "like some others that wait" if density >= _RELATED else "unlike most others that wait"


def _wanted(candidate: _Candidate, score: float, density: float, size: int) -> WantedLabel:
    report = candidate.incident.report
    others = f"; stands for {size} near-copies" if size > 1 else ""
    why = f"the model is {candidate.answer.confidence:.0%} sure; {_likeness(density)}"
    return WantedLabel(
        report.id,
        report.title,
        report.opened_at,
        round(float(score), 4),
        why + others,
        size,
        is_audit=False,
    )
