"""Settings that the owner changes while it runs

Revision ID: 0014
"""

from alembic import op

from migrations import run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("house_rules")
    # In a transaction of its own it locks nobody out while it reads the table.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_times_make_sense")


def downgrade() -> None:
    # What is open ends by the environment's values from now on.
    op.execute("DROP TABLE IF EXISTS house_rules")
    for column in ("request_lifetime_minutes", "start_grace_minutes"):
        op.execute(f"ALTER TABLE session_requests DROP COLUMN IF EXISTS {column}")
