"""The push services, and one message to one of them. A browser names the address: it is believed in nothing."""

import base64
import binascii
import ipaddress
import re
import socket
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from favorites.settings import current
from favorites.webpush import keys

TIMEOUT = (3.0, 4.0)  # seconds: to connect, and for the answer
CONTENT = {"Content-Type": "application/octet-stream", "Content-Encoding": "aes128gcm"}
LONGEST = 2000  # characters of an address, as the table has it
GONE = {404, 410}
LATER = {408, 425, 429}  # and 5xx


class Refused(Exception):
    """The address is not one that we send to."""


class Answer(NamedTuple):
    """What the service said: taken, or that the browser has gone, or to come again after `pause` seconds."""

    status: int
    pause: float = 0

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status in GONE

    @property
    def is_for_later(self) -> bool:
        return self.status in LATER or self.status >= 500


def are_known() -> bool:
    """Whether there is any service to send to: without one there is no push, and no page speaks of it."""
    return bool(current().push_hosts)


def check_address(endpoint: str) -> None:
    """Raises `Refused` unless we may send there.

    It must be https, and of PUSH_HOSTS; `*.host` means those below it. An entry with a port is a service of one's own:
    there, and only there, plain http and a private address will do.
    """
    parts = _parts(endpoint)
    is_own = parts.netloc in _own() and parts.scheme in ("http", "https")
    if parts.username is not None or not (is_own or (parts.scheme == "https" and _is_known(parts))):
        raise Refused("it is of no push service we know")


def _parts(endpoint: str) -> SplitResult:
    try:
        parts = urlsplit(endpoint)
        parts.port  # noqa: B018 - it is read now, for it raises
    except ValueError as error:
        raise Refused("it is no address") from error
    if len(endpoint) > LONGEST or re.search(r"[^!-~]|\\", endpoint):
        raise Refused("it is no address")
    return parts


def _own() -> set[str]:
    return {entry for entry in current().push_hosts if ":" in entry}


def _is_known(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    below = (entry[1:] for entry in current().push_hosts if entry.startswith("*."))
    return parts.port in (None, 443) and (host in current().push_hosts or host.endswith(tuple(below)))


def check_keys(p256dh: str, auth: str) -> None:
    """Raises ValueError unless these are a point of the curve and 16 bytes, base64url."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(p256dh))
    if len(_bytes(auth)) != 16:
        raise ValueError("the secret has another length")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64url") from error


def warm_up() -> None:
    """Loads what `send` needs: half a second, which no offer should wait for, nor a process that sends none pay."""
    import pywebpush  # noqa: F401

    keys.public()


def send(endpoint: str, p256dh: str, auth: str, text: str, headers: Mapping[str, str]) -> Answer:
    """One message, encrypted for that browser; `headers`: TTL, Topic, Urgency (RFC 8030). Follows no redirect.

    Raises `Refused`, `OSError` when the service does not answer, `ValueError` when the keys are none.
    """
    import requests
    from pywebpush import WebPusher

    check_address(endpoint)
    parts = urlsplit(endpoint)
    proxies = requests.utils.get_environ_proxies(endpoint, no_proxy=None)
    if requests.utils.select_proxy(endpoint, proxies) is None:  # else the name is the proxy's to resolve
        _check_place(parts)
    sealed = WebPusher({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}).encode(text.encode())
    told = {**headers, **CONTENT, **keys.signed(f"{parts.scheme}://{parts.netloc}")}
    with requests.post(
        endpoint, sealed["body"], headers=told, timeout=TIMEOUT, allow_redirects=False, stream=True
    ) as answer:
        return Answer(answer.status_code, _seconds(answer.headers.get("Retry-After", "")))


def _check_place(parts: SplitResult) -> None:
    """A known name must lead out of the house; TLS then proves who answers there."""
    if parts.netloc in _own():
        return
    found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    if not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found):
        raise Refused("its name leads to a private address")


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0
