"""Keeps the champions loaded: loads new ones in the background, then replaces all at once."""

import logging
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import quote

from features.errors import PrecedentError
from models.artifacts.load_artifact import LoadedModel
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.base.report_model import ReportPredictor
from serving.background.poller import Poller

_log = logging.getLogger(__name__)

_SECONDS_BEFORE_RETRY = 30.0
_REFUSED = "not loaded: its champion was refused; the log says why"


class ServableVersions(Protocol):
    """The methods of `models.artifacts.registry.ModelRegistry` that serving uses."""

    def champions(self) -> Mapping[str, ModelVersion]:
        """Return the champion of each target that has one."""

    def unpromoted(self) -> Mapping[str, str]:
        """Return the newest version number of each target that has versions, but no champion."""

    def challengers(self) -> Mapping[str, ModelVersion]:
        """Return the challenger of each target, unless this version is the champion too."""

    def versions(self, target: str) -> Sequence[ModelVersion]:
        """Return every version of a target's model, the newest first."""

    def load(self, version: ModelVersion) -> LoadedModel:
        """Load a version, after checking that its files are unaltered."""

    def learned_from(self, id: str) -> Sequence[ModelVersion]:  # noqa: A002
        """Return the versions that were fitted or evaluated on an incident."""


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A loaded version: its files are unaltered, and its golden answers were reproduced."""

    version: ModelVersion
    model: ReportPredictor
    card: Card

    @property
    def labels(self) -> frozenset[str]:
        """The labels on which the version was evaluated."""
        return frozenset(reliability.label for reliability in self.card.class_reliability)


@dataclass(frozen=True, slots=True)
class Champions:
    """The champions at a moment; each request reads them once, so that its answers are consistent.

    `problems` gives, by target, the reason why the registered champion does not answer, and
    `registry_problem` the reason why the registry cannot be read. A target with a problem may still
    be in `serving`, with its previous version. `coming` are loaded versions that will serve when an
    index of past incidents or runbooks is whole that fits them; until then the previous version or
    the shipped model answers. `unpromoted` gives the newest version of each target that was trained
    and has no champion. `is_known` is False until the registry was read.
    """

    serving: Mapping[str, LoadedVersion] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    registry_problem: str | None = None
    is_known: bool = False
    coming: Mapping[str, LoadedVersion] = field(default_factory=dict)
    unpromoted: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether the registry was read and every target with a champion has a version serving."""
        return self.is_known and self.problems.keys() <= self.serving.keys()

    def why_untrained(self, target: str) -> str:
        """Return why a target has no champion, and what to do where a version was trained."""
        newest = self.unpromoted.get(target)
        if newest is None:
            return f"not trained: the registry has no champion of {target}"
        return (
            f"not promoted: version {newest} of {target} was trained, but none was ever promoted; "
            f"the page /models/{quote(target, safe='')}/{newest} says why, and "
            f"`precedent promote {shlex.quote(target)}` promotes the newest"
        )

    def refusal(self, target: str) -> str | None:
        """Return why a target with a registered champion has no version serving, else None."""
        is_refused = target in self.problems and target not in self.serving
        return _REFUSED if is_refused else None


class VersionLoader:
    """Loads each version once; a version that was refused is tried again after 30 seconds."""

    def __init__(self, registry: ServableVersions, role: str) -> None:
        self._registry = registry
        self._role = role
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}

    def load(
        self, current: LoadedVersion | None, version: ModelVersion
    ) -> tuple[LoadedVersion | None, str]:
        """Return the loaded version and '', or the current one and why it is not replaced."""
        if current is not None and _is_same(current.version, version):
            return current, ""
        key = (version.target, version.version)
        retry_at, problem = self._failed.get(key, (0.0, ""))
        if time.monotonic() < retry_at:
            return current, problem
        fields = {"target": version.target, "version": version.version}
        try:
            loaded = self._registry.load(version)
        # Files of another program version may raise any error; the current version stays in use.
        except Exception as error:
            problem = f"version {version.version} was refused: {_describe_error(error)}"
            self._failed[key] = (time.monotonic() + _SECONDS_BEFORE_RETRY, problem)
            fields |= {"reason": problem}
            _log.warning("a %s was refused", self._role, extra={"fields": fields})
            return current, problem
        self._failed.pop(key, None)
        _log.info("a %s serves", self._role, extra={"fields": fields})
        return LoadedVersion(version, loaded.model, loaded.card), ""


class ChampionPoller(Poller):
    """Keeps the champions up to date; if one cannot be loaded, the previous one stays in use."""

    failure = "the registry is unreachable"

    def __init__(self, registry: ServableVersions, poll_seconds: float) -> None:
        super().__init__(poll_seconds, "champions")
        self._registry = registry
        self._loader = VersionLoader(registry, "champion")
        self._champions = Champions()
        self._must_wait: dict[str, Callable[[str], bool]] = {}

    def wait_for_index(self, target: str, must_wait: Callable[[str], bool]) -> None:
        """Replace a target's champion only while `must_wait` is False for its encoder."""
        self._must_wait[target] = must_wait

    def current(self) -> Champions:
        """Return the champions of this moment."""
        return self._champions

    def _poll(self) -> None:
        try:
            registered = self._registry.champions()
            unpromoted = self._registry.unpromoted()
        except Exception as error:
            self._champions = replace(self._champions, registry_problem=self._reason(error))
            raise
        self._champions = replace(self._load(registered), unpromoted=unpromoted)

    def _reason(self, error: Exception) -> str:
        return _describe_error(error)

    def _load(self, registered: Mapping[str, ModelVersion]) -> Champions:
        serving: dict[str, LoadedVersion] = {}
        coming: dict[str, LoadedVersion] = {}
        problems: dict[str, str] = {}
        for target, version in registered.items():
            self.check_stop()
            current = self._champions.serving.get(target)
            waiting = self._champions.coming.get(target)
            is_loaded = waiting is not None and _is_same(waiting.version, version)
            loaded, problem = self._loader.load(waiting if is_loaded else current, version)
            if problem:
                problems[target] = problem
            if loaded is not None and loaded is not current and self._is_waiting(target, loaded):
                coming[target] = loaded
                loaded = current
            if loaded is not None:
                serving[target] = loaded
        return Champions(serving, problems, is_known=True, coming=coming)

    def _is_waiting(self, target: str, loaded: LoadedVersion) -> bool:
        must_wait = self._must_wait.get(target)
        encoder = getattr(loaded.model, "encoder", None)
        return must_wait is not None and encoder is not None and must_wait(encoder)


def _is_same(first: ModelVersion, second: ModelVersion) -> bool:
    return (first.version, first.sha256) == (second.version, second.sha256)


def _describe_error(error: Exception) -> str:
    if isinstance(error, PrecedentError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]
