"""Paid plans by Stripe

Revision ID: 0018
"""

from alembic import op

from migrations import run

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY wants no transaction; all of it can be repeated after a crash.
    with op.get_context().autocommit_block():
        run("stripe")


def downgrade() -> None:
    run("no_stripe")
