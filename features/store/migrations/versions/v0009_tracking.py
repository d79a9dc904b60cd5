"""The status of incidents, and the tables of tracking, versions, alerts, links and queues."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)
_TABLES = (
    "incident_tracking",
    "incident_versions",
    "alerts",
    "heartbeats",
    "storm_links",
    "triage_queue",
    "triaged_reports",
    "idempotency_keys",
)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _IDS, primary_key=True) for name in ("tenant", *names)]


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _required(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    op.add_column("incidents", sa.Column("status", sa.Text))
    op.create_table(
        "incident_tracking",
        *_keys("incident_id"),
        sa.Column("updated_at", _TIME),
        sa.Column("opening", sa.JSON),
        *_required(sa.JSON(), "authors"),
        sa.Column("acknowledged_at", _TIME),
        *_texts("acknowledged_by", nullable=True),
        sa.Column("previous_id", _IDS),
        sa.Column("consequence_of", _IDS),
        *_texts("peak_severity", nullable=True),
        *_required(sa.BigInteger(), "reopenings"),
        sa.Column("change_id", _IDS),
    )
    op.create_index("tracking_by_head", "incident_tracking", ["tenant", "consequence_of"])
    op.create_table(
        "incident_versions",
        *_keys("incident_id"),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *_required(_TIME, "written_at"),
        *_texts("author", "actor"),
        *_required(sa.JSON(), "changes"),
    )
    op.create_table(
        "alerts",
        *_keys("incident_id", "fingerprint"),
        *_required(sa.JSON(), "labels", "annotations"),
        *_required(sa.Boolean(), "is_firing"),
        *(sa.Column(name, _TIME) for name in ("began_at", "ended_at")),
        *_texts("generator_url"),
        *(sa.Column(name, _TIME) for name in ("first_seen_at", "last_seen_at")),
        *_required(sa.BigInteger(), "number"),
    )
    op.create_table(
        "heartbeats",
        *_keys("name"),
        *_required(_TIME, "last_seen_at"),
        sa.Column("interval_seconds", sa.Double),
        *_required(sa.Boolean(), "is_ended"),
    )
    op.create_table(
        "storm_links",
        *_keys("incident_id", "head_id"),
        *_required(sa.Boolean(), "is_joined"),
        *_texts("given_by"),
        *_required(_TIME, "given_at"),
    )
    op.create_table(
        "triage_queue",
        *_keys("incident_id"),
        *_texts("request_id"),
        *_required(sa.BigInteger(), "requests", "attempts"),
        *_required(_TIME, "due_at"),
    )
    op.create_index("triage_queue_by_time", "triage_queue", ["tenant", "due_at"])
    op.create_table(
        "triaged_reports",
        *_keys("incident_id"),
        *_required(sa.JSON(), "report"),
        *_required(_TIME, "triaged_at"),
    )
    op.create_table(
        "idempotency_keys",
        *_keys("key"),
        *_texts("path", "body_sha256"),
        *_required(_TIME, "started_at"),
        sa.Column("status_code", sa.BigInteger),
        *_texts("response", "content_type", nullable=True),
    )
    op.create_index("idempotency_keys_by_time", "idempotency_keys", ["tenant", "started_at"])


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_column("incidents", "status")
