"""The table of warnings that a series will probably reach its level."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "breach_warnings",
        *(sa.Column(name, _IDS, primary_key=True) for name in ("tenant", "id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("group", "series")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("service", "unit")),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("at", "lower", "upper", "warned_at")
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_reached", sa.Boolean(), nullable=True),
    )
    op.create_index("breach_warnings_by_time", "breach_warnings", ["tenant", "warned_at"])


def downgrade() -> None:
    op.drop_index("breach_warnings_by_time", "breach_warnings")
    op.drop_table("breach_warnings")
