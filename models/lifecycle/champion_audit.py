"""Which model was champion at a moment, and what it said about an incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from features.domain.audit_event import AuditEvent
from features.domain.champion_history import (
    ChampionPeriod,
    champion_at,
    champion_periods,
    version_details,
)
from features.domain.labels import LabelRecord, LabelTrust, strongest
from features.domain.predictions import PredictionRecord
from features.store.store import Store
from models.artifacts.registry import ModelVersion
from models.base.estimate import Estimate

_MEASURED = frozenset({"value", "low", "high"})
_SLICES = ("class ", "service ", "source ", "language ", "length ")


class Versions(Protocol):
    """What is needed of `models.artifacts.registry.ModelRegistry`."""

    def champions(self) -> Mapping[str, ModelVersion]:
        """Return the champion of each target that has one."""

    def versions(self, target: str) -> Sequence[ModelVersion]:
        """Return every version of a target's model, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRecord(Estimate):
    """How much better a version was than another one, or than a baseline, when it was judged.

    `name` says than what, and `metric` is higher where better. `incidents` is None where the log
    does not tell.
    """

    name: str
    metric: str
    incidents: int | None = None

    @property
    def is_of_slice(self) -> bool:
        """Whether only a part of the incidents was compared, such as those of one class."""
        return self.name.startswith(_SLICES)

    def describe(self) -> str:
        """Return the difference in words.

        >>> past = GainRecord(0.02, 0.01, 0.03, name="version 3", metric="accuracy", incidents=9)
        >>> past.describe()
        'accuracy against version 3: +0.020 (+0.010 to +0.030) on 9 incidents'
        >>> GainRecord(0.012, -0.01, 0.03, name="class VPN", metric="accuracy").describe()
        'accuracy in class VPN: +0.012 (-0.010 to +0.030) against the champion'
        """
        on = "" if self.incidents is None else f" on {self.incidents:,} incidents"
        if self.is_of_slice:
            return f"{self.metric} in {self.name}: {self:+.3f} against the champion{on}"
        return f"{self.metric} against {self.name}: {self:+.3f}{on}"


@dataclass(frozen=True, slots=True)
class ChampionAt:
    """Who was champion of a target at a moment.

    `reign` is None where the log does not reach back so far; `unknown` then says what the registry
    tells. `told` are the details of all events about that version: the hash of its data, and the
    measured gain_records with their intervals.
    """

    target: str
    reign: ChampionPeriod | None
    unknown: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_sha256(self) -> str:
        """The hash of the data that the version was trained on, empty where none is told."""
        return str(self.told.get("data_sha256") or "")

    @property
    def gain_records(self) -> tuple[GainRecord, ...]:
        """How much better it was than others when it was judged."""
        return gain_records(self.told)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The answer to "which model was champion then, and what did it say about this incident?".

    `answers` are those stored up to the moment, newest first, and `labels` all that the incident
    got, also later, oldest first. Without an incident both are empty.
    """

    at: datetime
    incident_id: str | None
    champions: tuple[ChampionAt, ...]
    answers: tuple[PredictionRecord, ...] = ()
    labels: tuple[LabelRecord, ...] = ()

    @property
    def counting(self) -> tuple[LabelRecord, ...]:
        """The label of each target that counted at the moment."""
        known = [one for one in self.labels if one.given_at <= self.at]
        targets = sorted({one.target for one in known})
        best = [strongest(one for one in known if one.target == target) for target in targets]
        return tuple(one for one in best if one is not None and one.source.trust > LabelTrust.SELF)


def gain_records(told: Mapping[str, Any]) -> tuple[GainRecord, ...]:
    """Return every difference with an interval that the details of events hold, by name.

    >>> told = {"figures": {"version 3": {"metric": "f1", "value": 0.1, "low": 0.0, "high": 0.2}}}
    >>> gain_records(told)[0].describe()
    'f1 against version 3: +0.100 (+0.000 to +0.200)'
    """
    found: list[GainRecord] = []
    for name, given in told.items():
        if not isinstance(given, Mapping):
            continue
        if given.keys() >= _MEASURED:
            bounds = (float(given[each]) for each in ("value", "low", "high"))
            metric, incidents = str(given.get("metric", "quality")), given.get("incidents")
            found.append(GainRecord(*bounds, name=name, metric=metric, incidents=incidents))
        else:
            found += gain_records(given)
    return tuple(found)


def audit_at(
    store: Store,
    registry: Versions | None,
    *,
    at: datetime,
    incident_id: str | None = None,
    target: str | None = None,
) -> AuditReport:
    """Answer for one target or (None) for all; without a registry as far as the log reaches.

    Raises `UnknownVersion` for a target of which neither knows, `RegistryUnavailable` and
    `StoreUnavailable`.
    """
    events = store.audit_log.select(until=at)
    champions = _champions(events, registry, at, target)
    if incident_id is None:
        return AuditReport(at, None, champions)
    answers = store.predictions.about(incident_id, until=at)
    labels = store.labels.select(target=target, incident_ids=[incident_id])
    return AuditReport(
        at,
        incident_id,
        champions,
        tuple(each for each in answers if target in {None, each.target}),
        labels,
    )


def _champions(
    events: Sequence[AuditEvent], registry: Versions | None, at: datetime, target: str | None
) -> tuple[ChampionAt, ...]:
    by_target = champion_periods(events)
    present = registry.champions().keys() if registry and not target else ()
    wanted = {target} if target else {*by_target, *present}
    found = []
    for each in sorted(wanted):
        reign = champion_at(by_target.get(each, ()), at)
        if reign is None:
            found.append(ChampionAt(each, None, _what_the_registry_tells(registry, each, at)))
        else:
            found.append(ChampionAt(each, reign, told=version_details(events, each, reign.version)))
    return tuple(found)


def _what_the_registry_tells(registry: Versions | None, target: str, at: datetime) -> str:
    """Say what can be told of a time before the first event; an unknown target is refused there."""
    if registry is None:
        return "unknown: the log had not begun, and the registry cannot be read"
    versions = sorted(registry.versions(target), key=lambda each: each.trained_at)
    before = [each.version for each in versions if each.trained_at <= at]
    if not before:
        first = versions[0]
        return f"none: version {first.version}, the first, came on {first.trained_at:%Y-%m-%d}"
    known = f"version{'' if len(before) == 1 else 's'} {', '.join(before)}"
    return f"unknown: the log had not begun; the registry held {known} by then"
