"""Tables, plans and flags

Revision ID: 0001
"""

from alembic import op

from migrations import run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "messages",
    "waivers",
    "intakes",
    "payments",
    "credit_entries",
    "session_requests",
    "sessions",
    "plans",
    "request_events",
    "engine_beats",
    "feature_flags",
    "customer_favorites",
    "sign_ins",
    "mechanics",
    "customers",
    "workshops",
    "users",
)


def upgrade() -> None:
    run("tables")
    run("events")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE IF EXISTS {table}")
    for function in (
        "request_events_draw_id",
        "request_events_hint",
        "control_hint",
        "users_end_sign_ins",
        "mechanics_end_sign_ins",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS {function}()")
