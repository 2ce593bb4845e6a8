"""Columns that most tables have, and the CHECK for a closed set."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import mapped_column

Key = Annotated[UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"), comment="Random key")]
CreatedAt = Annotated[
    datetime, mapped_column(server_default=text("clock_timestamp()"), comment="When the row was written")
]


def one_of(column: str, values: type[StrEnum], name: str) -> CheckConstraint:
    """A CHECK that `column` is one of the words of `values`; the table guards the closed set, not only the code."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=name)
