"""What was answered, without its evidence: in a period, in the audit sample, and without label."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select
from sqlalchemy.orm import aliased

from features.domain.labels import LabelRecord, LabelSource, LabelTrust, strongest
from features.domain.predictions import AuditedAnswer, PredictionSummary
from features.store.learning.labels import select_recorded_labels
from features.store.learning_tables import LabelRow
from features.store.tables import IncidentRow, PredictionRow

_ROWS_AT_ONCE = 1_000
_Said = tuple[LabelRecord, datetime]
_OWN_WORD = tuple(source for source in LabelSource if source.trust is LabelTrust.INDEPENDENT)
_NAMES = tuple(field.name for field in fields(PredictionSummary))
_COLUMNS = tuple(
    PredictionRow.__table__.c["model_version" if name == "version" else name] for name in _NAMES
)
_OUTCOMES = {
    "category": IncidentRow.category,
    "assignment": IncidentRow.assignment,
    "severity": IncidentRow.severity,
    "runbooks": IncidentRow.runbook_id,
    "similar": IncidentRow.duplicate_of,
}


def select_answers_between(
    connection: Connection, tenant: str, start: datetime, end: datetime, target: str | None
) -> tuple[PredictionSummary, ...]:
    """Return what was answered from start until before end, oldest first."""
    within = (PredictionRow.answered_at >= start, PredictionRow.answered_at < end)
    query = _select(tenant).where(*within)
    if target is not None:
        query = query.where(PredictionRow.target == target)
    order = (PredictionRow.answered_at, PredictionRow.target, PredictionRow.prediction_id)
    return _answers(connection.execute(query.order_by(*order)))


def select_newest_answers(
    connection: Connection, tenant: str, incident_ids: Collection[str]
) -> dict[tuple[str, str], PredictionSummary]:
    """Return the newest answer about each of the incidents, by incident and target."""
    wanted = frozenset(incident_ids)
    query = _select(tenant).order_by(PredictionRow.answered_at, PredictionRow.prediction_id)
    rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    of_wanted = (row for row in rows if row.incident_id in wanted)
    return {(row.incident_id, row.target): PredictionSummary(*row) for row in of_wanted}


def select_audited(
    connection: Connection, tenant: str, target: str | None
) -> tuple[AuditedAnswer, ...]:
    """Return the answers that were drawn, oldest first; each incident's first of each version."""
    query = _select(tenant).where(PredictionRow.audit_share.is_not(None))
    if target is not None:
        query = query.where(PredictionRow.target == target)
    first: dict[tuple[str, str, str], PredictionSummary] = {}
    order = (PredictionRow.answered_at, PredictionRow.target, PredictionRow.prediction_id)
    for answer in _answers(connection.execute(query.order_by(*order))):
        first.setdefault((answer.incident_id, answer.target, answer.version), answer)
    said: dict[tuple[str, str], list[_Said]] = {}
    drawn = {answer.incident_id for answer in first.values()}
    for one in select_recorded_labels(connection, tenant, target=target, incident_ids=drawn):
        said.setdefault((one[0].incident_id, one[0].target), []).append(one)
    return tuple(
        _audited(answer, answer.audit_share, said.get((answer.incident_id, answer.target), ()))
        for answer in first.values()
        if answer.audit_share is not None
    )


def select_unlabelled(
    connection: Connection, tenant: str, target: str, *, since: datetime | None, limit: int
) -> tuple[PredictionSummary, ...]:
    """Return the newest answer about each stored incident that nobody has labelled yet.

    The least confident come first. Our own `auto` answer in a final state is a label here, for
    nobody asks about an incident that is over.
    """
    later = aliased(PredictionRow)
    is_newest = ~exists().where(
        later.tenant == tenant,
        later.incident_id == PredictionRow.incident_id,
        later.target == target,
        _is_later(later),
    )
    is_labelled = exists().where(
        LabelRow.tenant == tenant,
        LabelRow.incident_id == PredictionRow.incident_id,
        LabelRow.target == target,
        LabelRow.source != LabelSource.SELF_CONFIRMED,
    )
    is_open = exists().where(
        IncidentRow.tenant == tenant,
        IncidentRow.id == PredictionRow.incident_id,
        _outcome(target).is_(None),
    )
    query = _select(tenant).where(PredictionRow.target == target, is_open, is_newest, ~is_labelled)
    if since is not None:
        query = query.where(PredictionRow.answered_at >= since)
    order = (PredictionRow.confidence, PredictionRow.answered_at, PredictionRow.prediction_id)
    return _answers(connection.execute(query.order_by(*order).limit(limit)))


def _outcome(target: str) -> ColumnElement[Any]:
    if target.startswith("fields."):
        named: ColumnElement[Any] = IncidentRow.fields[target.removeprefix("fields.")].as_string()
        return named
    return _OUTCOMES[target].expression


def _is_later(later: type[PredictionRow]) -> ColumnElement[bool]:
    same_time = later.answered_at == PredictionRow.answered_at
    return (later.answered_at > PredictionRow.answered_at) | (
        same_time & (later.prediction_id > PredictionRow.prediction_id)
    )


def _select(tenant: str) -> Select[Any]:
    return select(*_COLUMNS).where(PredictionRow.tenant == tenant)


def _answers(rows: Iterable[Any]) -> tuple[PredictionSummary, ...]:
    return tuple(PredictionSummary(*row) for row in rows)


def _audited(answer: PredictionSummary, share: float, said: Sequence[_Said]) -> AuditedAnswer:
    # By when we learned of it: what happened at what hour is told by another clock.
    later = (one for one, recorded_at in said if recorded_at >= answer.answered_at)
    word = strongest(later)
    truth = word if word is not None and word.source in _OWN_WORD else None
    return AuditedAnswer(
        prediction_id=answer.prediction_id,
        incident_id=answer.incident_id,
        target=answer.target,
        version=answer.version,
        label=answer.label,
        confidence=answer.confidence,
        share=share,
        answered_at=answer.answered_at,
        truth=None if truth is None else truth.label,
        labelled_at=None if truth is None else truth.given_at,
    )
