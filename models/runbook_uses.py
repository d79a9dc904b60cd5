"""What is known of the runbooks that were used: from outcomes, and from what people said."""

from collections.abc import Iterable, Iterator, Sequence

from features.history.feedback import FeedbackAction, FeedbackRecord
from features.history.store import IncidentStore
from features.incident.report import ResolvedIncident
from models.runbook_shelf import RunbookUse

_TARGET = "runbooks"
_MOST_USES = 5_000


def known_uses(store: IncidentStore) -> list[RunbookUse]:
    """Return the newest uses that the store knows of; what people said of one stands."""
    outcomes = past_uses(store.with_runbook(limit=_MOST_USES))
    return merge_uses([*outcomes, *judged_uses(store)])


def judged_uses(store: IncidentStore) -> list[RunbookUse]:
    """Return the uses that people spoke of, of incidents that are still there."""
    words = store.feedback(target=_TARGET)[-_MOST_USES:]
    found = store.find(list({word.incident_id for word in words}))
    return uses_of_words(words, found.values())


def past_uses(incidents: Iterable[ResolvedIncident]) -> list[RunbookUse]:
    """Return what incidents tell of the runbooks that were used for them."""
    return [
        RunbookUse(one.report, one.outcome.runbook_id)
        for one in incidents
        if one.outcome.runbook_id is not None
    ]


def uses_of_words(
    words: Sequence[FeedbackRecord], incidents: Iterable[ResolvedIncident]
) -> list[RunbookUse]:
    """Return one use per incident and runbook; a later word, given oldest first, replaces others.

    An accepted runbook helped unless somebody says it did not, a correction names the one that was
    used instead, and a dismissed one did not help.
    """
    reports = {one.report.id: one.report for one in incidents}
    return merge_uses(
        RunbookUse(reports[word.incident_id], runbook, helped)
        for word in words
        if word.target == _TARGET and word.incident_id in reports
        for runbook, helped in _said(word)
    )


def merge_uses(uses: Iterable[RunbookUse]) -> list[RunbookUse]:
    """Keep the last of the uses of one runbook for one incident."""
    return list({(use.report.id, use.runbook_id): use for use in uses}.values())


def _said(word: FeedbackRecord) -> Iterator[tuple[str, bool | None]]:
    """Yield each runbook that a person spoke of, and whether it helped."""
    if word.subject:
        is_right = word.action == FeedbackAction.ACCEPT
        yield word.subject, word.helped is not False if is_right else False
    if word.action == FeedbackAction.CORRECT and word.label:
        yield word.label, word.helped
