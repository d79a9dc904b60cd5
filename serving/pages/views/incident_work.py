"""What people did with an incident so far, and what its forms offer them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.domain.report import Outcome
from features.domain.tracking import IncidentVersion, TrackedIncident, Tracking
from features.store.incidents.incident_search import InboxQuery
from features.store.incidents.incident_update import ALL_ATTRIBUTES, ALL_FIELDS
from features.text.resolutions import named_fix
from serving.container import Container
from serving.pages.views.visible_answers import VisibleAnswers, is_offered, known_labels
from serving.services.alerts.storms import Storm
from serving.services.context_ranking import RelatedChange

_LABELS = ("severity", "assignment")
_MOST_HEADS = 25


@dataclass(frozen=True, slots=True)
class ProposedFix:
    """What fixed the most similar incident with a recorded fix."""

    text: str
    incident_id: str
    title: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A changed field, with its value before and after; None where it had no value."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A change of an incident, field by field."""

    version: IncidentVersion
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class WorkView:
    """What people did with an incident, and what its forms offer.

    `fix` is the recorded fix, None if the resolution names none. `proposal` is None if a fix is
    recorded or no similar incident has one. `heads` are the ids and titles of the newest other open
    incidents, to which this one can be joined. `storm` are its open consequences, None without any.
    `answered_runbooks` and `other_runbooks` are pairs of id and title. `versions` are the changes,
    the latest first. `choices` are labels by target.
    """

    tracking: Tracking
    fix: str | None
    proposal: ProposedFix | None
    answered_runbooks: tuple[tuple[str, str], ...]
    other_runbooks: tuple[tuple[str, str], ...]
    change: RelatedChange | None
    versions: tuple[ShownVersion, ...]
    choices: Mapping[str, tuple[str, ...]]
    heads: tuple[tuple[str, str], ...]
    storm: Storm | None


def view_work(
    services: Container,
    tracked: TrackedIncident,
    answers: VisibleAnswers,
    changes: Iterable[RelatedChange],
) -> WorkView:
    """Return what an incident's page shows of people's work; raises `StoreUnavailable`."""
    outcome, tracking = tracked.incident.outcome, tracked.tracking
    answered, others = _runbooks(services, answers, outcome)
    fix = named_fix(outcome.resolution)
    versions = services.store.tracked.versions(tracked.incident.report.id)
    champions = services.champions.current().serving
    return WorkView(
        tracking,
        fix,
        _proposal(answers) if fix is None else None,
        answered,
        others,
        next((change for change in changes if change.id == tracking.change_id), None),
        tuple(ShownVersion(version, _changes(version)) for version in reversed(versions)),
        {
            target: tuple(filter(is_offered, known_labels(champions.get(target))))
            for target in _LABELS
        },
        _heads(services, tracked),
        _storm(services, tracked),
    )


def _proposal(answers: VisibleAnswers) -> ProposedFix | None:
    fixed = (past for past in answers.similar_entries if past.get("has_fix"))
    past = next(fixed, None)
    if past is None or not past.get("resolution"):
        return None
    return ProposedFix(past["resolution"], past["id"], past.get("title") or past["id"])


def _runbooks(
    services: Container, answers: VisibleAnswers, outcome: Outcome
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    answered = {entry["id"]: entry.get("title") or "" for entry in answers.runbook_entries}
    stored = {runbook.id: runbook.title for runbook in services.store.runbooks.all()}
    if outcome.runbook_id:
        stored.setdefault(outcome.runbook_id, "")
    others = sorted(pair for pair in stored.items() if pair[0] not in answered)
    return tuple(answered.items()), tuple(others)


def _heads(services: Container, tracked: TrackedIncident) -> tuple[tuple[str, str], ...]:
    id_ = tracked.incident.report.id
    if not tracked.incident.outcome.is_open or tracked.tracking.consequence_of is not None:
        return ()
    newest = services.store.inbox.page(InboxQuery(state="open", limit=_MOST_HEADS))
    reports = (incident.report for incident in newest.incidents)
    return tuple((report.id, report.title) for report in reports if report.id != id_)


def _storm(services: Container, tracked: TrackedIncident) -> Storm | None:
    id_ = tracked.incident.report.id
    consequences = services.store.tracked.consequences([id_]).get(id_, ())
    members = tuple(member for member in consequences if member.incident.outcome.is_open)
    return Storm(tracked, members) if members else None


def _changes(version: IncidentVersion) -> tuple[FieldChange, ...]:
    shown: list[FieldChange] = []
    for name, (before, after) in version.changes.items():
        if name in (ALL_ATTRIBUTES, ALL_FIELDS):
            shown += _entry_changes(name, before, after)
        else:
            shown.append(FieldChange(name, before, after))
    return tuple(shown)


def _entry_changes(mapping: str, before: object, after: object) -> Sequence[FieldChange]:
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    return [
        FieldChange(f"{mapping}.{name}", old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
