"""How often somebody may do something. In memory: each worker counts by itself, and forgets at a restart."""

import hashlib
import threading

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import current_user
from limits.storage import MemoryStorage

from favorites.settings import current


def by_address() -> str:
    """The address a request came from; proxies only as far as TRUSTED_PROXIES says."""
    return get_remote_address()


def by_person() -> str:
    """Who is signed in, else the address."""
    return f"user:{current_user.id}" if current_user.is_authenticated else by_address()


def by_account() -> str:
    """The account somebody tries to get into, whoever tries; hashed, so that no address of a person is kept."""
    typed = request.form.get("email", "").strip().lower()
    return "account:" + hashlib.sha256(typed.encode()).hexdigest()


def by_address_and_account() -> str:
    """Both together."""
    return by_address() + by_account()


def failed_sign_ins() -> str:
    """As the settings have it now."""
    return f"{current().failed_sign_ins_per_minute}/minute"


class Memory(MemoryStorage):
    """The library's, one hit at a time: in two threads at once it may start its timer twice, and raises then."""

    STORAGE_SCHEME = ["one-at-a-time"]  # noqa: RUF012 - the library's own way to name a storage
    _one = threading.Lock()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts."""
        with self._one:
            return super().incr(key, expiry, amount)


limiter = Limiter(key_func=by_address, storage_uri="one-at-a-time://")


def init_app(app: Flask) -> None:
    """Switched off by `RATELIMIT_ENABLED=False`, or later by `limiter.enabled` (registered all the same)."""
    is_on = app.config.get("RATELIMIT_ENABLED", True)
    app.config["RATELIMIT_ENABLED"] = True
    limiter.init_app(app)
    limiter.enabled = app.config["RATELIMIT_ENABLED"] = is_on
