"""Workshops with a head start, and why somebody was refused or suspended

Revision ID: 0013
"""

from alembic import op

from migrations import run

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; all of it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("routing")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS session_requests_head_start_idx")
    op.execute(
        "ALTER TABLE session_requests DROP COLUMN IF EXISTS workshop_over_at, DROP COLUMN IF EXISTS workshop_until"
    )
    op.execute("ALTER TABLE mechanics DROP COLUMN IF EXISTS reason_words, DROP COLUMN IF EXISTS reason")
    op.execute("ALTER TABLE workshops DROP COLUMN IF EXISTS routing")
