"""The talk of the two, and its photos

Revision ID: 0009
"""

from migrations import run

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("talk")


def downgrade() -> None:
    run("no_talk")
