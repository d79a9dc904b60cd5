"""Suspends champions that lose to their baseline, and lifts suspensions; logs both."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from features.domain.audit_event import AuditEvent
from features.domain.monitoring import BaselineJudgement
from features.domain.suspension import Suspension
from features.store.store import Store

_log = logging.getLogger(__name__)

_BY_ITSELF, _RESUME = "precedent", "resume"


def apply_judgements(
    judgements: Iterable[BaselineJudgement], store: Store, now: datetime
) -> tuple[Suspension, ...]:
    """Suspend each champion that is worse than its baseline, and lift what no longer holds.

    Return all suspensions in force. Running servers follow within seconds. Raises
    `StoreUnavailable`.
    """
    suspended = {(one.target, one.version) for one in store.suspensions.all()}
    for judgement in judgements:
        is_suspended = (judgement.target, judgement.version) in suspended
        if judgement.is_worse and not is_suspended:
            _suspend(judgement, store, now)
        elif judgement.is_restored and is_suspended:
            _restore(judgement, store, now)
    return store.suspensions.all()


def lift_by_promotion(
    target: str, champion: str, store: Store, *, actor: str, reason: str, now: datetime
) -> None:
    """Lift every suspension of a target, because a version was made its champion.

    If that version was suspended itself, only its later answers are judged.
    """
    why = f"version {champion} was made champion{f': {reason}' if reason else ''}"
    details = {"champion": champion}
    for suspension in store.suspensions.all():
        if suspension.target == target:
            version = suspension.version
            _lift(target, version, store, actor=actor, reason=why, details=details, now=now)


def resumed_by_hand(store: Store, target: str, version: str) -> datetime | None:
    """Return when somebody last promoted a version although it was suspended, None if nobody."""
    events = store.audit_log.select(target=target, action=_RESUME)
    return max(
        (event.at for event in events if event.details.get("champion") == event.version == version),
        default=None,
    )


def _suspend(judgement: BaselineJudgement, store: Store, now: datetime) -> None:
    target, version, reason = judgement.target, judgement.version, judgement.describe()
    if not store.suspensions.record(Suspension(target, version, reason, now)):
        return
    details = _details(judgement)
    store.audit_log.append(AuditEvent(now, _BY_ITSELF, "suspend", target, version, reason, details))
    fields = {"target": target, "version": version, "reason": reason}
    _log.warning("a champion was suspended", extra={"fields": fields})


def _restore(judgement: BaselineJudgement, store: Store, now: datetime) -> None:
    _lift(
        judgement.target,
        judgement.version,
        store,
        actor=_BY_ITSELF,
        reason=judgement.describe(),
        details=_details(judgement),
        now=now,
    )


def _lift(
    target: str,
    version: str,
    store: Store,
    *,
    actor: str,
    reason: str,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    if not store.suspensions.lift(target, version):
        return
    store.audit_log.append(AuditEvent(now, actor, _RESUME, target, version, reason, details))
    fields = {"target": target, "version": version, "reason": reason}
    _log.info("a suspension was lifted", extra={"fields": fields})


def _details(judgement: BaselineJudgement) -> dict[str, Any]:
    return asdict(judgement) | {"since": judgement.since.isoformat()}
