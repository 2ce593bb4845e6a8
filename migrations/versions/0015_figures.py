"""An index for the figures of all session requests of a time

Revision ID: 0015
"""

from alembic import op

from migrations import run

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("figures")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS session_requests_created_at_idx")
