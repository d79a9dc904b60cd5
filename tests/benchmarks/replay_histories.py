"""The histories that are replayed: visible ones, and a made-up company that changes or does not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from data_sets import DATA_SETS, load_data_set
from replay_units import UnitOfTime

from features.domain.history import History
from features.domain.report import ResolvedIncident
from training.demo.export import load_demo
from training.demo.incidents import EXAMPLE_END, generate_company
from training.demo.kinds import read_kinds

_CHANGED_AT = datetime(2025, 12, 1, tzinfo=UTC)
_A_YEAR = 1_300
_OLD_TEAM, _NEW_TEAM = "Network Operations", "Connectivity"
_UPGRADED_SERVICES = ("payments", "checkout", "catalog", "identity")
_NEW_SERVICE = "erp"

_BANK_BEGINS = datetime(2025, 1, 6, tzinfo=UTC)
_BANK_STEP = timedelta(minutes=30)

Change = Callable[[ResolvedIncident], ResolvedIncident | None]
"""What becomes of an incident of the stationary company; None if it was not opened at all."""


@dataclass(frozen=True, slots=True)
class ReplayedHistory:
    """A dated history, the unit by which it is replayed, and the targets to answer."""

    load: Callable[[], History]
    unit: UnitOfTime
    targets: tuple[str, ...]


def two_years(change: Change = lambda incident: incident) -> History:
    """Return two years of the synthetic company, whose incidents a change replaces or removes."""
    last = generate_company(seed=1, incidents=_A_YEAR)
    first = generate_company(seed=0, incidents=_A_YEAR, end=EXAMPLE_END - timedelta(days=365))
    changed = [change(incident) for incident in (*first.incidents, *last.incidents)]
    kept = tuple(incident for incident in changed if incident is not None)
    return load_demo(replace(last, incidents=kept))


def rename_team(incident: ResolvedIncident) -> ResolvedIncident:
    """Give the largest team of engineers another name from the day of the change on."""
    if _is_before_change(incident) or incident.outcome.assignment != _OLD_TEAM:
        return incident
    return replace(incident, outcome=replace(incident.outcome, assignment=_NEW_TEAM))


def raise_severity(incident: ResolvedIncident) -> ResolvedIncident:
    """Rate incidents of some services one level higher from the day of the change on."""
    severity = incident.outcome.severity
    is_upgraded = _service_at_fault(incident) in _UPGRADED_SERVICES
    if _is_before_change(incident) or severity is None or not is_upgraded:
        return incident
    raised = _LEVELS[min(_LEVELS.index(severity) + 1, len(_LEVELS) - 1)]
    return replace(incident, outcome=replace(incident.outcome, severity=raised))


def introduce_service(incident: ResolvedIncident) -> ResolvedIncident | None:
    """Let a service, with texts of its own and a team of its own, begin on the day."""
    is_new = _service_at_fault(incident) == _NEW_SERVICE
    return None if is_new and _is_before_change(incident) else incident


def thin(history: History, rows: int) -> History:
    """Take every second, third... incident by row, until no more than `rows` are left."""
    step = -(-len(history.incidents) // rows)
    return replace(history, incidents=history.incidents[::step], groups=history.groups[::step])


def _bank_by_row_order() -> History:
    """Open an incident of the bank every half hour, since the source gives only their order."""
    history = load_data_set(DATA_SETS["bank-incidents"])
    dated = tuple(
        replace(incident, report=replace(incident.report, opened_at=_BANK_BEGINS + n * _BANK_STEP))
        for n, incident in enumerate(history.incidents)
    )
    return thin(replace(history, incidents=dated), 10_000)


def _is_before_change(incident: ResolvedIncident) -> bool:
    return incident.report.opened_at < _CHANGED_AT


def _service_at_fault(incident: ResolvedIncident) -> str | None:
    return _SERVICES.get(incident.outcome.fields.get("subcategory", ""))


_LEVELS = generate_company(incidents=1).severity_levels
_SERVICES = {kind.name: kind.service for kind in read_kinds()}

REPLAYED = {
    "cloud-incidents": ReplayedHistory(
        lambda: load_data_set(DATA_SETS["cloud-incidents"]), UnitOfTime.MONTH, ("severity",)
    ),
    # Every third incident, so that a replay takes less than ten minutes.
    "servicenow-log": ReplayedHistory(
        lambda: thin(load_data_set(DATA_SETS["servicenow-log"]), 6_000),
        UnitOfTime.WEEK,
        ("category", "assignment", "severity"),
    ),
    "bank-incidents": ReplayedHistory(_bank_by_row_order, UnitOfTime.MONTH, ("severity",)),
    "no-change": ReplayedHistory(two_years, UnitOfTime.MONTH, ("category", "severity")),
    "renamed-team": ReplayedHistory(
        lambda: two_years(rename_team), UnitOfTime.MONTH, ("assignment",)
    ),
    "new-severity-policy": ReplayedHistory(
        lambda: two_years(raise_severity), UnitOfTime.MONTH, ("severity",)
    ),
    "new-service": ReplayedHistory(
        lambda: two_years(introduce_service), UnitOfTime.MONTH, ("category", "assignment")
    ),
}
