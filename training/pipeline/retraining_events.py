"""What the audit log holds of retrainings: that one began, and how it ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from features.domain.audit_event import AuditEvent
from features.errors import StoreUnavailable
from features.store.store import Store

_ACTION = "retrain"


@contextmanager
def told_in_log(
    store: Store, actor: str, reason: str, details: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Write to the log that a retraining began, and that it finished or why it failed.

    Yields the details of its end, for the caller to fill. One that never told its end is written
    down as failed by the next.
    """
    before = store.audit_log.select(action=_ACTION)[-1:]
    if before and before[0].details.get("state") == "started":
        why = f"the one begun on {before[0].at:%Y-%m-%d %H:%M} UTC was killed or lost its machine"
        _tell(store, "precedent", why, {"state": "failed"})
    _tell(store, actor, reason, details | {"state": "started"})
    ending = dict(details)
    try:
        yield ending
    except BaseException as error:
        why = " ".join(str(error).split()) or type(error).__name__
        # What keeps the log from being written may be what the training failed by.
        with suppress(StoreUnavailable):
            _tell(store, actor, f"failed: {why}", details | {"state": "failed"})
        raise
    _tell(store, actor, reason, ending | {"state": "finished"})


def last_finished(store: Store, targets: Sequence[str] = ()) -> datetime | None:
    """Return when a retraining last finished that trained all these targets, None if never."""
    for event in reversed(store.audit_log.select(action=_ACTION)):
        trained = event.details.get("versions", {})
        is_done = event.details.get("state") == "finished"
        if is_done and all(target in trained for target in targets):
            return event.at
    return None


def _tell(store: Store, actor: str, reason: str, details: dict[str, Any]) -> None:
    event = AuditEvent(datetime.now(UTC), actor, _ACTION, None, None, reason, details)
    store.audit_log.append(event)
