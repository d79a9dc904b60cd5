"""The modes table, and the mode of each prediction."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _key(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, primary_key=True)


def upgrade() -> None:
    op.create_table(
        "modes",
        _key("tenant"),
        _key("target"),
        _key("label"),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
    )
    # Predictions from before this migration get the default mode.
    mode = sa.Column("mode", sa.Text, nullable=False, server_default="monitor")
    op.add_column("predictions", mode)


def downgrade() -> None:
    op.drop_column("predictions", "mode")
    op.drop_table("modes")
