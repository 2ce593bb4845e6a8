"""Flask's configuration, from our settings."""

import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from favorites import db
from favorites.schema import BOOT_ERROR
from favorites.settings import Settings, secret_key

BODY_MAX = 256 * 1024  # bytes; an intake has a few hundred
OURSELVES = ["localhost", "127.0.0.1", "[::1]"]  # probes on the machine itself


def configure(app: Flask, settings: Settings, overrides: dict[str, Any]) -> None:
    """Writes the configuration into `app`; `overrides` win.

    Ends the process with 3 and one sentence when Flask's debugger would stand open to the public.
    """
    _refuse_debugger(app, settings)
    app.config.update(_basics(settings), **_cookies(settings), **_mail(settings), **db.configuration())
    app.config.update(overrides)
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's documented place for it
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _refuse_debugger(app: Flask, settings: Settings) -> None:
    if app.debug and settings.public_url:
        print("FLASK_DEBUG is on: unset it, or PUBLIC_URL. The debugger runs anybody's code.", file=sys.stderr)
        sys.exit(BOOT_ERROR)


def _basics(settings: Settings) -> dict[str, Any]:
    # Whoever sends another Host could otherwise have our mails link to it.
    hosts = [urlsplit(settings.public_url).hostname, *OURSELVES] if settings.public_url else None
    return {
        "SECRET_KEY": secret_key(settings),
        "SECRET_KEY_FALLBACKS": settings.secret_key_fallbacks,
        "MAX_CONTENT_LENGTH": BODY_MAX,
        "MAX_FORM_MEMORY_SIZE": BODY_MAX,
        "TRUSTED_HOSTS": hosts,
        "PREFERRED_URL_SCHEME": "https" if settings.is_secure else "http",
        "WTF_CSRF_TIME_LIMIT": None,  # a board is open all day
        "WTF_CSRF_SSL_STRICT": False,  # guard.py looks at Origin; a Referer may be missing for good reasons
    }


def _cookies(settings: Settings) -> dict[str, Any]:
    return {
        # The prefix makes the browser insist on Secure, on path / and on no other host's word.
        "SESSION_COOKIE_NAME": "__Host-session" if settings.is_secure else "session",
        "SESSION_COOKIE_SECURE": settings.is_secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=settings.sign_in_days),
    }


def _mail(settings: Settings) -> dict[str, Any]:
    return {
        "MAIL_BACKEND": settings.mail_backend,
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USERNAME": settings.mail_username or None,
        "MAIL_PASSWORD": settings.mail_password.get_secret_value() or None,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_TIMEOUT": 10,
        "MAIL_DEFAULT_SENDER": settings.mail_default_sender,
        "MAIL_FILE_PATH": str(settings.instance_dir / "mail"),
    }
