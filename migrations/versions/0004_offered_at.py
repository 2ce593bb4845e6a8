"""An index for figures of a time

Revision ID: 0004
"""

from alembic import op

from migrations import run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("offered_at")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS session_requests_offered_at_idx")
