"""What is shown of stored answers: those that their owner lets be seen, and what was said."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from features.domain.feedback import FeedbackRecord
from features.domain.label_sources import labels_of
from features.domain.labels import LabelRecord, LabelTrust
from features.domain.modes import Mode, Modes
from features.domain.predictions import PredictionRecord
from features.domain.report import Outcome
from serving.background.champions import LoadedVersion

SIMILAR, RUNBOOKS = "similar", "runbooks"
_LONGEST_CHOICE = 300
_ORDER = ("category", "severity", "assignment")


@dataclass(frozen=True, slots=True)
class VisibleAnswer:
    """A stored answer with the mode that holds now and the labels that could correct it."""

    record: PredictionRecord
    mode: Mode
    choices: tuple[str, ...] = ()

    @property
    def said(self) -> Mapping[str, Any]:
        """The answer as the caller got it."""
        return self.record.answer

    @property
    def weights(self) -> dict[str, float]:
        """The words that spoke for or against the label, by their weight in log-odds."""
        tokens = self.said.get("evidence", {}).get("tokens", ())
        return {token["token"]: token["weight"] for token in tokens}


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """An answer drawn for audit on which nobody has decided yet: nothing of what it says is here.

    `choices` are all known labels by the alphabet, so that neither their order nor what is missing
    tells anything.
    """

    prediction_id: str
    incident_id: str
    target: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VisibleAnswers:
    """All that is shown about one incident: labels in a fixed order, then the lists.

    `held` are answers that a person decides on first, without seeing them.
    """

    labels: tuple[VisibleAnswer, ...] = ()
    similar: VisibleAnswer | None = None
    runbooks: VisibleAnswer | None = None
    held: tuple[HeldAnswer, ...] = ()

    def of(self, target: str) -> VisibleAnswer | None:
        """Return the answer of one label target, None where there is none to show."""
        return next((shown for shown in self.labels if shown.record.target == target), None)

    @property
    def prediction_id(self) -> str | None:
        """The id under which these were answered."""
        shown = (*self.labels, *(each for each in (self.similar, self.runbooks) if each))
        answered = [*(each.record.prediction_id for each in shown)]
        return next(iter([*answered, *(each.prediction_id for each in self.held)]), None)

    def is_held(self, target: str) -> bool:
        """Tell whether a person is to decide on a target first."""
        return any(each.target == target for each in self.held)

    @property
    def entries(self) -> Sequence[Mapping[str, Any]]:
        """The similar incidents."""
        return self.similar.said.get(SIMILAR, ()) if self.similar else ()

    @property
    def open_match(self) -> Mapping[str, Any] | None:
        """The open incident that this one probably belongs to."""
        return self.similar.said.get("open_match") if self.similar else None

    @property
    def suggested(self) -> Sequence[Mapping[str, Any]]:
        """The runbooks."""
        return self.runbooks.said.get(RUNBOOKS, ()) if self.runbooks else ()

    @property
    def weights(self) -> dict[str, float]:
        """The words behind the first label that names any."""
        return next((shown.weights for shown in self.labels if shown.weights), {})

    @property
    def is_for_comparison(self) -> bool:
        """Whether nothing acts on any of them."""
        shown = (*self.labels, *(each for each in (self.similar, self.runbooks) if each))
        is_compared = all(each.mode is Mode.MONITOR for each in shown)
        return bool(shown) and is_compared and not self.held

    @property
    def fits_nothing(self) -> bool:
        """Whether there is an answer, and it has nothing to offer."""
        abstained = all(shown.record.decision == "abstain" for shown in self.labels)
        is_silent = abstained and not self.held
        return is_silent and not self.entries and not self.suggested and self.open_match is None


def show(
    records: Iterable[PredictionRecord],
    modes: Modes,
    champions: Mapping[str, LoadedVersion],
    decided: Collection[str] = (),
) -> VisibleAnswers:
    """Return what is shown of the records of one prediction; what is off is left out.

    `decided` are the targets whose right label is known, so that nothing of them is held back.
    """
    visible, held = {}, []
    for record in records:
        champion = champions.get(record.target)
        if record.audit_share is not None and record.target not in decided:
            # Whether its label is off would tell something of it.
            if modes.of(record.target) is not Mode.OFF:
                held.append(_held(record, champion))
        elif record.mode != Mode.OFF:
            mode = modes.of(record.target, record.label)
            if mode is not Mode.OFF:
                visible[record.target] = VisibleAnswer(record, mode, _choices(record, champion))
    similar, runbooks = visible.pop(SIMILAR, None), visible.pop(RUNBOOKS, None)
    labels = sorted(visible.values(), key=lambda shown: _place(shown.record.target))
    held.sort(key=lambda each: _place(each.target))
    return VisibleAnswers(tuple(labels), similar, runbooks, tuple(held))


def decided_targets(labels: Iterable[LabelRecord], outcome: Outcome) -> frozenset[str]:
    """Return the targets of an incident whose right label is known, by a person or its outcome.

    >>> sorted(decided_targets([], Outcome("Network", fields={"site": "Graz"})))
    ['category', 'fields.site']
    """
    said = {label.target for label in labels if label.source.trust is LabelTrust.INDEPENDENT}
    return frozenset(said | labels_of(outcome).keys())


def known_labels(champion: LoadedVersion | None) -> list[str]:
    """Return the labels that a champion was measured on, none where there is no champion."""
    return sorted(champion.labels) if champion else []


def is_offered(value: str | None) -> TypeGuard[str]:
    """Tell whether a value is there, and short enough to be chosen from a list.

    >>> is_offered("Network"), is_offered("x" * 1000), is_offered(None)
    (True, False, False)
    """
    return value is not None and 0 < len(value) <= _LONGEST_CHOICE


def by_subject(
    said: Iterable[FeedbackRecord],
) -> dict[tuple[str, str], tuple[FeedbackRecord, ...]]:
    """Return the last word of each person on each thing, by target and id of the entry or ''."""
    last = {(word.target, word.subject or "", word.given_by): word for word in said}
    grouped: dict[tuple[str, str], tuple[FeedbackRecord, ...]] = {}
    for (target, subject, _), word in last.items():
        grouped[target, subject] = (*grouped.get((target, subject), ()), word)
    return grouped


def _held(record: PredictionRecord, champion: LoadedVersion | None) -> HeldAnswer:
    known = tuple(label for label in known_labels(champion) if is_offered(label))
    return HeldAnswer(record.prediction_id, record.incident_id, record.target, known)


def _choices(record: PredictionRecord, champion: LoadedVersion | None) -> tuple[str, ...]:
    """Return the labels that could be right instead, likeliest first."""
    likely = [each["label"] for each in record.answer.get("alternatives", ())]
    possible = record.answer.get("label_set", ())
    named = dict.fromkeys([*likely, *possible, *known_labels(champion)])
    return tuple(label for label in named if label != record.label and is_offered(label))


def _place(target: str) -> tuple[int, str]:
    return (_ORDER.index(target) if target in _ORDER else len(_ORDER), target)
