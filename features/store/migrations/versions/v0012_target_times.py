"""Whether incidents met their target time, and whether they were reassigned."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = ("sla_met", "reassigned")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("incidents", sa.Column(name, sa.Boolean))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("incidents", name)
