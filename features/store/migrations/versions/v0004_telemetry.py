"""The tables of changes, anomalies, series states and leases."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _key(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, primary_key=True)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _create_changes()
    _create_anomalies()
    op.create_table(
        "series",
        _key("tenant"),
        _key("watch"),
        _key("key"),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("step_seconds", sa.BigInteger, nullable=False),
        sa.Column("layout", sa.Text, nullable=False),
        _time("seen_until"),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "leases",
        _key("tenant"),
        _key("name"),
        sa.Column("holder", sa.Text, nullable=False),
        _time("expires_at"),
    )


def _create_changes() -> None:
    op.create_table(
        "changes",
        _key("tenant"),
        _key("id"),
        sa.Column("service", sa.Text),
        sa.Column("service_key", sa.Text),
        _time("at"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("attributes", sa.JSON, nullable=False),
    )
    op.create_index("changes_by_time", "changes", ["tenant", "at"])


def _create_anomalies() -> None:
    numbers = ("effect", "expected", "value", "score", "alarms_per_week")
    op.create_table(
        "anomalies",
        _key("tenant"),
        _key("id"),
        sa.Column("series", sa.Text, nullable=False),
        sa.Column("service", sa.Text),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("unit", sa.Text),
        _time("onset_at"),
        _time("detected_at"),
        _time("ended_at", nullable=True),
        *(sa.Column(name, sa.Double) for name in numbers),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("points", sa.JSON, nullable=False),
    )
    op.create_index("anomalies_by_onset", "anomalies", ["tenant", "onset_at", "ended_at"])


def downgrade() -> None:
    for table in ("leases", "series", "anomalies", "changes"):
        op.drop_table(table)
