"""The first tables: incidents, their deletions and revisions, and predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _key(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, primary_key=True)


def _revision() -> sa.Column[int]:
    return sa.Column("revision", sa.BigInteger, nullable=False)


def upgrade() -> None:
    _create_incidents()
    _create_deletions()
    op.create_table(
        "revisions", _key("tenant"), sa.Column("revision", sa.BigInteger, nullable=False)
    )
    _create_predictions()


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        _key("tenant"),
        _key("id"),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("service", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("assignment", sa.Text),
        sa.Column("severity", sa.Text),
        sa.Column("resolution", sa.Text),
        sa.Column("runbook_id", sa.Text),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("duplicate_of", sa.Text),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("resolved", sa.Boolean, nullable=False),
        _revision(),
    )
    op.create_index("incidents_by_revision", "incidents", ["tenant", "revision"])


def _create_deletions() -> None:
    op.create_table("deletions", _key("tenant"), _key("id"), _revision())
    op.create_index("deletions_by_revision", "deletions", ["tenant", "revision"])


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        _key("tenant"),
        _key("prediction_id"),
        _key("target"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("incident_id", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in ("predictions", "revisions", "deletions", "incidents"):
        op.drop_table(table)
