"""Which runbooks were used for which incidents, from outcomes and from people's feedback."""

from collections.abc import Sequence

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.report import ResolvedIncident
from features.store.store import Store
from models.runbooks.runbook_index import RunbookUse

_TARGET = "runbooks"
_MOST = 5_000


def stored_uses(store: Store) -> list[RunbookUse]:
    """Return the uses in the store, from the latest 5,000 outcomes and from all feedback."""
    feedback = store.feedback.select(target=_TARGET)
    latest = store.incidents.with_runbook(limit=_MOST)
    incidents = {incident.report.id: incident for incident in latest}
    incidents |= store.incidents.find([record.incident_id for record in feedback])
    return past_uses(list(incidents.values()), feedback)


def past_uses(
    incidents: Sequence[ResolvedIncident], feedback: Sequence[FeedbackRecord] = ()
) -> list[RunbookUse]:
    """Return one use per incident and runbook.

    `feedback` is in order of time; the latest feedback on an incident and a runbook counts. An
    accepted runbook was used and helped, unless the feedback states that it did not help. A
    dismissed or corrected runbook did not help; a correction also names the runbook that was used
    instead. Feedback about incidents that are not in `incidents` is ignored.
    """
    reports = {incident.report.id: incident.report for incident in incidents}
    uses: dict[tuple[str, str], bool | None] = {
        (incident.report.id, incident.outcome.runbook_id): None
        for incident in incidents
        if incident.outcome.runbook_id is not None
    }
    for record in feedback:
        if record.target == _TARGET and record.incident_id in reports:
            for runbook, has_helped in _runbooks_of(record):
                uses[record.incident_id, runbook] = has_helped
    return [RunbookUse(reports[id], runbook, helped) for (id, runbook), helped in uses.items()]  # noqa: A001


def _runbooks_of(record: FeedbackRecord) -> list[tuple[str, bool | None]]:
    """Return each runbook that the feedback names, and whether it helped."""
    runbooks: list[tuple[str, bool | None]] = []
    if record.subject:
        is_accepted = record.action == FeedbackAction.ACCEPT
        runbooks.append((record.subject, record.helped is not False if is_accepted else False))
    if record.action == FeedbackAction.CORRECT and record.label:
        runbooks.append((record.label, record.helped))
    return runbooks
