"""The owner’s live board

Revision ID: 0012
"""

from alembic import op

from migrations import run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("owner_board")
    # CREATE INDEX CONCURRENTLY wants no transaction; it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("owner_board_indexes")


def downgrade() -> None:
    run("no_owner_board")
