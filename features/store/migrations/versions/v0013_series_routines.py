"""The table of routines of watched series."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_INDEXES = (
    ("series_routines_by_time", "learned_at"),
    ("series_routines_by_revocation", "revoked_at"),
)


def upgrade() -> None:
    op.create_table(
        "series_routines",
        *(sa.Column(name, _IDS, primary_key=True) for name in ("tenant", "id")),
        sa.Column("series_key", _IDS, nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("service", "unit")),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=True),
        sa.Column("every", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("duration_seconds", "lower", "upper")
        ),
        sa.Column("days_seen", sa.BigInteger(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("ended_at", "revoked_at")
        ),
        sa.Column("revoked_by", sa.Text(), nullable=True),
    )
    for name, column in _INDEXES:
        op.create_index(name, "series_routines", ["tenant", column])


def downgrade() -> None:
    for name, _ in _INDEXES:
        op.drop_index(name, "series_routines")
    op.drop_table("series_routines")
