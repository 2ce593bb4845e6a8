"""A number for each request, on every log line it causes, and one line that says what it was.

That line has the route, never the address: an address holds ids of people, and links that sign them in.
"""

import secrets
from time import perf_counter

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger(__name__)

QUIET = {"static", "health.lives", "health.is_ready"}  # asked for all day, and never by a person


def init_app(app: Flask) -> None:
    """Before every request, first of all, and after it, last of all."""
    app.before_request_funcs.setdefault(None, []).insert(0, bind)  # before the schema is looked at, too
    app.after_request(tell)
    app.teardown_request(unbind)


def bind() -> None:
    """Our own number: what a client sends could be anything."""
    structlog.contextvars.bind_contextvars(request_id=secrets.token_hex(6))
    g.began = perf_counter()


def tell(response: Response) -> Response:
    """`[Web] GET /customer/requests/<uuid:request_id> 200 ms=7`; a stream's line is of its beginning."""
    if request.endpoint not in QUIET:
        route = request.url_rule.rule if request.url_rule else "(no route)"
        ms = round((perf_counter() - g.began) * 1000)
        log.info(f"[Web] {request.method} {route} {response.status_code}", ms=ms)
    return response


def unbind(_error: BaseException | None) -> None:
    """The thread serves others next."""
    structlog.contextvars.clear_contextvars()
