"""The near-copy group of each audited prediction."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("audit_group", sa.Text))


def downgrade() -> None:
    op.drop_column("predictions", "audit_group")
