"""The window's end as a column, its limits, and what happens when a mechanic is deleted inside it

Revision ID: 0003
"""

from alembic import op

from migrations import run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("priority_window")


def downgrade() -> None:
    for trigger in ("preferred_mechanic_gone_events", "preferred_mechanic_gone"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON session_requests")
        op.execute(f"DROP FUNCTION IF EXISTS {trigger}()")
    op.execute("ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_window_makes_sense")
    op.execute("ALTER TABLE session_requests DROP COLUMN IF EXISTS priority_expires_at")
