"""Whether money can be taken, is heard of, and goes back."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from favorites.cli.doctor.check import Finding, Needs, advice, check, fault, ok
from favorites.db import db
from favorites.providers import has_extra, has_key, stripe_shop
from favorites.providers.port import Away
from favorites.queries import paying
from favorites.settings import Settings, current

SECTION = "payments"
SKEW, MUCH = 300, 60  # seconds; a signature is good for as long, and a payment page has about so much to spare
OFF = "STRIPE_SECRET_KEY is not set: nobody pays online."
DASHBOARD = "Copy it from Stripe's dashboard, Developers."


@check(SECTION, "keys")
def keys() -> Iterator[Finding]:
    """By which Stripe knows us; those of the test mode move no money."""
    settings = current()
    found = re.match(r"(sk|rk)_(test|live)_\w+$", settings.stripe_secret_key.get_secret_value(), re.ASCII)
    if not has_key():
        yield ok(OFF)
    elif found is None:
        yield fault("STRIPE_SECRET_KEY is none: it begins with sk_test_, sk_live_, rk_test_ or rk_live_.", DASHBOARD)
    else:
        yield _mode(settings, is_live=found[2] == "live")
    if has_key() and not has_extra():
        yield fault("STRIPE_SECRET_KEY is set, and Stripe's library is not here.", "pip install '.[stripe]'")


def _mode(settings: Settings, *, is_live: bool) -> Finding:
    if is_live and not settings.is_secure:
        return fault("The key is of the live mode, and PUBLIC_URL is not https.", "Use a key of the test mode here.")
    if not is_live and settings.is_secure:
        return advice("The key is of the test mode: no money moves.", "Take the live one when you open.")
    return ok("The key is of the live mode." if is_live else "The key is of the test mode, where no money moves.")


@check(SECTION, "webhook")
def webhook() -> Iterator[Finding]:
    """By which we know Stripe."""
    secret = current().stripe_webhook_secret.get_secret_value()
    where = f"{current().public_url or 'https://your-address'}/webhooks/stripe"
    if not has_key():
        yield ok(OFF)
    elif not secret:
        yield fault("STRIPE_WEBHOOK_SECRET is not set: Stripe is not heard.", f"Add the endpoint {where} there.")
    elif not secret.startswith("whsec_"):
        yield fault("STRIPE_WEBHOOK_SECRET is none: it begins with whsec_.", DASHBOARD)
    else:
        yield ok("STRIPE_WEBHOOK_SECRET is set.")


@check(SECTION, "clock")
def clock() -> Iterator[Finding]:
    """Where ours is off, what Stripe signs is refused, and what we ask for is, too."""
    shop = stripe_shop()
    if shop is None:
        yield ok("Stripe is not asked.")
        return
    try:
        skew = abs((datetime.now(UTC) - shop.clock()).total_seconds())
    except Away as away:
        yield fault(f"Stripe does not answer as it should ({away.code}).", "See the key, and the way to Stripe.")
        return
    if skew > SKEW:
        yield fault(f"Our clock is {skew:.0f} s off Stripe's: no webhook is taken.", "Let NTP set it.")
    elif skew > MUCH:
        yield advice(f"Our clock is {skew:.0f} s off Stripe's.", "Let NTP set it, before payments are refused.")
    else:
        yield ok(f"Stripe answers; our clock is {skew:.0f} s off its.")


@check(SECTION, "refunds", Needs.SCHEMA)
def refunds() -> Iterator[Finding]:
    """What is owed back, and does not get there."""
    failing = paying.failing_refunds(db.session)
    for one in failing:
        sentence = f"Refunds not confirmed ({one.problem}): {one.times}, the oldest since {one.since:%Y-%m-%d}."
        yield fault(sentence, "See /admin/money.")
    if not failing:
        yield ok("None waits for long.")


@check(SECTION, "events", Needs.SCHEMA)
def events() -> Iterator[Finding]:
    """What Stripe told us of payments that are not here."""
    if kept := paying.kept_events(db.session):
        yield advice(
            f"Events of Stripe's that belong to no payment of ours: {kept}.", "Is the key another shop's, too?"
        )
    else:
        yield ok("All that Stripe told us belongs to payments.")
