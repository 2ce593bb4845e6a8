"""Feature flags: the row decides; NULL leaves it to the environment."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base

PRIORITY = "ENABLE_FAVORITES_PRIORITY"
PAID_PLANS = "ENABLE_PAID_PLANS"
KEYS = (PRIORITY, PAID_PLANS)


class FeatureFlag(Base):
    __tablename__ = "feature_flags"
    __table_args__ = ({"comment": "Switches that work at once, without a restart"},)

    flag_key: Mapped[str] = mapped_column(primary_key=True, comment="Its name, and that of its environment variable")
    is_enabled: Mapped[bool | None] = mapped_column(comment="NULL: the environment variable decides")
    description: Mapped[str] = mapped_column(server_default=text("''"), comment="One plain sentence")
    updated_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it was last changed here"
    )
