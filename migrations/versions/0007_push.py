"""Web Push subscriptions, and what was sent to them

Revision ID: 0007
"""

from alembic import op

from migrations import run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("push")


def downgrade() -> None:
    op.execute("DROP TRIGGER IF EXISTS sign_ins_end_push ON sign_ins")
    op.execute("DROP FUNCTION IF EXISTS sign_ins_end_push()")
    op.execute("DROP TABLE IF EXISTS push_sendings, push_subscriptions")
