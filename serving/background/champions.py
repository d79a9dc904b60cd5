"""Follows the registry's champions: loads them off the request path, swaps them at once."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from features.errors import PrecedentError
from models.artifacts.registry import ModelVersion
from models.artifacts.save_load import LoadedModel
from models.base.model_card import Card
from models.base.report_model import ReportModel
from serving.background.poller import Poller

_log = logging.getLogger(__name__)

_SECONDS_BEFORE_RETRY = 30.0
_REFUSED = "not loaded: its champion was refused; the log says why"


class ServableVersions(Protocol):
    """What serving needs of `models.artifacts.registry.ModelRegistry`."""

    def champions(self) -> Mapping[str, ModelVersion]:
        """Return the champion of each target that has one."""

    def challengers(self) -> Mapping[str, ModelVersion]:
        """Return the challenger of each target that has one beside its champion."""

    def versions(self, target: str) -> Sequence[ModelVersion]:
        """Return every version of a target's model, the newest first."""

    def load(self, version: ModelVersion) -> LoadedModel:
        """Load a version that proves genuine."""

    def learned_from(self, id: str) -> Sequence[ModelVersion]:  # noqa: A002
        """Return the versions that were fitted or judged on an incident."""


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version that was verified and replayed, ready to predict."""

    version: ModelVersion
    model: ReportModel
    card: Card

    @property
    def labels(self) -> frozenset[str]:
        """The labels that it was measured on."""
        return frozenset(each.label for each in self.card.class_reliability)


@dataclass(frozen=True, slots=True)
class Champions:
    """What answers now; a request takes one of these and keeps it to its end.

    `problems` tells of each target why its registered champion does not answer, and
    `registry_problem` why the registry was not read. A target with a problem may still be in
    `serving`, with the version before.
    """

    serving: Mapping[str, LoadedVersion] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    registry_problem: str | None = None
    is_known: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether the registry was read once and every champion in it has some version serving."""
        return self.is_known and self.problems.keys() <= self.serving.keys()

    def refusal(self, target: str) -> str | None:
        """Return why no version of a registered champion answers, None if that is not so."""
        is_refused = target in self.problems and target not in self.serving
        return _REFUSED if is_refused else None


class VersionLoader:
    """Loads versions, each of them once; one that is refused is tried again only after a while."""

    def __init__(self, registry: ServableVersions, role: str) -> None:
        self._registry = registry
        self._role = role
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}

    def load(
        self, present: LoadedVersion | None, version: ModelVersion
    ) -> tuple[LoadedVersion | None, str]:
        """Return the version, or else what is present with the reason why it is not replaced."""
        if present is not None and _is_same(present.version, version):
            return present, ""
        key = (version.target, version.version)
        retry_at, problem = self._failed.get(key, (0.0, ""))
        if time.monotonic() < retry_at:
            return present, problem
        facts = {"target": version.target, "version": version.version}
        try:
            loaded = self._registry.load(version)
        # Files of another program version fail in any way; the old champion goes on answering.
        except Exception as error:
            problem = f"version {version.version} was refused: {_reason_of(error)}"
            self._failed[key] = (time.monotonic() + _SECONDS_BEFORE_RETRY, problem)
            facts |= {"reason": problem}
            _log.warning("a %s was refused", self._role, extra={"fields": facts})
            return present, problem
        self._failed.pop(key, None)
        _log.info("a %s serves", self._role, extra={"fields": facts})
        return LoadedVersion(version, loaded.model, loaded.card), ""


class ChampionPoller(Poller):
    """Keeps `champions` up to date; what cannot be had leaves the old version serving."""

    failure = "the registry is unreachable"

    def __init__(self, registry: ServableVersions, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "champions")
        self._registry = registry
        self._loader = VersionLoader(registry, "champion")
        self._champions = Champions()

    def current(self) -> Champions:
        """Return what answers now."""
        return self._champions

    def _poll(self) -> None:
        try:
            registered = self._registry.champions()
        except Exception as error:
            self._champions = replace(self._champions, registry_problem=self._reason(error))
            raise
        self._champions = self._load(registered)

    def _reason(self, error: Exception) -> str:
        return _reason_of(error)

    def _load(self, registered: Mapping[str, ModelVersion]) -> Champions:
        serving, problems = {}, {}
        for target, version in registered.items():
            present, problem = self._loader.load(self._champions.serving.get(target), version)
            if problem:
                problems[target] = problem
            if present is not None:
                serving[target] = present
        return Champions(serving, problems, is_known=True)


def _is_same(one: ModelVersion, other: ModelVersion) -> bool:
    return (one.version, one.sha256) == (other.version, other.sha256)


def _reason_of(error: Exception) -> str:
    if isinstance(error, PrecedentError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]
