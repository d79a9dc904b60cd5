"""Reports which versions were champion at a moment, and their answers about an incident."""

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
    """The part of `models.artifacts.registry.ModelRegistry` that an audit needs."""

    def champions(self) -> Mapping[str, ModelVersion]:
        """Return the champion of each target that has one."""

    def versions(self, target: str) -> Sequence[ModelVersion]:
        """Return every version of a target's model, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRecord(Estimate):
    """How much better a version was than another version or a baseline when it was evaluated.

    `name` is the other version or the baseline; for a comparison with the champion on a slice of
    the incidents, it is the slice. Higher values of `metric` are better. `incidents` is the number
    of compared incidents, None if the log does not contain it.
    """

    name: str
    metric: str
    incidents: int | None = None

    @property
    def is_of_slice(self) -> bool:
        """Whether only part of the incidents were compared, such as those of one class."""
        return self.name.startswith(_SLICES)

    def describe(self) -> str:
        """Return the difference in words.

        >>> gain = GainRecord(0.02, 0.01, 0.03, name="version 3", metric="accuracy", incidents=9)
        >>> gain.describe()
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
    """The champion of a target at a moment.

    `reign` holds the champion's version and the period in which it was champion. It is None if the
    log contains no champion of the target at the moment; then `unknown` describes what the registry
    contains. `told` holds the details of all events about the version, such as the hash of its data
    and measured gains with their intervals.
    """

    target: str
    reign: ChampionPeriod | None
    unknown: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_sha256(self) -> str:
        """The hash of the data that the version was trained on, empty if the log has none."""
        return str(self.told.get("data_sha256") or "")

    @property
    def gain_records(self) -> tuple[GainRecord, ...]:
        """The version's gains over other versions or a baseline when it was evaluated."""
        return gain_records(self.told)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The champions at a moment, and the answers and labels of an incident.

    `answers` are the answers stored up to the moment, newest first. `labels` are all labels of the
    incident, including labels given later, oldest first. Without an incident both are empty.
    """

    at: datetime
    incident_id: str | None
    champions: tuple[ChampionAt, ...]
    answers: tuple[PredictionRecord, ...] = ()
    labels: tuple[LabelRecord, ...] = ()

    @property
    def counting(self) -> tuple[LabelRecord, ...]:
        """The strongest label of each target at the moment.

        A target is left out if its strongest label only repeats an answer of Precedent.
        """
        labels = [label for label in self.labels if label.given_at <= self.at]
        targets = sorted({label.target for label in labels})
        best = [strongest(label for label in labels if label.target == name) for name in targets]
        return tuple(label for label in best if label and label.source.trust > LabelTrust.SELF)


def gain_records(details: Mapping[str, Any]) -> tuple[GainRecord, ...]:
    """Return every gain with an interval in the details of events, also in nested details.

    >>> figures = {"version 3": {"metric": "f1", "value": 0.1, "low": 0.0, "high": 0.2}}
    >>> gain_records({"figures": figures})[0].describe()
    'f1 against version 3: +0.100 (+0.000 to +0.200)'
    """
    gains: list[GainRecord] = []
    for name, detail in details.items():
        if not isinstance(detail, Mapping):
            continue
        if detail.keys() >= _MEASURED:
            numbers = (float(detail[key]) for key in ("value", "low", "high"))
            metric, incidents = str(detail.get("metric", "quality")), detail.get("incidents")
            gains.append(GainRecord(*numbers, name=name, metric=metric, incidents=incidents))
        else:
            gains += gain_records(detail)
    return tuple(gains)


def audit_at(
    store: Store,
    registry: Versions | None,
    *,
    at: datetime,
    incident_id: str | None = None,
    target: str | None = None,
) -> AuditReport:
    """Report on one target, or on all targets if `target` is None.

    Without a registry, only the audit log is used. With a registry, raises `UnknownVersion` for a
    target that is neither in the log up to the moment nor in the registry. Also raises
    `RegistryUnavailable` and `StoreUnavailable`.
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
        tuple(answer for answer in answers if target in {None, answer.target}),
        labels,
    )


def _champions(
    events: Sequence[AuditEvent], registry: Versions | None, at: datetime, target: str | None
) -> tuple[ChampionAt, ...]:
    periods = champion_periods(events)
    registered = registry.champions().keys() if registry and not target else ()
    champions = []
    for name in sorted({target} if target else {*periods, *registered}):
        period = champion_at(periods.get(name, ()), at)
        if period is None:
            champions.append(ChampionAt(name, None, _describe_registry(registry, name, at)))
        else:
            details = version_details(events, name, period.version)
            champions.append(ChampionAt(name, period, told=details))
    return tuple(champions)


def _describe_registry(registry: Versions | None, target: str, at: datetime) -> str:
    """Return a sentence on the versions registered at a moment at which the log has no champion.

    Raises `UnknownVersion` if the registry does not know the target.
    """
    if registry is None:
        return "unknown: the log had not begun, and the registry cannot be read"
    versions = sorted(registry.versions(target), key=lambda version: version.trained_at)
    before = [version.version for version in versions if version.trained_at <= at]
    if not before:
        first = versions[0]
        return (
            f"none: version {first.version}, the first, was trained on {first.trained_at:%Y-%m-%d}"
        )
    numbers = f"version{'' if len(before) == 1 else 's'} {', '.join(before)}"
    return f"unknown: the log had not begun; the registry held {numbers} by then"
