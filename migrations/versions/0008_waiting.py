"""What the waiting page tells: delivered, prolonged

Revision ID: 0008
"""

from alembic import op

from migrations import run

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("waiting")


def downgrade() -> None:
    op.execute("ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_delivered_was_offered")
    op.execute("ALTER TABLE session_requests DROP COLUMN IF EXISTS delivered_at, DROP COLUMN IF EXISTS prolonged_at")
