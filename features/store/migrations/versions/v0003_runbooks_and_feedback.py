"""The tables of runbooks and feedback, and the indexes for the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# An incident that only names its original is no longer resolved.
_REOPEN = """
    UPDATE incidents SET resolved = false
    WHERE duplicate_of IS NOT NULL
      AND COALESCE(category, assignment, severity, resolution, runbook_id) IS NULL
      AND resolved_at IS NULL AND CAST(fields AS TEXT) = '{}'
"""


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, _IDS, primary_key=True)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    _create_runbooks()
    _create_feedback()
    op.execute(_REOPEN)
    if not is_sqlite:
        op.alter_column("predictions", "incident_id", type_=_IDS)
    op.create_index(
        "predictions_by_incident",
        "predictions",
        ["tenant", "incident_id", "target", "answered_at", "prediction_id", "decision"],
    )
    op.create_index("incidents_by_link", "incidents", ["duplicate_of"], postgresql_using="hash")
    newest_first = ("tenant", sa.text("opened_at DESC"), "id")
    if is_sqlite:
        labels = ("resolved", "category", "severity", "service")
        op.create_index("incidents_by_opening_with_labels", "incidents", [*newest_first, *labels])
    else:
        op.create_index("incidents_by_opening", "incidents", [*newest_first])


def _create_runbooks() -> None:
    op.create_table(
        "runbooks",
        _key("tenant"),
        _key("id"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("sections", sa.JSON, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_table(
        "runbook_revisions", _key("tenant"), sa.Column("revision", sa.BigInteger, nullable=False)
    )


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        _key("tenant"),
        _key("prediction_id"),
        _key("target"),
        _key("subject"),
        _key("given_by"),
        sa.Column("incident_id", _IDS, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("helped", sa.Boolean),
    )
    op.create_index("feedback_by_incident", "feedback", ["tenant", "incident_id"])


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    by_opening = "incidents_by_opening_with_labels" if is_sqlite else "incidents_by_opening"
    op.drop_index(by_opening, "incidents")
    op.drop_index("incidents_by_link", "incidents")
    op.drop_index("predictions_by_incident", "predictions")
    for table in ("feedback", "runbook_revisions", "runbooks"):
        op.drop_table(table)
