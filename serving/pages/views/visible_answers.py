"""Selects the stored answers that the page may show, and groups the feedback on them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from features.domain.feedback import FeedbackRecord
from features.domain.modes import Mode, Modes
from features.domain.predictions import PredictionRecord
from models.base.predictions import Decision
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.resolution.resolution_predictor import TARGET as RESOLUTION
from serving.background.champions import LoadedVersion

SIMILAR, RUNBOOKS = "similar", "runbooks"
_LONGEST_CHOICE = 300
_ORDER = ("category", "severity", "assignment")


@dataclass(frozen=True, slots=True)
class VisibleAnswer:
    """A stored answer, the present mode of its label, and the labels that could correct it."""

    record: PredictionRecord
    mode: Mode
    choices: tuple[str, ...] = ()

    @property
    def answer(self) -> Mapping[str, Any]:
        """The answer as the caller got it."""
        return self.record.answer

    @property
    def weights(self) -> dict[str, float]:
        """The weights, in log-odds, of the words that count for or against the label."""
        tokens = self.answer.get("evidence", {}).get("tokens", ())
        return {token["token"]: token["weight"] for token in tokens}


@dataclass(frozen=True, slots=True)
class HiddenAnswer:
    """An answer of the audit sample on which no person has decided yet, without its label.

    `choices` are all known labels in alphabetical order, so that neither their order nor a missing
    label reveals the answer.
    """

    prediction_id: str
    incident_id: str
    target: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VisibleAnswers:
    """All answers that the page shows about one incident: labels in a fixed order, then lists.

    `hidden_answers` belong to the audit sample: a person decides without seeing them. `novelty` is
    the answer about how usual the report is, `resolution` the one about how long it will take.
    """

    labels: tuple[VisibleAnswer, ...] = ()
    similar: VisibleAnswer | None = None
    runbooks: VisibleAnswer | None = None
    hidden_answers: tuple[HiddenAnswer, ...] = ()
    novelty: VisibleAnswer | None = None
    resolution: VisibleAnswer | None = None

    def of(self, target: str) -> VisibleAnswer | None:
        """Return the answer about one label target, None if no such answer is shown."""
        return next((answer for answer in self.labels if answer.record.target == target), None)

    @property
    def prediction_id(self) -> str | None:
        """The id that these answers share, None without answers."""
        visible_ids = [answer.record.prediction_id for answer in self._visible]
        hidden_ids = [answer.prediction_id for answer in self.hidden_answers]
        return next(iter([*visible_ids, *hidden_ids]), None)

    def is_hidden(self, target: str) -> bool:
        """Return whether the answer about a target is hidden until a person has decided."""
        return any(answer.target == target for answer in self.hidden_answers)

    @property
    def similar_entries(self) -> Sequence[Mapping[str, Any]]:
        """The similar incidents."""
        return self.similar.answer.get(SIMILAR, ()) if self.similar else ()

    @property
    def open_match(self) -> Mapping[str, Any] | None:
        """The open incident that this one probably belongs to."""
        return self.similar.answer.get("open_match") if self.similar else None

    @property
    def runbook_entries(self) -> Sequence[Mapping[str, Any]]:
        """The runbooks."""
        return self.runbooks.answer.get(RUNBOOKS, ()) if self.runbooks else ()

    @property
    def weights(self) -> dict[str, float]:
        """The weights of words for the first label whose answer has weights; empty without them."""
        return next((answer.weights for answer in self.labels if answer.weights), {})

    @property
    def is_for_comparison(self) -> bool:
        """Whether there are answers, all are in mode `monitor`, and no answer is hidden."""
        is_compared = all(answer.mode is Mode.MONITOR for answer in self._visible)
        return bool(self._visible) and is_compared and not self.hidden_answers

    @property
    def fits_nothing(self) -> bool:
        """Whether all labels abstain and there is no entry, no open match and no hidden answer."""
        has_label = any(answer.record.decision != Decision.ABSTAIN for answer in self.labels)
        has_entry = bool(self.similar_entries or self.runbook_entries or self.open_match)
        return not (has_label or has_entry or self.hidden_answers)

    @property
    def why_unusual(self) -> Sequence[str]:
        """Why the report is unlike the history, or like incidents of labels not learned."""
        return self.novelty.answer.get("why", ()) if self.novelty else ()

    @property
    def _visible(self) -> tuple[VisibleAnswer, ...]:
        lists = (answer for answer in (self.similar, self.runbooks) if answer)
        return (*self.labels, *lists)


def visible_answers(
    records: Iterable[PredictionRecord],
    modes: Modes,
    champions: Mapping[str, LoadedVersion],
    decided: Collection[str] = (),
) -> VisibleAnswers:
    """Return what is shown of the records of one prediction; answers in mode `off` are left out.

    `decided` are the targets whose correct label is known, so their answers are not hidden.
    """
    visible, hidden = {}, []
    for record in records:
        champion = champions.get(record.target)
        if record.audit_share is not None and record.target not in decided:
            # The target's mode, since the label's own mode could reveal the label.
            if modes.of(record.target) is not Mode.OFF:
                hidden.append(_hidden_answer(record, champion))
        elif record.mode != Mode.OFF:
            mode = modes.of(record.target, record.label)
            if mode is not Mode.OFF:
                visible[record.target] = VisibleAnswer(record, mode, _choices(record, champion))
    similar, runbooks = visible.pop(SIMILAR, None), visible.pop(RUNBOOKS, None)
    novelty, resolution = visible.pop(NOVELTY, None), visible.pop(RESOLUTION, None)
    labels = sorted(visible.values(), key=lambda answer: _place(answer.record.target))
    hidden.sort(key=lambda answer: _place(answer.target))
    return VisibleAnswers(tuple(labels), similar, runbooks, tuple(hidden), novelty, resolution)


def known_labels(champion: LoadedVersion | None) -> list[str]:
    """Return the labels on which a champion was evaluated, none without a champion."""
    return sorted(champion.labels) if champion else []


def is_offered(value: str | None) -> TypeGuard[str]:
    """Return whether a value exists and is short enough for a list of choices.

    >>> is_offered("Network"), is_offered("x" * 1000), is_offered(None)
    (True, False, False)
    """
    return value is not None and 0 < len(value) <= _LONGEST_CHOICE


def by_subject(
    feedback: Iterable[FeedbackRecord],
) -> dict[tuple[str, str], tuple[FeedbackRecord, ...]]:
    """Return the last feedback of each person, by target and id of the entry.

    The id is '' for feedback on a label, which has no entries.
    """
    last = {(record.target, record.subject or "", record.given_by): record for record in feedback}
    grouped: dict[tuple[str, str], tuple[FeedbackRecord, ...]] = {}
    for (target, subject, _), record in last.items():
        grouped[target, subject] = (*grouped.get((target, subject), ()), record)
    return grouped


def _hidden_answer(record: PredictionRecord, champion: LoadedVersion | None) -> HiddenAnswer:
    choices = tuple(label for label in known_labels(champion) if is_offered(label))
    return HiddenAnswer(record.prediction_id, record.incident_id, record.target, choices)


def _choices(record: PredictionRecord, champion: LoadedVersion | None) -> tuple[str, ...]:
    """Return the labels that could be correct instead, the likeliest first."""
    likely = [alternative["label"] for alternative in record.answer.get("alternatives", ())]
    possible = record.answer.get("label_set", ())
    labels = dict.fromkeys([*likely, *possible, *known_labels(champion)])
    return tuple(label for label in labels if label != record.label and is_offered(label))


def _place(target: str) -> tuple[int, str]:
    return (_ORDER.index(target) if target in _ORDER else len(_ORDER), target)
