"""More kinds of events: delivered, extended, prolonged, and messages

Revision ID: 0005
"""

from alembic import op

from migrations import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW = "'request_delivered', 'request_extended', 'request_prolonged', 'message_sent'"


def upgrade() -> None:
    run("more_events")


def downgrade() -> None:
    op.execute(f"DELETE FROM request_events WHERE kind IN ({NEW})")
    op.execute("ALTER TABLE request_events DROP CONSTRAINT IF EXISTS request_events_kind_known")
    run("fewer_events")
