"""Passwords hashed in no time, for tests that sign in, change and reset hundreds of times."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from tests.cast import PASSWORD
from tests.database import sql


@contextmanager
def cheap_hashes(app: Flask) -> Iterator[None]:
    """Everybody's hash is a cheap one, and what is hashed now is, too; what hashes is as dear as before afterwards."""
    security = app.extensions["security"]
    context = security.pwd_context
    security.pwd_context = context.using(argon2__time_cost=1, argon2__memory_cost=64, argon2__parallelism=1)
    sql("UPDATE users SET password = %s", security.pwd_context.hash(PASSWORD))
    sql("UPDATE sign_ins SET ended_at = NULL")  # a changed password has ended them
    try:
        yield
    finally:
        security.pwd_context = context
