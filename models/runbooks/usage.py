"""What is known of the runbooks that were used: from outcomes, and from what people said."""

from collections.abc import Sequence

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.report import ResolvedIncident
from features.store.store import Store
from models.runbooks.runbook_index import RunbookUse

_TARGET = "runbooks"
_MOST = 5_000


def stored_uses(store: Store) -> list[RunbookUse]:
    """Return what outcomes and people say of runbooks; of very many outcomes, the latest."""
    said = store.feedback.select(target=_TARGET)
    known = {one.report.id: one for one in store.incidents.with_runbook(limit=_MOST)}
    known |= store.incidents.find([word.incident_id for word in said])
    return past_uses(list(known.values()), said)


def past_uses(
    incidents: Sequence[ResolvedIncident], feedback: Sequence[FeedbackRecord] = ()
) -> list[RunbookUse]:
    """Return one use per incident and runbook; a later word, given oldest first, replaces others.

    An accepted runbook was used and helped unless somebody says it did not, a correction names the
    one that was used instead, and a dismissed one did not help. Words about incidents that are not
    among these are passed over.
    """
    reports = {one.report.id: one.report for one in incidents}
    helped: dict[tuple[str, str], bool | None] = {
        (one.report.id, one.outcome.runbook_id): None
        for one in incidents
        if one.outcome.runbook_id is not None
    }
    for word in feedback:
        if word.target == _TARGET and word.incident_id in reports:
            helped |= {(word.incident_id, runbook): how for runbook, how in _said(word)}
    return [RunbookUse(reports[id], runbook, how) for (id, runbook), how in helped.items()]  # noqa: A001


def _said(word: FeedbackRecord) -> list[tuple[str, bool | None]]:
    """Return each runbook that a person spoke of, and whether it helped."""
    said: list[tuple[str, bool | None]] = []
    if word.subject:
        is_right = word.action == FeedbackAction.ACCEPT
        said.append((word.subject, word.helped is not False if is_right else False))
    if word.action == FeedbackAction.CORRECT and word.label:
        said.append((word.label, word.helped))
    return said
