"""The past uses of runbooks that the store knows of."""

from features.store.store import Store
from models.runbooks.runbook_index import RunbookUse
from models.runbooks.usage import past_uses

_MOST = 5_000


def stored_uses(store: Store) -> list[RunbookUse]:
    """Return what outcomes and people say of runbooks; of very many outcomes, the latest."""
    said = store.feedback.select(target="runbooks")
    known = {one.report.id: one for one in store.incidents.with_runbook(limit=_MOST)}
    known |= store.incidents.find([word.incident_id for word in said])
    return past_uses(list(known.values()), said)
