"""What the poll, and each process that holds streams, tells of itself."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from favorites.db import Base
from favorites.models.columns import one_of


class EngineBeat(Base):
    __tablename__ = "engine_beats"
    __table_args__ = (
        Index("engine_beats_at_idx", "at"),
        {"comment": "One row a poll; the newest tells that the scheduler lives"},
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, comment="Counts")
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), comment="When the poll ended")
    leader: Mapped[str] = mapped_column(comment="Host and process that polled")
    lapsed: Mapped[int] = mapped_column(comment="Windows broadcast")
    expired: Mapped[int] = mapped_column(comment="Session requests expired")
    lateness_ms: Mapped[float | None] = mapped_column(
        comment="Of the latest broadcast after its window's end; NULL: none"
    )


class ProcessKind(StrEnum):
    WEB = "web"  # serves pages, too
    HUB = "hub"  # streams alone


class EngineProcess(Base):
    __tablename__ = "engine_processes"
    __table_args__ = (
        one_of("kind", ProcessKind, "kind_known"),
        {"comment": "The processes that hold streams, as each tells of itself every 10 s"},
    )

    name: Mapped[str] = mapped_column(primary_key=True, comment="Host and process")
    kind: Mapped[str] = mapped_column(comment="web: it serves pages, too; hub: streams alone")
    streams: Mapped[int] = mapped_column(comment="How many it holds open")
    told: Mapped[int] = mapped_column(BigInteger, comment="The newest event that its streams were told of")
    started_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it first told of itself"
    )
    seen_at: Mapped[datetime] = mapped_column(
        server_default=text("clock_timestamp()"), comment="When it last did; older than 30 s it no longer counts"
    )
