"""Whether what stands in front passes a stream on as it comes, and not compressed."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException
from time import monotonic
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from favorites import probe
from favorites.cli.doctor.check import Finding, advice, check, fault, ok
from favorites.settings import Settings, current
from favorites.welcome import url

SECTION = "proxy"
PATIENCE = 5.0  # seconds
UNBUFFER = "Switch buffering and compression of text/event-stream off, as deploy/Caddyfile and deploy/nginx.conf do."


class Flow(NamedTuple):
    """How a stream arrived: compressed by what, and seconds from its first byte to its end."""

    encoding: str
    lasted: float


@check(SECTION, "streams")
def buffering() -> Iterator[Finding]:
    """Opens a stream of two events a little apart, from the address that people type."""
    settings = current()
    where = url(settings)
    try:
        flow = _opened(settings, where)
    except HTTPError as error:
        with closing(error):
            yield _refused(settings, where, error.code)
    except (OSError, HTTPException) as error:
        yield _unreached(where, getattr(error, "reason", error) if isinstance(error, URLError) else error)
    else:
        yield _judged(settings, where, flow)


def _opened(settings: Settings, where: str) -> Flow:
    question = Request(
        f"{where}/healthz/stream?ticket={probe.ticket(settings)}",
        headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip, br, zstd"},
    )
    browser = build_opener(ProxyHandler({}))  # http_proxy in the environment is no part of the way people come
    with browser.open(question, timeout=PATIENCE) as answer:
        answer.read(1)
        begun = monotonic()
        answer.read()
        return Flow(answer.headers.get("Content-Encoding", ""), monotonic() - begun)


def _refused(settings: Settings, where: str, status: int) -> Finding:
    sentence = f"{where} answers {status}: it is not this Book Again, or it has another SECRET_KEY."
    todo = "Give this command the server's own environment, and the address its server."
    return fault(sentence, todo) if settings.public_url else advice(sentence, todo)


def _unreached(where: str, why: object) -> Finding:
    if isinstance(why, ssl.SSLCertVerificationError):
        return fault(f"The certificate of {where} is not good ({why.verify_message}).", "Renew it.")
    return advice(f"{where} is not reached from here ({why}).", "Start Book Again, or ask from a machine outside.")


def _judged(settings: Settings, where: str, flow: Flow) -> Finding:
    if flow.encoding:
        return fault(f"{where} compresses streams ({flow.encoding}): news come late.", UNBUFFER)
    if flow.lasted < probe.APART / 2:
        return fault(f"{where} holds streams back: two events that were sent apart came at once.", UNBUFFER)
    if not settings.public_url:
        return advice("Streams flow; there is no proxy.", "Put one in front before strangers come: deploy/Caddyfile.")
    return ok(f"Streams flow through {where}.")
