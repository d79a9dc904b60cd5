"""The repository of predictions: one row for each prediction and target."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import aliased

from features.domain.labels import LabelRecord, LabelSource, LabelTrust, strongest
from features.domain.modes import Mode
from features.domain.predictions import (
    ActCounts,
    AuditedAnswer,
    PredictionRecord,
    PredictionSummary,
)
from features.domain.report import IncidentReport
from features.store.learning.labels import select_recorded_labels
from features.store.repository import Repository
from features.store.tables import IncidentRow, LabelRow, PredictionRow, TriagedReportRow
from features.store.upserts import upsert_into

_ROWS_AT_ONCE = 1_000
_REPORT: TypeAdapter[IncidentReport] = TypeAdapter(IncidentReport)
_NAMES = tuple(field.name for field in fields(PredictionRecord))
_COLUMNS = tuple(PredictionRow.__table__.c[name] for name in _NAMES)
# Built once: most of a short query's time is spent on building it.
_INSERTION = insert(PredictionRow)
_STORED_IDS = select(IncidentRow.id).where(
    IncidentRow.tenant == bindparam("tenant"), IncidentRow.id.in_(bindparam("ids", expanding=True))
)
_SUMMARY = tuple(
    PredictionRow.__table__.c["model_version" if name == "version" else name]
    for name in (field.name for field in fields(PredictionSummary))
)
_OLDEST_FIRST = (PredictionRow.answered_at, PredictionRow.target, PredictionRow.prediction_id)
_RecordedLabel = tuple[LabelRecord, datetime]
_INDEPENDENT_SOURCES = tuple(
    source for source in LabelSource if source.trust is LabelTrust.INDEPENDENT
)
_OUTCOMES = {
    "category": IncidentRow.category,
    "assignment": IncidentRow.assignment,
    "severity": IncidentRow.severity,
    "runbooks": IncidentRow.runbook_id,
    "similar": IncidentRow.duplicate_of,
}


class PredictionRepository(Repository):
    """The predictions of one tenant; a write does not increase the incidents' revision."""

    def record(
        self, records: Sequence[PredictionRecord], reports: Sequence[IncidentReport] = ()
    ) -> None:
        """Add predictions in one transaction.

        Those of the `reports` that are about no stored incident are kept, so that the predictions
        about them can be shown; see `triaged_report`.
        """
        if not records:
            return
        with self._database.write() as connection:
            rows = [_row(self._tenant, record) for record in records]
            connection.execute(_INSERTION, rows)
            if reports:
                _keep_reports(connection, self._tenant, reports, records[0].answered_at)

    def triaged_report(self, incident_id: str) -> IncidentReport | None:
        """Return the last report that was answered under an id, None if none was kept."""
        query = select(TriagedReportRow.report).where(
            TriagedReportRow.tenant == self._tenant, TriagedReportRow.incident_id == incident_id
        )
        with self._database.read() as connection:
            report = connection.execute(query).scalar_one_or_none()
        return None if report is None else _REPORT.validate_python(report)

    def get(self, prediction_id: str) -> tuple[PredictionRecord, ...]:
        """Return the prediction with this id, one record for each target; empty if unknown."""
        query = select_predictions(self._tenant).where(PredictionRow.prediction_id == prediction_id)
        with self._database.read() as connection:
            return tuple(prediction_from(row) for row in connection.execute(query))

    def latest(self, incident_ids: Sequence[str]) -> Mapping[str, tuple[PredictionRecord, ...]]:
        """Return the newest prediction about each incident, as one record per target.

        Incidents without a prediction are left out.
        """
        newest_first = (PredictionRow.answered_at.desc(), PredictionRow.prediction_id.desc())
        rank = func.row_number().over(partition_by=PredictionRow.incident_id, order_by=newest_first)
        is_about = (
            PredictionRow.tenant == self._tenant,
            PredictionRow.incident_id.in_(incident_ids),
        )
        ranked = select(PredictionRow.prediction_id, rank.label("rank")).where(*is_about).subquery()
        is_newest = and_(PredictionRow.prediction_id == ranked.c.prediction_id, ranked.c.rank == 1)
        answers: dict[str, tuple[PredictionRecord, ...]] = {}
        with self._database.read() as connection:
            for row in connection.execute(select_predictions(self._tenant).join(ranked, is_newest)):
                record = prediction_from(row)
                answers[record.incident_id] = (*answers.get(record.incident_id, ()), record)
        return answers

    def about(
        self, incident_id: str, until: datetime | None = None
    ) -> tuple[PredictionRecord, ...]:
        """Return all predictions about an incident, newest first; `until` is included."""
        query = select_predictions(self._tenant).where(PredictionRow.incident_id == incident_id)
        if until is not None:
            query = query.where(PredictionRow.answered_at <= until)
        with self._database.read() as connection:
            records = [prediction_from(row) for row in connection.execute(query)]
        # Without ORDER BY: with it, SQLite would read the answers about all incidents by time.
        return tuple(sorted(records, key=_time_order, reverse=True))

    def between(
        self, start: datetime, end: datetime, target: str | None = None
    ) -> tuple[PredictionSummary, ...]:
        """Return the predictions from `start` (included) to `end` (excluded), oldest first."""
        in_period = (PredictionRow.answered_at >= start, PredictionRow.answered_at < end)
        query = _select_summaries(self._tenant, target).where(*in_period).order_by(*_OLDEST_FIRST)
        with self._database.read() as connection:
            return _summaries(connection.execute(query))

    def of_version(self, target: str, version: str) -> tuple[PredictionRecord, ...]:
        """Return the predictions of a version of a target's model, oldest first."""
        query = (
            select_predictions(self._tenant)
            .where(PredictionRow.target == target, PredictionRow.model_version == version)
            .order_by(*_OLDEST_FIRST)
        )
        with self._database.read() as connection:
            return tuple(prediction_from(row) for row in connection.execute(query))

    def latest_summaries(
        self, incident_ids: Collection[str]
    ) -> Mapping[tuple[str, str], PredictionSummary]:
        """Return the newest prediction for each target of each incident, by incident and target.

        All predictions of the tenant are read, so this is meant for many incidents at once.
        """
        if not incident_ids:
            return {}
        ids = frozenset(incident_ids)
        order = (PredictionRow.answered_at, PredictionRow.prediction_id)
        query = _select_summaries(self._tenant).order_by(*order)
        with self._database.read() as connection:
            rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
            return {
                (row.incident_id, row.target): PredictionSummary(*row)
                for row in rows
                if row.incident_id in ids
            }

    def audited(self, target: str | None = None) -> tuple[AuditedAnswer, ...]:
        """Return the answers that were drawn into the audit sample, oldest first.

        Only the first answer per incident, target and version is returned, with the strongest
        label recorded since, if that label is independent of our answers.
        """
        query = (
            _select_summaries(self._tenant, target)
            .where(PredictionRow.audit_share.is_not(None))
            .order_by(*_OLDEST_FIRST)
        )
        with self._database.read() as connection:
            rows = connection.execute(query.add_columns(PredictionRow.audit_group)).all()
            groups = {(row.prediction_id, row.target): row.audit_group for row in rows}
            answers = _first_per_version(_summaries(row[:-1] for row in rows))
            labels = _recorded_labels(connection, self._tenant, target, answers)
        return tuple(
            _audited_answer(
                answer,
                answer.audit_share,
                groups[answer.prediction_id, answer.target],
                labels.get((answer.incident_id, answer.target), ()),
            )
            for answer in answers
            if answer.audit_share is not None
        )

    def newest_at(self) -> datetime | None:
        """Return the time of the newest answer, None without answers."""
        query = select(func.max(PredictionRow.answered_at))
        with self._database.read() as connection:
            newest: datetime | None = connection.execute(
                query.where(PredictionRow.tenant == self._tenant)
            ).scalar_one()
            return newest

    def count_acts(self, since: datetime) -> ActCounts:
        """Count the answered incidents and the automatic acts since a moment (included)."""
        is_recent = (PredictionRow.tenant == self._tenant, PredictionRow.answered_at >= since)
        acts = (
            select(PredictionRow.incident_id, PredictionRow.target)
            .where(*is_recent, PredictionRow.decision == "auto", PredictionRow.mode == Mode.AUTO)
            .distinct()
            .subquery()
        )
        incidents = select(func.count(PredictionRow.incident_id.distinct())).where(*is_recent)
        acted_on = select(func.count(acts.c.incident_id.distinct()), func.count())
        with self._database.read() as connection:
            answered = connection.execute(incidents).scalar_one()
            return ActCounts(answered, *connection.execute(acted_on.select_from(acts)).one())

    def take_out_of_audit(self, record: PredictionRecord) -> None:
        """Remove an answer from the audit sample, with the undecided answers of its group."""
        undecided = {
            answer.incident_id
            for answer in self.audited(record.target)
            if answer.truth is None and answer.group == record.audit_group is not None
        }
        is_removed = (
            PredictionRow.tenant == self._tenant,
            PredictionRow.target == record.target,
            PredictionRow.incident_id.in_(undecided | {record.incident_id}),
            PredictionRow.audit_share.is_not(None),
        )
        with self._database.write() as connection:
            connection.execute(update(PredictionRow).where(*is_removed).values(audit_share=None))

    def unlabelled(
        self, target: str, *, since: datetime | None, limit: int
    ) -> tuple[PredictionSummary, ...]:
        """Return the newest answer about each unlabelled stored incident, least confident first.

        An unlabelled incident has no label and no final state for the target. With `since`, only
        answers given at that time or later are returned. A final state that repeats our own `auto`
        answer counts as a label here, because nobody needs to label a resolved incident.
        """
        query = _select_summaries(self._tenant, target).where(
            _is_open(self._tenant, target),
            _is_newest(self._tenant, target),
            ~_is_labelled(self._tenant, target),
        )
        if since is not None:
            query = query.where(PredictionRow.answered_at >= since)
        order = (PredictionRow.confidence, PredictionRow.answered_at, PredictionRow.prediction_id)
        with self._database.read() as connection:
            return _summaries(connection.execute(query.order_by(*order).limit(limit)))


def select_predictions(tenant: str) -> Select[Any]:
    """Return the query of a tenant's predictions, ordered by target.

    `prediction_from` reads its rows.
    """
    return select(*_COLUMNS).where(PredictionRow.tenant == tenant).order_by(PredictionRow.target)


def prediction_from(row: Sequence[Any]) -> PredictionRecord:
    """Return the prediction in a row of `select_predictions`."""
    return PredictionRecord(*row)


def delete_predictions(connection: Connection, tenant: str, incident_id: str) -> int:
    """Delete the predictions about an incident, and return how many there were."""
    is_about = (PredictionRow.tenant == tenant, PredictionRow.incident_id == incident_id)
    return connection.execute(delete(PredictionRow).where(*is_about)).rowcount


def _row(tenant: str, record: PredictionRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _NAMES}
    return row | {"tenant": tenant, "answer": dict(record.answer)}


def _keep_reports(
    connection: Connection, tenant: str, reports: Sequence[IncidentReport], now: datetime
) -> None:
    of_id = {report.id: report for report in reports}
    for id_ in connection.scalars(_STORED_IDS, {"tenant": tenant, "ids": list(of_id)}):
        del of_id[id_]
    if not of_id:
        return
    rows = [
        {"tenant": tenant, "incident_id": id_, "report": asdict(report), "triaged_at": now}
        for id_, report in of_id.items()
    ]
    key, new = ("tenant", "incident_id"), ("report", "triaged_at")
    connection.execute(upsert_into(connection, TriagedReportRow, key, new), rows)


def _time_order(record: PredictionRecord) -> tuple[datetime, str]:
    return record.answered_at, record.prediction_id


def _select_summaries(tenant: str, target: str | None = None) -> Select[Any]:
    query = select(*_SUMMARY).where(PredictionRow.tenant == tenant)
    return query if target is None else query.where(PredictionRow.target == target)


def _summaries(rows: Iterable[Any]) -> tuple[PredictionSummary, ...]:
    return tuple(PredictionSummary(*row) for row in rows)


def _is_open(tenant: str, target: str) -> ColumnElement[bool]:
    return exists().where(
        IncidentRow.tenant == tenant,
        IncidentRow.id == PredictionRow.incident_id,
        _outcome(target).is_(None),
    )


def _outcome(target: str) -> ColumnElement[Any]:
    if target.startswith("fields."):
        field: ColumnElement[Any] = IncidentRow.fields[target.removeprefix("fields.")].as_string()
        return field
    return _OUTCOMES[target].expression


def _is_newest(tenant: str, target: str) -> ColumnElement[bool]:
    later = aliased(PredictionRow)
    is_same_time = later.answered_at == PredictionRow.answered_at
    is_later = (later.answered_at > PredictionRow.answered_at) | (
        is_same_time & (later.prediction_id > PredictionRow.prediction_id)
    )
    return ~exists().where(
        later.tenant == tenant,
        later.incident_id == PredictionRow.incident_id,
        later.target == target,
        is_later,
    )


def _is_labelled(tenant: str, target: str) -> ColumnElement[bool]:
    return exists().where(
        LabelRow.tenant == tenant,
        LabelRow.incident_id == PredictionRow.incident_id,
        LabelRow.target == target,
        LabelRow.source != LabelSource.SELF_CONFIRMED,
    )


def _first_per_version(answers: Iterable[PredictionSummary]) -> tuple[PredictionSummary, ...]:
    first_answers: dict[tuple[str, str, str], PredictionSummary] = {}
    for answer in answers:
        first_answers.setdefault((answer.incident_id, answer.target, answer.version), answer)
    return tuple(first_answers.values())


def _recorded_labels(
    connection: Connection, tenant: str, target: str | None, answers: Iterable[PredictionSummary]
) -> dict[tuple[str, str], list[_RecordedLabel]]:
    labels: dict[tuple[str, str], list[_RecordedLabel]] = {}
    incident_ids = {answer.incident_id for answer in answers}
    for label, recorded_at in select_recorded_labels(
        connection, tenant, target=target, incident_ids=incident_ids
    ):
        labels.setdefault((label.incident_id, label.target), []).append((label, recorded_at))
    return labels


def _audited_answer(
    answer: PredictionSummary,
    share: float,
    group: str | None,
    labels: Sequence[_RecordedLabel],
) -> AuditedAnswer:
    # `recorded_at` is from our own clock, as `answered_at` is; `given_at` may be from another one.
    later_labels = (label for label, recorded_at in labels if recorded_at >= answer.answered_at)
    label = strongest(later_labels)
    truth = label if label is not None and label.source in _INDEPENDENT_SOURCES else None
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
        group=group,
    )
