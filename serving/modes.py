"""Follows what the owner allows, and says it beside each prediction."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import Field

from features.store.operations.modes import Mode, Modes
from features.store.store import IncidentStore
from models.base.predictions import (
    ChoicePrediction,
    Decision,
    Prediction,
    RunbookPrediction,
    SeverityPrediction,
    SimilarPrediction,
)
from serving.watcher import Watcher

_log = logging.getLogger(__name__)

AllowedMode = Annotated[
    Mode,
    Field(
        description="What the owner allows for this answer, while `decision` says what the "
        "evidence supports. off: its label is switched off, the decision is abstain. monitor: "
        "neither show nor act. recommend: show it, but do not act. auto: show it, and act without "
        "a person if `decision` is auto too."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAnswer(ChoicePrediction):
    """A choice among labels, and what may be done with it."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityAnswer(SeverityPrediction):
    """An ordered level, and what may be done with it."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarAnswer(SimilarPrediction):
    """The similar incidents, and what may be done with them."""

    mode: AllowedMode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookAnswer(RunbookPrediction):
    """The runbooks, and what may be done with them."""

    mode: AllowedMode


Answer = ChoiceAnswer | SeverityAnswer | SimilarAnswer | RunbookAnswer

_ANSWER_OF: Mapping[type[Prediction], type[Answer]] = {
    ChoicePrediction: ChoiceAnswer,
    SeverityPrediction: SeverityAnswer,
    SimilarPrediction: SimilarAnswer,
    RunbookPrediction: RunbookAnswer,
}


def answer_under(prediction: Prediction, mode: Mode) -> Answer:
    """Return the answer that says how far its owner lets a prediction go.

    One whose label is off supports nothing, whatever its confidence.

    >>> sure = ChoicePrediction("VPN", 0.97, Decision.AUTO)
    >>> answer = answer_under(sure, Mode.OFF)
    >>> str(answer.decision), str(answer.mode)
    ('abstain', 'off')
    """
    said: dict[str, Any] = {
        each.name: getattr(prediction, each.name) for each in fields(prediction)
    }
    if mode is Mode.OFF and isinstance(prediction, ChoicePrediction):
        said |= {"decision": Decision.ABSTAIN, "certificate": None}
    return _ANSWER_OF[type(prediction)](**said, mode=mode)


class ModeWatcher(Watcher):
    """Keeps `modes` up to date; what was read last stays in force while the store is away."""

    def __init__(self, store: IncidentStore, poll_seconds: float) -> None:
        # A thread of its own: a version that takes long to load must not hold up a switch-off.
        super().__init__(poll_seconds, "modes")
        self._store = store
        self._modes = Modes()
        self._problem: str | None = None

    @property
    def modes(self) -> Modes:
        """What the owner allows now; a request takes it once and keeps it to its end."""
        return self._modes

    def refresh(self) -> None:
        """Look into the store once."""
        try:
            modes = self._store.modes()
        # A driver may fail in ways of its own, and the thread must outlive each of them.
        except Exception as error:
            if str(error) != self._problem:
                _log.warning("the modes cannot be read", extra={"fields": {"reason": str(error)}})
            self._problem = str(error)
            return
        self._problem = None
        if modes != self._modes:
            _log.info("the modes changed", extra={"fields": {"settings": len(modes.settings)}})
            self._modes = modes
