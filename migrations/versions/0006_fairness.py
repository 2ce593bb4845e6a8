"""Who takes priority offers, and when; one extension

Revision ID: 0006
"""

from alembic import op

from migrations import run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("fairness")
    # In a transaction of its own it locks nobody out while it reads the table.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_extended_had_window")


def downgrade() -> None:
    # A window that was extended keeps its length; that it was is forgotten.
    op.execute("ALTER TABLE session_requests DROP COLUMN IF EXISTS extended_at")
    for column in ("takes_favorites", "quiet_from", "quiet_until", "back_at"):
        op.execute(f"ALTER TABLE mechanics DROP COLUMN IF EXISTS {column}")
