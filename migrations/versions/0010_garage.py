"""Saved vehicles, and who wants mail

Revision ID: 0010
"""

from alembic import op

from migrations import run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; all of it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("garage")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS request_events_worth_a_mail_idx")
    op.execute("DROP TABLE IF EXISTS mails, vehicles")
    op.execute("ALTER TABLE customers DROP COLUMN IF EXISTS wants_mail, DROP COLUMN IF EXISTS page_seen_at")
