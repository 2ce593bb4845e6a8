"""Every setting: typed, ranged, read from the environment or a `.env` file."""

import os
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Names are the environment variables' in lower case; each description is the settings table's line."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore")

    database_url: str = Field(
        "", description="The PostgreSQL to use, as psql takes it; unset: a private one below `INSTANCE_DIR`"
    )
    instance_dir: Path = Field(
        ROOT / "instance", description="Where the private PostgreSQL and the generated secret live"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on")
    public_url: str = Field(
        "", description="Address people type, e.g. `https://book.example`; https turns on secure cookies and HSTS"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs cookies, 32 characters or more; unset: made once and kept in `INSTANCE_DIR`"
    )
    secret_key_fallbacks: list[str] = Field([], description="Older keys still accepted, as a JSON list, newest first")
    trusted_proxies: int = Field(0, ge=0, le=5, description="How many proxies stand in front and set X-Forwarded-*")
    enable_favorites_priority: bool = Field(
        False, description="Priority for favorites while the flag's row is undecided"
    )
    enable_paid_plans: bool = Field(
        True, description="Whether a payment can be started, while the flag's row is undecided"
    )
    priority_window_minutes: int = Field(
        10, ge=1, le=120, description="How long the preferred mechanic alone is asked, minutes"
    )
    urgent_window_minutes: int = Field(
        5, ge=1, le=120, description="The most that the preferred mechanic alone is asked when it is urgent, minutes"
    )
    request_lifetime_minutes: int = Field(
        15, ge=1, le=1440, description="How long everyone is asked before a session request expires, minutes"
    )
    rescue_after_minutes: int = Field(
        5,
        ge=1,
        le=1440,
        description="How long everyone is asked before the owner is alarmed that nobody took it, minutes",
    )
    workshop_head_start_minutes: int = Field(
        5, ge=1, le=120, description="How long a hybrid workshop alone is asked before everyone is, minutes"
    )
    start_grace_minutes: int = Field(
        10, ge=1, le=1440, description="How long after the acceptance the customer may ask everyone again, minutes"
    )
    priority_cooldown_minutes: int = Field(
        60,
        ge=0,
        le=10080,
        description="How long a favorite who declined or lapsed twice is not asked first again, minutes",
    )
    time_zone: str = Field("UTC", description="By whose clock the owner's quiet hours go, e.g. `Europe/Berlin`")
    poll_seconds: int = Field(
        60, ge=1, le=60, description="How often the database is polled when nothing falls due sooner, seconds"
    )
    heartbeat_url: str = Field(
        "",
        description="Fetched after a poll that went well, so that a watcher elsewhere can alarm at silence",
    )
    event_retention_days: int = Field(
        0, ge=0, le=36_500, description="Days after which the events of a closed session request go; 0 keeps them"
    )
    sign_in_days: int = Field(30, ge=1, le=365, description="How long a sign-in lasts, days")
    sign_in_idle_days: int = Field(14, ge=1, le=365, description="How long a sign-in lasts unused, days")
    bookings_per_hour: int = Field(10, ge=1, le=100_000, description="Intakes a customer may start in an hour")
    answers_per_minute: int = Field(30, ge=1, le=100_000, description="Answers a mechanic may give in a minute")
    messages_per_minute: int = Field(
        60, ge=1, le=100_000, description="Messages and photos a person may send in a minute"
    )
    meeting_url_template: str = Field(
        "", description="Where the two meet on video, with `{room}`, e.g. `https://meet.example/{room}`; unset: no link"
    )
    failed_sign_ins_per_minute: int = Field(
        5, ge=1, le=10_000, description="Wrong passwords an address may send in a minute"
    )
    operator: str = Field("", description="Who runs this site, as the privacy page names them; unset: its owner")
    privacy_contact: str = Field(
        "", description="Where people write about their data: an e-mail address, or https; unset: no address is named"
    )
    workers: int = Field(1, ge=1, le=8, description="Processes that serve pages; each counts rate limits by itself")
    hub_process: bool = Field(
        False,
        description="Streams live in a process of their own: pages do not slow them, and a deploy leaves them open",
    )
    streams_per_user: int = Field(
        16, ge=1, le=1000, description="Streams one person may hold open, in each process that holds streams"
    )
    streams_max: int = Field(15_000, ge=1, le=1_000_000, description="Streams that such a process holds open")
    push_hosts: list[str] = Field(
        [
            "fcm.googleapis.com",
            "updates.push.services.mozilla.com",
            "*.push.apple.com",
            "*.notify.windows.com",
        ],
        description="Push services that may be sent to, as a JSON list; `host:port` is one of your own; `[]`: no push",
    )
    vapid_private_key: SecretStr = Field(
        SecretStr(""), description="Signs what is pushed (`flask vapid-keys`); unset: made once, kept in `INSTANCE_DIR`"
    )
    vapid_subject: str = Field(
        "", description="Where push services reach you, `mailto:` or https; unset: `PUBLIC_URL`, or the mails' sender"
    )
    mail_backend: str = Field("console", description="`console`, `smtp`, `file`, `locmem` (Flask-Mailman)")
    mail_server: str = Field("localhost", description="SMTP server")
    mail_port: int = Field(25, ge=1, le=65535, description="SMTP port")
    mail_username: str = Field("", description="SMTP user")
    mail_password: SecretStr = Field(SecretStr(""), description="SMTP password")
    mail_use_tls: bool = Field(False, description="STARTTLS with the SMTP server")
    mail_default_sender: str = Field("Book Again <no-reply@localhost>", description="Sender of all mail")
    stripe_secret_key: SecretStr = Field(
        SecretStr(""),
        description="Takes money by Stripe (`pip install '.[stripe]'`); unset: paid plans are not offered",
    )
    stripe_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Proves that what is sent to `/webhooks/stripe` is from Stripe, `whsec_…`"
    )
    stripe_api_url: str = Field("https://api.stripe.com", description="Where Stripe answers; another one for tests")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Whoever sends it as a bearer token reads `/metrics`; unset: there is no such page"
    )
    log_json: bool = Field(False, description="One JSON object a line instead of readable text")
    demo: bool = Field(False, description="Demo data and the demo payment provider; never for real customers")

    @field_validator("secret_key", "metrics_token")
    @classmethod
    def long_enough(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        least = {"secret_key": 32, "metrics_token": 16}[info.field_name or ""]
        if key.get_secret_value() and len(key.get_secret_value()) < least:
            advice = "python -c 'import secrets; print(secrets.token_hex())'"
            raise ValueError(f"must have {least} characters or more ({advice})")
        return key

    @field_validator("database_url")
    @classmethod
    def is_postgresql(cls, url: str) -> str:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql:// (SQLite and others are not supported)")
        return url

    @field_validator("public_url", "heartbeat_url", "stripe_api_url")
    @classmethod
    def is_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        return url.rstrip("/")

    @field_validator("time_zone")
    @classmethod
    def is_time_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("must be the name of a time zone, e.g. Europe/Berlin")
        return name

    @field_validator("vapid_private_key")
    @classmethod
    def is_private_key(cls, key: SecretStr) -> SecretStr:
        if key.get_secret_value() and not re.fullmatch(r"[\w-]{43}=?", key.get_secret_value(), re.ASCII):
            raise ValueError("must be 32 bytes in base64url, as `flask vapid-keys` prints them")
        return key

    @field_validator("vapid_subject")
    @classmethod
    def is_contact(cls, subject: str) -> str:
        if subject and not subject.startswith(("mailto:", "https://")):
            raise ValueError("must begin with mailto: or https://")
        return subject

    @field_validator("privacy_contact")
    @classmethod
    def is_reachable(cls, contact: str) -> str:
        if contact and not re.fullmatch(r"https://\S+|[^@\s]+@[^@\s]+\.[^@\s]+", contact):
            raise ValueError("must be an e-mail address, or begin with https://")
        return contact

    @field_validator("meeting_url_template")
    @classmethod
    def has_a_room(cls, template: str) -> str:
        if template and not (template.startswith("https://") and template.count("{room}") == 1):
            raise ValueError("must begin with https:// and have {room} in it, once")
        return template

    @property
    def is_secure(self) -> bool:
        """Whether people reach us by TLS."""
        return self.public_url.startswith("https://")


@cache
def current() -> Settings:
    """The settings of this process; every mistake is told at once, then the process ends with 2."""
    try:
        return Settings()
    except ValidationError as error:
        for mistake in error.errors():
            name = str(mistake["loc"][0]).upper() if mistake["loc"] else "settings"
            print(f"{name}: {mistake['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        sys.exit(2)


def secret_key(settings: Settings) -> str:
    """The key that signs cookies: SECRET_KEY, or a random one made once below INSTANCE_DIR (mode 0600)."""
    return settings.secret_key.get_secret_value() or kept(
        settings.instance_dir / "secret_key", lambda: secrets.token_hex(32)
    )


def kept(path: Path, new: Callable[[], str]) -> str:
    """A secret that is made once and kept there (mode 0600), whoever comes first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as ours, suppress(FileExistsError):
            ours.write(new())
            ours.flush()
            os.link(ours.name, path)  # so that nobody reads half of it
    return path.read_text()
