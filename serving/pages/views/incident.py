"""The page of an incident: its texts, the answers about it, and the feedback on them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from features.domain.feedback import FeedbackRecord
from features.domain.label_sources import decided_targets
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident, Status
from serving.container import Container
from serving.pages.render.text_highlight import Excerpt, excerpt
from serving.pages.views.incident_alerts import AlertsView, view_alerts
from serving.pages.views.incident_context import ContextView, view_context
from serving.pages.views.incident_work import WorkView, view_work
from serving.pages.views.runbook_commands import RunbookCommands
from serving.pages.views.visible_answers import (
    VisibleAnswers,
    by_subject,
    visible_answers,
)

_LONG_TITLE = 200


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """An incident as its page shows it.

    `feedback` holds the last feedback of each person, by target and id of the entry. `commands` are
    those steps of the runbooks that are commands. `alerts` and `work` are None for a report that is
    not stored as an incident. With `is_waiting`, the incident waits for its first answers.
    """

    report: IncidentReport
    outcome: Outcome
    answers: VisibleAnswers
    title: Excerpt
    description: Excerpt
    feedback: Mapping[tuple[str, str], tuple[FeedbackRecord, ...]]
    commands: frozenset[str]
    context: ContextView
    status: Status
    alerts: AlertsView | None = None
    work: WorkView | None = None
    is_waiting: bool = False

    @property
    def is_worked_on(self) -> bool:
        """Whether the incident is open and a person acknowledged or edited it."""
        is_touched = self.work is not None and self.work.tracking.is_touched_by_person
        return is_touched and self.is_open

    @property
    def shown_severity(self) -> str | None:
        """The severity that a person or the source stated, or else the most severe of its alerts.

        None if nobody stated one.
        """
        peak = self.work.tracking.peak_severity if self.work else None
        return self.outcome.severity or peak

    @property
    def is_open(self) -> bool:
        """Whether the incident has no outcome yet, apart from being marked as a duplicate."""
        return self.outcome.is_open


def open_incident(
    services: Container,
    commands: RunbookCommands,
    id: str,  # noqa: A002
) -> IncidentPage:
    """Return the page of an incident; raises `UnknownIncident` and `StoreUnavailable`."""
    tracked = services.incidents.get_tracked(id)
    incident = tracked.incident
    id = incident.report.id  # noqa: A001
    records = services.store.predictions.latest([id]).get(id, ())
    feedback = by_subject(services.store.feedback.select(incident_id=id))
    labels = services.store.labels.select(incident_ids=[id])
    decided = decided_targets(labels, incident.outcome)
    page = _page(services, commands, incident, records, feedback, decided)
    return replace(
        page,
        alerts=view_alerts(tracked),
        work=view_work(services, tracked, page.answers, page.context.changes or ()),
        is_waiting=not records and bool(services.store.triage_queue.waiting([id])),
    )


def answer_again(
    services: Container,
    report: IncidentReport,
    request_id: str,
    *,
    for_people: Collection[str] = (),
) -> tuple[PredictionRecord, ...]:
    """Triage a report with the current champions; return the stored answers.

    Answers about an incident in `for_people` are suggestions, because a person works on it.
    """
    triages = services.triage.triage(
        [report], include=None, request_id=request_id, for_people=for_people
    )
    return services.store.predictions.get(triages.items[0].prediction_id)


def try_report(
    services: Container, commands: RunbookCommands, report: IncidentReport, request_id: str
) -> IncidentPage:
    """Return the page about a report that is not stored as an incident."""
    records = answer_again(services, report, request_id)
    return _page(services, commands, ResolvedIncident(report, Outcome()), records, {})


def _page(
    services: Container,
    commands: RunbookCommands,
    incident: ResolvedIncident,
    records: Iterable[PredictionRecord],
    feedback: Mapping[tuple[str, str], tuple[FeedbackRecord, ...]],
    decided: Collection[str] = (),
) -> IncidentPage:
    report, champions = incident.report, services.champions.current().serving
    answers = visible_answers(records, services.modes.modes, champions, decided)
    return IncidentPage(
        report,
        incident.outcome,
        answers,
        excerpt(report.title, answers.weights, _LONG_TITLE),
        excerpt(report.description, answers.weights),
        feedback,
        commands.of(entry["id"] for entry in answers.runbook_entries),
        view_context(services, report),
        incident.outcome.effective_status,
    )
