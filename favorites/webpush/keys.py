"""The keys by which push services know us (VAPID, RFC 8292): one pair, whose public half every browser is given."""

from __future__ import annotations

from email.utils import parseaddr
from functools import cache
from typing import TYPE_CHECKING, Any

from favorites.settings import Settings, current, kept

if TYPE_CHECKING:
    from py_vapid import Vapid


def new() -> str:
    """A private key: 32 bytes, base64url."""
    from py_vapid import Vapid
    from py_vapid.utils import b64urlencode

    vapid = Vapid()
    vapid.generate_keys()
    number: int = vapid.private_key.private_numbers().private_value
    return str(b64urlencode(number.to_bytes(32, "big")))


@cache
def pair() -> Vapid:
    """Ours: of VAPID_PRIVATE_KEY, or made once and kept below INSTANCE_DIR (mode 0600)."""
    from py_vapid import Vapid  # takes a tenth of a second, which only who uses it should pay

    settings = current()
    key = settings.vapid_private_key.get_secret_value() or kept(settings.instance_dir / "vapid_key", new)
    return Vapid.from_string(key)


@cache
def public() -> str:
    """The public half as browsers take it: base64url of the uncompressed point."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from py_vapid.utils import b64urlencode

    return str(b64urlencode(pair().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)))


def signed(audience: str) -> dict[str, str]:
    """The header that proves to the push service at `audience` (scheme and host) that it is us."""
    claims: dict[str, Any] = {"aud": audience, "sub": subject(current())}
    headers: dict[str, str] = pair().sign(claims)
    return headers


def subject(settings: Settings) -> str:
    """Where a push service finds who sends: VAPID_SUBJECT, else our address, else our mail's sender."""
    if settings.vapid_subject or settings.is_secure:
        return settings.vapid_subject or settings.public_url
    return f"mailto:{parseaddr(settings.mail_default_sender)[1]}"
