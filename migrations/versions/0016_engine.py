"""What the engine page tells

Revision ID: 0016
"""

from alembic import op

from migrations import run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; all of it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("engine")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS mails_unsent_idx")
    op.execute("DROP TABLE IF EXISTS engine_processes")
