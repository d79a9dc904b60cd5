"""What a look at the models in production found: measures, alarms and proposals, kept as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, update

from features.store.database import insert_into
from features.store.learning_tables import MonitoringReportRow
from features.text.formatting import counted, figure


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its bounds; `reference` is what it was when the model was trained.

    `n` counts what it was measured on, None where that is not told.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    target: str | None = None
    label: str | None = None
    n: int | None = None

    def describe(self) -> str:
        """Return the figure in words; an interval of one point tells nothing.

        >>> Measure("accuracy", 0.912, 0.85, 0.95, 0.9, label="VPN", n=1460).describe()
        "accuracy of 'VPN' 0.912 [0.85, 0.95] on 1,460 (reference 0.9)"
        >>> Measure("agrees", 1.0, 1.0, 1.0, None).describe()
        'agrees 1'
        """
        whose = "" if self.label is None else f" of {self.label!r}"
        return f"{self.name}{whose} {figure(self.value)}{self._bounds()}{self._origin()}"

    def _bounds(self) -> str:
        if self.low is None or self.high is None or self.low == self.high:
            return ""
        return f" [{figure(self.low)}, {figure(self.high)}]"

    def _origin(self) -> str:
        on = "" if self.n is None else f" on {self.n:,}"
        return on if self.reference is None else f"{on} (reference {figure(self.reference)})"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that changed: what, since when, with examples (incident ids), and what to do."""

    signal: str
    statement: str
    advice: str
    since: datetime | None
    examples: tuple[str, ...]
    target: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A class to add, named after what its `count` incidents share, or one to retire."""

    kind: Literal["new category", "retired"]
    target: str
    name: str
    statement: str
    count: int
    since: datetime | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """Everything that one look found, at a time in aware UTC."""

    at: datetime
    measures: tuple[Measure, ...]
    alarms: tuple[Alarm, ...]
    proposals: tuple[Proposal, ...]

    @property
    def verdict(self) -> str:
        """What to know first: whether anything is out of line."""
        count = len(self.alarms)
        if not count:
            return "nothing is out of line"
        return counted(count, "alarm")

    def without(self, incident_id: str) -> "MonitoringReport":
        """Return the same without an incident among the examples."""
        return replace(
            self,
            alarms=tuple(
                replace(one, examples=_but(one.examples, incident_id)) for one in self.alarms
            ),
            proposals=tuple(
                replace(one, examples=_but(one.examples, incident_id)) for one in self.proposals
            ),
        )


def _but(examples: Iterable[str], incident_id: str) -> tuple[str, ...]:
    return tuple(example for example in examples if example != incident_id)


_ADAPTER = TypeAdapter(MonitoringReport)


def upsert_monitoring(connection: Connection, tenant: str, monitoring: MonitoringReport) -> None:
    """Keep what was found, in place of what was found at the same time."""
    key = {"tenant": tenant, "at": monitoring.at}
    new = {"found": _json(monitoring)}
    statement = insert_into(connection, MonitoringReportRow).values(key | new)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))


def select_latest_monitoring(connection: Connection, tenant: str) -> MonitoringReport | None:
    """Return what the last look found, None before the first."""
    query = (
        select(MonitoringReportRow.found)
        .where(MonitoringReportRow.tenant == tenant)
        .order_by(MonitoringReportRow.at.desc())
        .limit(1)
    )
    found = connection.scalar(query)
    return None if found is None else _ADAPTER.validate_python(found)


def forget_in_monitoring(connection: Connection, tenant: str, incident_id: str) -> None:
    """Take an incident out of the examples of everything that was found."""
    query = select(MonitoringReportRow.at, MonitoringReportRow.found).where(
        MonitoringReportRow.tenant == tenant
    )
    for at, found in connection.execute(query).all():
        kept = _ADAPTER.validate_python(found)
        if (rid := kept.without(incident_id)) != kept:
            same = (MonitoringReportRow.tenant == tenant, MonitoringReportRow.at == at)
            connection.execute(update(MonitoringReportRow).where(*same).values(found=_json(rid)))


def _json(monitoring: MonitoringReport) -> dict[str, Any]:
    found: dict[str, Any] = _ADAPTER.dump_python(monitoring, mode="json")
    return found
