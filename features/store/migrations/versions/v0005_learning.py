"""The tables of labels, the audit log, withdrawals, shadows, monitoring and dataset metadata."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_IS_AUDITED = "audit_share IS NOT NULL"
_TABLES = ("labels", "events", "withdrawals", "shadows", "monitoring", "history_facts")
_REFUSAL = "the audit log is append-only"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    _widen_predictions(is_sqlite=is_sqlite)
    _create_labels()
    _create_events()
    for statement in _sqlite_triggers() if is_sqlite else _postgresql_triggers():
        op.execute(statement)
    _create_withdrawals()
    _create_shadows()
    op.create_table(
        "monitoring",
        _key("tenant"),
        sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("found", sa.JSON, nullable=False),
    )
    op.create_table("history_facts", _key("tenant"), sa.Column("facts", sa.JSON, nullable=False))


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, _IDS, primary_key=True)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False)


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, _IDS, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _share(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _widen_predictions(*, is_sqlite: bool) -> None:
    op.add_column("predictions", sa.Column("audit_share", sa.Double))
    op.add_column("predictions", sa.Column("seconds", sa.Double))
    op.create_index(
        "predictions_by_audit",
        "predictions",
        ["tenant", "target", "answered_at"],
        sqlite_where=sa.text(_IS_AUDITED),
        postgresql_where=sa.text(_IS_AUDITED),
    )
    by_time = ["tenant", "answered_at"]
    if not is_sqlite:
        op.create_index("predictions_by_time", "predictions", by_time)
        return
    names = ["target", "prediction_id", "incident_id", "model_version", "label", "confidence"]
    op.create_index(
        "predictions_by_time_with_labels",
        "predictions",
        [*by_time, *names, "decision", "mode", "audit_share", "seconds"],
    )


def _create_labels() -> None:
    op.create_table(
        "labels",
        _key("tenant"),
        _number(),
        _id("incident_id"),
        _id("target"),
        _text("label"),
        _text("source"),
        _text("given_by"),
        _time("given_at"),
        _text("prediction_id", nullable=True),
        _time("recorded_at"),
    )
    op.create_index("labels_by_incident", "labels", ["tenant", "incident_id", "target"])
    op.create_index("labels_by_target", "labels", ["tenant", "target", "given_at"])


def _create_events() -> None:
    op.create_table(
        "events",
        _key("tenant"),
        _number(),
        _time("at"),
        _text("actor"),
        _text("action"),
        _text("target", nullable=True),
        _text("version", nullable=True),
        _text("reason"),
        sa.Column("details", sa.JSON, nullable=False),
    )


def _sqlite_triggers() -> list[str]:
    return [
        f"CREATE TRIGGER events_refuse_{action.lower()} BEFORE {action} ON events "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for action in ("UPDATE", "DELETE")
    ]


def _postgresql_triggers() -> list[str]:
    function = (
        "CREATE FUNCTION precedent_refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    trigger = (
        "CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION precedent_refuse_event_change()"
    )
    return [function, trigger]


def _create_withdrawals() -> None:
    op.create_table(
        "withdrawals",
        _key("tenant"),
        _key("target"),
        _key("version"),
        _key("label"),
        _share("promised"),
        sa.Column("right", sa.BigInteger, nullable=False),
        sa.Column("audited", sa.BigInteger, nullable=False),
        _share("high"),
        _time("withdrawn_at"),
    )


def _create_shadows() -> None:
    op.create_table(
        "shadows",
        _key("tenant"),
        _key("prediction_id"),
        _key("target"),
        _key("version"),
        _id("incident_id"),
        _text("label"),
        _share("confidence"),
        _text("decision"),
        _time("answered_at"),
    )
    by_version = ["tenant", "target", "version", "answered_at"]
    op.create_index("shadows_by_version", "shadows", by_version)
    op.create_index("shadows_by_incident", "shadows", ["tenant", "incident_id"])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute("DROP FUNCTION precedent_refuse_event_change()")
    by_time = "predictions_by_time_with_labels" if is_sqlite else "predictions_by_time"
    for index in (by_time, "predictions_by_audit"):
        op.drop_index(index, "predictions")
    for column in ("seconds", "audit_share"):
        op.drop_column("predictions", column)
