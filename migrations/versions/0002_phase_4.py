"""The seeds' phase 4: priority tracking in columns

Revision ID: 0002
"""

from alembic import op

from migrations import run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; each step can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("phase_4_favorites_priority_columns")


def downgrade() -> None:
    for index in ("preferred_mechanic_idx", "priority_analytics_idx", "priority_timeout_idx"):
        op.execute(f"DROP INDEX IF EXISTS session_requests_{index}")
    op.execute("ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_preferred_mechanic_id_fkey")
    for column in ("preferred_mechanic_id", "priority_window_minutes", "priority_notified_at"):
        op.execute(f"ALTER TABLE session_requests DROP COLUMN IF EXISTS {column}")
