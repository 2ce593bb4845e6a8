"""Settings that work alone and not together, or not in public."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from favorites.cli.doctor.check import Finding, advice, check, fault, ok
from favorites.settings import Settings, current

SECTION = "settings"
GUESSED = ("change", "secret", "password", "example")  # none of them is in a key as we advise to make it
NEW_KEY = "Make one: python3 -c 'import secrets; print(secrets.token_hex())'."
OUR_OWN_NET = (".local", ".lan", ".home", ".internal", ".localhost")


@check(SECTION, "secret key")
def secret_key() -> Iterator[Finding]:
    """Whoever knows or guesses it is signed in as anybody."""
    settings = current()
    chosen, made = settings.secret_key.get_secret_value(), settings.instance_dir / "secret_key"
    if any(_is_weak(key) for key in settings.secret_key_fallbacks):
        yield fault("SECRET_KEY_FALLBACKS has a key that can be guessed, and it still signs people in.", "Remove it.")
    if chosen and _is_weak(chosen):
        yield fault("SECRET_KEY can be guessed.", NEW_KEY)
    elif chosen:
        yield ok("SECRET_KEY is set, and long enough.")
    elif _is_open(made):
        yield fault(f"Others on this machine can read {made}.", f"chmod 600 {made}")
    else:
        yield ok(f"It was made once, and is kept in {made}.")


def _is_weak(key: str) -> bool:
    return len(key) < 32 or len(set(key)) < 10 or any(word in key.lower() for word in GUESSED)


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


@check(SECTION, "address")
def public_url() -> Iterator[Finding]:
    """What people type."""
    settings = current()
    if settings.is_secure:
        yield ok("PUBLIC_URL is https: cookies are for TLS only, and browsers stay with it.")
    elif not settings.public_url:
        yield advice("PUBLIC_URL is not set: this is for one machine or its network.", "Set it before customers come.")
    elif _is_ours(urlsplit(settings.public_url).hostname or ""):
        yield advice("PUBLIC_URL is plain http: no push, no home screen, no lock.", "Put Caddy in front and use https.")
    else:
        yield fault("PUBLIC_URL is plain http: everybody on the way reads passwords.", "Use https: deploy/Caddyfile.")


def _is_ours(host: str) -> bool:
    """A name or an address that nobody outside this house reaches."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(OUR_OWN_NET)


@check(SECTION, "proxies")
def trusted_proxies() -> Iterator[Finding]:
    """Whose word we take for where a request comes from."""
    settings = current()
    if settings.is_secure and not settings.trusted_proxies:
        sentence = "PUBLIC_URL is https and TRUSTED_PROXIES is 0: everybody seems to come from the proxy, by http."
        yield fault(sentence, "Set TRUSTED_PROXIES to how many stand in front, mostly 1.")
    elif settings.trusted_proxies and not settings.public_url:
        yield advice("TRUSTED_PROXIES is set without PUBLIC_URL.", "Set both where a proxy is, and neither where not.")
    elif settings.trusted_proxies and not _listens_here_only(settings):
        sentence = f"HOST={settings.host}: who goes past the proxy can say that they come from anywhere."
        yield advice(sentence, "Set HOST=127.0.0.1, or let a firewall keep the port.")
    else:
        yield ok(f"{settings.trusted_proxies} in front." if settings.trusted_proxies else "None in front.")


@check(SECTION, "demo")
def demo() -> Iterator[Finding]:
    """Everybody knows the demo's password."""
    settings = current()
    host = urlsplit(settings.public_url).hostname or ""
    is_public = host not in ("", "localhost", "127.0.0.1", "::1")
    if settings.demo and (is_public or not _listens_here_only(settings)):
        yield fault("DEMO is on where others reach it, and the demo's password is known to all.", "Unset DEMO.")
    elif settings.demo:
        yield advice("DEMO is on: demo people and a demo payment provider.", "Take another INSTANCE_DIR for real.")
    else:
        yield ok("Off.")


def _listens_here_only(settings: Settings) -> bool:
    return settings.host in ("localhost", "::1") or settings.host.startswith("127.")
