"""What the owner did, and why

Revision ID: 0011
"""

from alembic import op

from migrations import run

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("owner_events")


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS owner_events")
