"""Export and erasure

Revision ID: 0017
"""

from alembic import op

from migrations import run

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("privacy")


def downgrade() -> None:
    op.execute("ALTER TABLE mechanics DROP CONSTRAINT IF EXISTS mechanics_erased_does_not_help")
    op.execute("ALTER TABLE mechanics DROP COLUMN IF EXISTS erased_at")
    op.execute("ALTER TABLE customers DROP COLUMN IF EXISTS erased_at")
    op.execute("COMMENT ON COLUMN credit_entries.note IS 'Why, for the owner'")
