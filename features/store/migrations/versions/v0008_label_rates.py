"""The table of label rates."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# PostgreSQL uses an index for a comparison only if both have the same collation.
_IDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "label_rates",
        *(sa.Column(name, _IDS, primary_key=True) for name in ("tenant", "target")),
        sa.Column("version", _IDS, nullable=False),
        sa.Column("log_factors", sa.JSON, nullable=False),
        sa.Column("incidents", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("since", "updated_at")
        ),
    )


def downgrade() -> None:
    op.drop_table("label_rates")
