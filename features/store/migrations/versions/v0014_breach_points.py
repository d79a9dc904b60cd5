"""The points to draw of a series that will probably reach its level."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("breach_warnings", sa.Column("points", sa.JSON))


def downgrade() -> None:
    op.drop_column("breach_warnings", "points")
