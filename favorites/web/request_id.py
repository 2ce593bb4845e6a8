"""A number for each request, on every log line it causes."""

import secrets

import structlog
from flask import Flask


def init_app(app: Flask) -> None:
    """Before every request, first of all."""
    app.before_request(bind)
    app.teardown_request(unbind)


def bind() -> None:
    """Our own number: what a client sends could be anything."""
    structlog.contextvars.bind_contextvars(request_id=secrets.token_hex(6))


def unbind(_error: BaseException | None) -> None:
    """The thread serves others next."""
    structlog.contextvars.clear_contextvars()
