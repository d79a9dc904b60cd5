"""Finds changes that no training has learned yet, and counts the labels that each still needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.domain.monitoring import Alarm, MonitoringReport
from features.domain.report import ResolvedIncident
from features.store.store import Store
from models.artifacts.manifest import ArtifactFolder
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.artifacts.training_ids import were_learned_from
from models.base.target_labels import label_of
from training.dataset.label_maturity import exclude_immature
from training.dataset.point_in_time import read_point_in_time
from training.monitoring.champion_judgement import WITHOUT_LABELS

NEEDED_LABELS = 30
"""How many labelled incidents since a change a training needs to learn it."""

_SIGNALS_WITHOUT_DRIFT = frozenset({"latency"})
_REMEMBERED = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class UnlearnedChange:
    """A change that a monitoring alarm found and that no training has learned yet.

    `changed` is the alarm's target, or its signal if it has none. `labelled` counts the incidents
    opened since the change whose label a training would learn now; `needed` is how many of them
    make a training due.
    """

    changed: str
    since: datetime
    statement: str
    labelled: int
    needed: int

    @property
    def missing(self) -> int:
        """How many labelled incidents are missing until a training is due."""
        return max(self.needed - self.labelled, 0)

    def describe(self) -> str:
        """Return one line that says how many labels there are and how many are missing.

        >>> from datetime import UTC
        >>> since = datetime(2026, 3, 2, tzinfo=UTC)
        >>> UnlearnedChange("category", since, "label 'Net' is new", 12, 30).describe()
        'change of category since 2026-03-02: 12 labelled incidents of 30 needed, 18 missing'
        """
        return (
            f"change of {self.changed} since {self.since:%Y-%m-%d}: {self.labelled:,} labelled "
            f"incidents of {self.needed:,} needed, {self.missing:,} missing"
        )


def find_unlearned_changes(
    store: Store, registry: ModelRegistry, targets: Sequence[str], now: datetime
) -> tuple[UnlearnedChange, ...]:
    """Return the changes of the past year's alarms that no training has learned yet.

    A change is learned once the newest version of its target has learned at least 30 labelled
    incidents opened since the change. Earlier trainings do not count, even if their version became
    champion: after that, `monitor` no longer sees the change, but the change is not learned. If a
    report that is newer than that version still raises the alarm, for example because the gate
    refused the version, the change needs twice as many labelled incidents as the version learned.
    An alarm without a target concerns the target with the most labelled incidents. Without
    `targets`, all targets that have a champion count. Raises `RegistryUnavailable` and
    `StoreUnavailable`.
    """
    versions = {
        name: registry.versions(name)[0]
        for name in registry.champions()
        if name not in WITHOUT_LABELS and (not targets or name in targets)
    }
    reports = store.monitoring_reports.since(now - _REMEMBERED)
    alarms = [
        (alarm, found_at)
        for alarm, found_at in _latest_alarms(reports)
        if alarm.target is None or alarm.target in versions
    ]
    if not alarms or not versions:
        return ()
    incidents = exclude_immature(read_point_in_time(store, now).history, now).history.incidents
    changes = (_unlearned(alarm, found_at, versions, incidents) for alarm, found_at in alarms)
    return tuple(change for change in changes if change is not None)


def _latest_alarms(reports: Sequence[MonitoringReport]) -> Iterator[tuple[Alarm, datetime]]:
    """Yield the alarms of drift, each with the time of the last report that raised it.

    From one report to the next, the start and the statement of an alarm may change.
    """
    latest: dict[tuple[str, str | None, str | None], MonitoringReport] = {}
    for report in reports:
        latest |= {_key(alarm): report for alarm in report.alarms}
    for key, report in latest.items():
        for alarm in report.alarms:
            if _key(alarm) == key and alarm.signal not in _SIGNALS_WITHOUT_DRIFT:
                yield alarm, report.at


def _key(alarm: Alarm) -> tuple[str, str | None, str | None]:
    return alarm.signal, alarm.target, alarm.label


def _unlearned(
    alarm: Alarm,
    found_at: datetime,
    versions: Mapping[str, ModelVersion],
    incidents: Sequence[ResolvedIncident],
) -> UnlearnedChange | None:
    since = alarm.since or found_at
    ids_by_target = {
        target: _labelled_since(incidents, target, since)
        for target in versions
        if alarm.target in (None, target)
    }
    target, ids = max(ids_by_target.items(), key=lambda item: len(item[1]))
    version = versions[target]
    learned = int(were_learned_from(ids, ArtifactFolder(version.folder).learned_from).sum())
    if learned < NEEDED_LABELS:
        needed = NEEDED_LABELS
    elif found_at > version.trained_at:
        needed = 2 * learned
    else:
        return None
    changed = alarm.target or alarm.signal
    return UnlearnedChange(changed, since, alarm.statement, len(ids), needed)


def _labelled_since(
    incidents: Iterable[ResolvedIncident], target: str, since: datetime
) -> list[str]:
    """Return the ids of the incidents with a label of the target that were opened since then."""
    return [
        incident.report.id
        for incident in incidents
        if incident.report.opened_at is not None
        and incident.report.opened_at >= since
        and label_of(incident.outcome, target) is not None
    ]
