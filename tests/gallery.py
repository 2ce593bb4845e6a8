"""Every page in each of its states, once: the pictures, axe, the W3C checker and the tests of zoom and motion go by it.

A new state: `yield Shot(page, state, who, path)` where a scene here has brought it about by the verbs of `World`; what
has to be pressed on the page first is its `act`. A new scene: a generator more in SCENES; after each, all is at rest.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Page

from tests.cast import Person
from tests.database import one, sql
from tests.world import World

Scene = Callable[[World], "Iterator[Shot]"]


class Shot(NamedTuple):
    """A page in a state, as this person (or nobody) reaches it; `act` is what they do there first."""

    page: str
    state: str
    who: Person | None
    path: str
    act: Callable[[Page], object] | None = None
    status: int = 200  # of the page at `path`

    @property
    def name(self) -> str:
        return f"{self.page}-{self.state}"


def play(world: World) -> Iterator[Shot]:
    """Each shot, while it is true: look at it before asking for the next."""
    for scene in SCENES:
        yield from scene(world)
        world.rests()


def fill(button: str, **fields: str) -> Callable[[Page], None]:
    """Fills in the fields by their names, whatever the browser thinks of it, and presses the button."""

    def act(page: Page) -> None:
        page.eval_on_selector_all("form", "forms => forms.forEach(form => form.noValidate = true)")
        for name, value in fields.items():
            page.locator(f'[name="{name}"]:visible').fill(value)
        page.get_by_role("button", name=button, exact=True).first.click()
        page.wait_for_load_state()

    return act


def press(role: str, name: str, then: str) -> Callable[[Page], None]:
    """Presses the first of that name, and waits until `then` is seen."""

    def act(page: Page) -> None:
        page.locator(f'{role}:visible:is([aria-label="{name}"], :text-is("{name}"))').first.click()
        page.locator(then).first.wait_for()

    return act


def loses_the_stream(page: Page) -> None:
    """Whatever it asks the stream, no answer comes."""
    page.route(re.compile("/events"), lambda route: route.abort())
    page.reload()
    page.locator("#connection").wait_for()


def nobody(_: World) -> Iterator[Shot]:
    """Who is not signed in."""
    yield Shot("home", "start", None, "/")
    yield Shot("sign-in", "empty", None, "/login")
    yield Shot("sign-in", "wrong", None, "/login", fill("Sign in", email="ana@demo.test", password="not-this"))
    yield Shot("sign-up", "empty", None, "/sign-up")
    yield Shot("sign-up", "mistakes", None, "/sign-up", fill("Sign up", first_name="Dora", email="dora@", password="1"))
    yield Shot("apply", "empty", None, "/apply")
    yield Shot("apply", "mistakes", None, "/apply", fill("Apply", first_name="Dora", email="dora@", phone="1"))
    yield Shot("forgot-password", "empty", None, "/reset")
    yield Shot("workshop", "open", None, "/w/harbor-garage")
    yield Shot("privacy", "signed-out", None, "/privacy")
    yield Shot("error", "not-found", None, "/nowhere", status=404)
    yield Shot("offline", "asked", None, "/offline")


def accounts(world: World) -> Iterator[Shot]:
    """What Flask-Security asks, and what is said to who may not come in."""
    tokens = _tokens(world)
    yield Shot("reset-password", "empty", None, f"/reset/{tokens['reset']}")
    yield Shot("confirm-email", "asked", world.ana, f"/confirm/{tokens['confirm']}")
    yield Shot("send-confirmation", "empty", world.ana, "/confirm")
    yield Shot("change-password", "empty", world.ana, "/change")
    yield Shot("change-password", "wrong", world.ana, "/change", fill("Change the password", password="not-this"))
    yield Shot("verify", "empty", world.ana, "/verify")
    yield Shot("account", "start", world.ana, "/customer/account")
    yield Shot("own-data", "customer", world.ana, "/account/data")
    yield Shot("own-data", "mechanic", world.marco, "/account/data")
    yield Shot("own-data", "mistakes", world.ana, "/account/data", fill("Erase my account", password="not-this"))
    yield Shot("person", "customer", world.olga, f"/admin/people/{world.ana.user_id}")
    mistakes = fill("Erase this person")
    yield Shot("person", "mistakes", world.olga, f"/admin/people/{world.ana.user_id}", mistakes)
    yield Shot("unsubscribe", "asked", None, f"/mail/unsubscribe/{tokens['mail']}")
    yield Shot("unsubscribe", "done", None, f"/mail/unsubscribe/{tokens['mail']}", fill("Stop these mails"))
    yield Shot("error", "forbidden", world.ana, "/admin", status=403)
    yield Shot("standing", "pending", world.zed, "/mechanic/dashboard", status=403)
    sql("UPDATE mechanics SET status = 'refused' WHERE id = %s", world.zed.id)
    yield Shot("standing", "refused", world.zed, "/mechanic/dashboard", status=403)
    sql("UPDATE mechanics SET status = 'pending' WHERE id = %s", world.zed.id)


def _tokens(world: World) -> dict[str, str]:
    from flask_security.confirmable import generate_confirmation_token
    from flask_security.recoverable import generate_reset_password_token

    from favorites.db import db
    from favorites.mail_words import word_for
    from favorites.models import User
    from favorites.settings import current

    with world.app.test_request_context():
        user = db.session.get(User, world.ana.user_id)
        return {
            "confirm": generate_confirmation_token(user),
            "reset": generate_reset_password_token(user),
            "mail": word_for(current(), world.chloe.user_id),
        }


def choosing(world: World) -> Iterator[Shot]:
    """Customers with nothing open."""
    world.on_shift(world.marco)
    chosen = f"preferred_mechanic_id={world.marco.id}&routing_type=priority_broadcast"
    book = f"/customer/favorites/{world.marco.id}/book"
    yield Shot("dashboard", "favorites", world.ana, "/customer/dashboard")
    yield Shot("dashboard", "no-favorites", world.chloe, "/customer/dashboard")
    yield Shot("dashboard", "booking-with", world.ana, f"/customer/dashboard?{chosen}")
    dialog = press("a", "Book Again with Marco", "dialog[open]")
    yield Shot("book", "dialog", world.ana, "/customer/dashboard", dialog)
    yield Shot("book", "available", world.ana, book)
    yield Shot("book", "offline", world.ana, f"/customer/favorites/{world.nadia.id}/book")
    yield Shot("favorites", "some", world.ana, "/customer/favorites")
    yield Shot("favorites", "none", world.chloe, "/customer/favorites")
    yield Shot("favorites", "nobody-matches", world.ana, "/customer/favorites?q=zzz")
    yield Shot("favorites", "remove", world.ana, "/customer/favorites", press("span", "Remove", "button:visible"))
    yield Shot("mechanics", "some", world.ana, "/mechanics")
    yield Shot("mechanics", "nobody-matches", world.ana, "/mechanics?q=zzz")
    yield Shot("intake", "empty", world.ana, "/intake?plan=chat10")
    yield Shot("intake", "with-favorite", world.ana, f"/intake?plan=video15&urgent=1&{chosen}")
    wrong = fill("Continue to the agreement", phone="12", concern="It")
    yield Shot("intake", "mistakes", world.ana, "/intake?plan=chat10", wrong)


def cars(world: World) -> Iterator[Shot]:
    """Saved cars, and how they are chosen."""
    yield Shot("cars", "none", world.chloe, "/customer/vehicles")
    yield Shot("car", "new", world.ana, "/customer/vehicles/add")
    yield Shot("car", "mistakes", world.ana, "/customer/vehicles/add", fill("Save", year="1", vin="short"))
    hers = world.ana.saves_a_car(2016, "Toyota", "Corolla", "ANA 2016")
    world.ana.saves_a_car(2021, "Fiat", "500")
    yield Shot("cars", "some", world.ana, "/customer/vehicles")
    yield Shot("car", "edit", world.ana, f"/customer/vehicles/{hers}")
    yield Shot("intake", "saved-cars", world.ana, "/intake?plan=chat10")


def fairness(world: World) -> Iterator[Shot]:
    """What mechanics choose, and when they are not asked first."""
    yield Shot("settings", "start", world.marco, "/mechanic/settings")
    yield Shot("settings", "mistakes", world.marco, "/mechanic/settings", fill("Save", quiet_from="22:00"))
    yield Shot("board", "keys", world.marco, "/mechanic/dashboard", press("button", "Keys", "dialog[open]"))
    sound = press("summary", "Sound and notifications", "[name=volume]:visible")
    yield Shot("board", "sound", world.marco, "/mechanic/dashboard", sound)
    sql("UPDATE mechanics SET takes_favorites = false WHERE id = %s", world.marco.id)
    yield Shot("board", "declines-favorites", world.marco, "/mechanic/dashboard")
    yield Shot("book", "not-taking-offers", world.ana, f"/customer/favorites/{world.marco.id}/book")
    sql(
        "UPDATE mechanics SET takes_favorites = true, quiet_from = clock_timestamp()::time - interval '1 hour',"
        " quiet_until = clock_timestamp()::time + interval '1 hour' WHERE id = %s",
        world.marco.id,
    )
    yield Shot("board", "quiet-hours", world.marco, "/mechanic/dashboard")
    sql("UPDATE mechanics SET quiet_from = NULL, quiet_until = NULL WHERE id = %s", world.marco.id)


def missed(world: World) -> Iterator[Shot]:
    """Two offers without an answer."""
    yield Shot("days", "nothing-missed", world.omar, "/mechanic/days")
    for _ in range(2):
        world.on_shift(world.omar)
        request_id = world.books(world.ben, world.omar)
        world.waits(request_id, 10.1)
        world.sweep()
        assert world.ben.does(request_id, "cancel").status_code == 200
    yield Shot("days", "missed", world.omar, "/mechanic/days")
    yield Shot("board", "away", world.omar, "/mechanic/dashboard")
    sql("DELETE FROM customer_favorites WHERE mechanic_id = %s", world.omar.id)


def paying(world: World) -> Iterator[Shot]:
    """From the agreement to the payment."""
    hers = world.drafts(world.ana, signed=False)
    yield Shot("waiver", "empty", world.ana, f"/waiver/{hers}")
    yield Shot("waiver", "mistakes", world.ana, f"/waiver/{hers}", fill("Sign and continue", full_name=""))
    world.ana.signs(hers)
    yield Shot("checkout", "credits", world.ana, f"/checkout/{hers}")
    yield Shot("demo-payment", "asked", world.ana, f"/checkout/{hers}", fill("Pay $9.99"))
    declined = fill("Decline")
    yield Shot(
        "checkout", "declined", world.ana, f"/checkout/{hers}", lambda page: (fill("Pay $9.99")(page), declined(page))
    )
    yield Shot("checkout", "few-credits", world.chloe, f"/checkout/{world.drafts(world.chloe, 'video15')}")
    yield Shot("checkout", "free-used", world.ana, f"/checkout/{world.drafts(world.ana, 'free')}")
    sql("UPDATE users SET confirmed_at = NULL WHERE id = %s", world.ben.user_id)
    yield Shot("checkout", "unconfirmed", world.ben, f"/checkout/{world.drafts(world.ben, 'free')}")
    sql("UPDATE users SET confirmed_at = clock_timestamp() WHERE id = %s", world.ben.user_id)
    yield from paid(world)
    world.books(world.ana)
    yield Shot("checkout", "one-at-a-time", world.ana, f"/checkout/{hers}")
    yield Shot("intake", "one-at-a-time", world.ana, "/intake?plan=chat10")
    yield Shot("book", "one-at-a-time", world.ana, f"/customer/favorites/{world.marco.id}/book")


# What the demo's provider never does: the bank takes its time, and money that goes back takes some days.
PAYMENT = """INSERT INTO payments (session_id, provider, reference, amount_cents, currency, status, {0})
             VALUES (%s, 'demo', %s, 999, 'USD', %s, {1})"""
BACK = "paid_at, refund_reason"
IS_BACK = """UPDATE payments SET status = 'refunded', refunded_at = clock_timestamp(), refund_due_at = NULL
             WHERE reference = 'on-its-way'"""
DAYS = "clock_timestamp() + interval '3 days'"


def paid(world: World) -> Iterator[Shot]:
    """What a payment comes to that is no session request, or is none yet."""
    hers = world.drafts(world.chloe)
    here = f"/checkout/{hers}/paid?checkout="
    yield Shot("payment", "left", world.chloe, f"/checkout/{hers}/cancelled")
    sql(PAYMENT.format("awaited_at", "clock_timestamp()"), hers, "not-heard", "started")
    yield Shot("payment", "not-heard", world.chloe, f"{here}not-heard")
    yield Shot("checkout", "not-heard", world.chloe, f"/checkout/{hers}")
    sql("UPDATE payments SET status = 'failed', awaited_at = NULL WHERE session_id = %s", hers)
    owed = PAYMENT.format(f"{BACK}, refund_due_at", f"clock_timestamp(), 'open_request', {DAYS}")
    sql(owed, hers, "on-its-way", "refunding")
    yield Shot("payment", "on-its-way", world.chloe, f"{here}on-its-way")
    yield Shot("checkout", "on-its-way", world.chloe, f"/checkout/{hers}")
    yield Shot("dashboard", "on-its-way", world.chloe, "/customer/dashboard")
    sql(IS_BACK)
    yield Shot("payment", "given-back", world.chloe, f"{here}on-its-way")
    sql("DELETE FROM payments WHERE session_id = %s", hers)


def asked_first(world: World) -> Iterator[Shot]:
    """Ana's favorite is asked first; Nadia knows nothing of it."""
    world.on_shift(world.marco, world.nadia)
    request_id = world.books(world.ana, world.marco)
    world.waits(request_id, 1.2)
    page = f"/customer/requests/{request_id}"
    yield Shot("waiting", "priority", world.ana, page)
    yield Shot("waiting", "cancel-asked", world.ana, page, press("span", "Cancel", "button:text('Yes: Cancel')"))
    yield Shot("waiting", "connection-lost", world.ana, page, loses_the_stream)
    yield Shot("dashboard", "waiting", world.ana, "/customer/dashboard")
    yield Shot("own-data", "not-over", world.ana, "/account/data")
    yield Shot("person", "not-over", world.olga, f"/admin/people/{world.ana.user_id}")
    yield Shot("board", "offer", world.marco, "/mechanic/dashboard")
    yield Shot("board", "connection-lost", world.marco, "/mechanic/dashboard", loses_the_stream)
    yield Shot("request", "offer", world.marco, f"/mechanic/requests/{request_id}")
    yield Shot("board", "empty", world.nadia, "/mechanic/dashboard")
    yield Shot("admin", "priority", world.olga, "/admin/requests")
    yield Shot("board", "no-match", world.marco, "/mechanic/dashboard?plan=video15")
    assert world.marco.shows(request_id).status_code < 300
    yield Shot("waiting", "delivered", world.ana, page)
    world.chloe.favors(world.marco)
    yield Shot("book", "has-an-offer", world.chloe, f"/customer/favorites/{world.marco.id}/book")
    world.waits(request_id, 7.9)
    yield Shot("waiting", "last-minute", world.ana, page)
    yield Shot("board", "last-minute", world.marco, "/mechanic/dashboard")
    assert world.marco.does(request_id, "extend").status_code == 200
    yield Shot("waiting", "extended", world.ana, page)
    yield Shot("board", "extended", world.marco, "/mechanic/dashboard")


def everyone(world: World) -> Iterator[Shot]:
    """Two wait for whoever is first; one for a workshop."""
    world.on_shift(world.nadia)
    hers, his = world.books(world.ana, world.nadia), world.books(world.ben)
    world.waits(hers, 2)
    assert world.nadia.declines(hers).status_code == 200
    world.waits(hers, 1)
    world.waits(his, 4)
    yield Shot("waiting", "declined", world.ana, f"/customer/requests/{hers}")
    yield Shot("waiting", "broadcast", world.ben, f"/customer/requests/{his}")
    yield Shot("board", "open", world.omar, "/mechanic/dashboard")
    yield Shot("board", "off-shift", world.marco, "/mechanic/dashboard")
    yield Shot("request", "open", world.omar, f"/mechanic/requests/{hers}")
    yield Shot("request", "declined", world.nadia, f"/mechanic/requests/{hers}")
    assert world.chloe.client.post("/w/harbor-garage").status_code == 303
    theirs = world.books(world.chloe)
    yield Shot("waiting", "workshop", world.chloe, f"/customer/requests/{theirs}")
    yield Shot("admin", "broadcast", world.olga, "/admin/requests")
    assign = press("a", f"Assign: {world.ben.name}", "dialog[open]")
    yield Shot("admin", "assign", world.olga, "/admin/requests", assign)
    yield Shot("admin", "assign-page", world.olga, f"/admin/requests/{his}/assign")
    reason = fill("Assign", note="He called")
    yield Shot("admin", "assign-mistakes", world.olga, f"/admin/requests/{his}/assign", reason)
    yield Shot("admin", "no-match", world.olga, "/admin/requests?plan=video15")
    world.waits(his, 8)
    yield Shot("admin", "alarms", world.olga, "/admin/requests?stage=alarm")
    yield Shot("admin", "overview-alarms", world.olga, "/admin")
    yield Shot("waiting", "nobody-yet", world.ben, f"/customer/requests/{his}")
    assert world.ben.does(his, "prolong").status_code == 200
    yield Shot("waiting", "prolonged", world.ben, f"/customer/requests/{his}")


def accepted(world: World) -> Iterator[Shot]:
    """From the acceptance to the end, as the two and the owner see it."""
    world.on_shift(world.marco, world.omar)
    hers, his = world.books(world.ana, world.marco), world.books(world.ben)
    world.waits(hers, 3)
    world.does(world.marco, hers, "accept")
    page, talk = f"/customer/requests/{hers}", f"/consultations/{world.consultation(hers)}"
    yield Shot("waiting", "accepted", world.ana, page)
    yield Shot("dashboard", "accepted", world.ana, "/customer/dashboard")
    yield Shot("book", "on-a-job", world.chloe, f"/customer/favorites/{world.marco.id}/book")
    yield from _both(world, talk, "accepted")
    yield Shot("board", "on-a-job", world.marco, "/mechanic/dashboard")
    yield Shot("request", "accepted", world.marco, f"/mechanic/requests/{hers}")
    yield Shot("admin", "accepted", world.olga, "/admin/requests")
    world.waits(hers, 9)
    yield Shot("waiting", "not-started", world.ana, page)
    world.does(world.marco, hers, "start")
    yield Shot("waiting", "started", world.ana, page)
    _talk(world, talk)
    yield from _both(world, talk, "started")
    world.waits(hers, 40)
    yield Shot("consultation", "customer-may-complete", world.ana, talk)
    world.does(world.marco, hers, "complete")
    yield Shot("waiting", "completed", world.ana, page)
    yield Shot("consultation", "mechanic-without-summary", world.marco, talk)
    world.marco.client.post(f"{talk}/summary", data={"summary": "The front pads are worn. Have them changed soon."})
    yield from _both(world, talk, "completed")
    yield Shot("admin", "story", world.olga, f"/admin/requests/{hers}")
    yield Shot("receipt", "of-credits", world.ana, f"{talk}/receipt")
    world.does(world.omar, his, "accept")
    yield Shot("request", "taken", world.marco, f"/mechanic/requests/{his}")


def _talk(world: World, talk: str) -> None:
    """Some lines and a photo."""
    world.marco.client.post(f"{talk}/messages", data={"body": "Hello Ana, is the car in front of you?"})
    world.ana.client.post(f"{talk}/messages", data={"body": "Yes. The squeal comes from the front left wheel."})
    picture = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(picture, "PNG")
    picture.seek(0)
    world.ana.client.post(f"{talk}/photos", data={"photo": (picture, "wheel.png")})
    world.marco.client.post(f"{talk}/messages", data={"body": "Thank you, that helps. Does it pull to one side?"})


def _both(world: World, talk: str, state: str) -> Iterator[Shot]:
    for role, person in {"customer": world.ana, "mechanic": world.marco, "owner": world.olga}.items():
        yield Shot("consultation", f"{role}-{state}", person, talk)


def over(world: World) -> Iterator[Shot]:
    """What nobody took, and what was called off."""
    cancelled, expired = world.books(world.ana), world.books(world.ben)
    assert world.ana.does(cancelled, "cancel").status_code == 200
    yield Shot("waiting", "cancelled", world.ana, f"/customer/requests/{cancelled}")
    yield Shot("request", "cancelled", world.marco, f"/mechanic/requests/{cancelled}")
    world.waits(expired, 16)
    world.sweep()
    yield Shot("waiting", "expired", world.ben, f"/customer/requests/{expired}")
    yield Shot("request", "expired", world.marco, f"/mechanic/requests/{expired}")
    yield Shot("admin", "nothing-open", world.olga, "/admin/requests")
    yield Shot("admin", "closed", world.olga, "/admin/requests?stage=expired")
    yield Shot("admin", "overview", world.olga, "/admin")
    typed = fill("Grant credits", email="nobody@demo.test", credits="0")
    yield Shot("admin", "mistakes", world.olga, "/admin/customers", typed)


def figures(world: World) -> Iterator[Shot]:
    """How the priority flow did in the demo's month, and in a time without anything."""
    yield Shot("analytics", "week", world.olga, "/admin/analytics?days=7")
    yield Shot("analytics", "month", world.olga, "/admin/analytics")
    yield Shot("analytics", "months", world.olga, "/admin/analytics?from=2026-01-01")
    yield Shot("analytics", "nothing", world.olga, "/admin/analytics?from=2020-01-01&to=2020-01-31")
    yield Shot("analytics", "mistakes", world.olga, "/admin/analytics?from=2020-02-30", status=422)
    yield Shot("analytics-requests", "some", world.olga, "/admin/analytics/requests?count=fell_back")
    yield Shot("analytics-requests", "none", world.olga, "/admin/analytics/requests?days=7&count=unavailable")


def money(world: World) -> Iterator[Shot]:
    """The owner's money: the demo's month, a time without any, what waits, fails, is disputed or fits nothing."""
    olga, page = world.olga, "/admin/money"
    yield Shot("money", "month", olga, page)
    yield Shot("money", "months", olga, f"{page}?from=2026-01-01")
    yield Shot("money", "nothing", olga, f"{page}?from=2020-01-01&to=2020-01-31")
    yield Shot("money", "no-match", olga, f"{page}?q=nobody")
    yield Shot("money", "mistakes", olga, f"{page}?from=2020-02-30", status=422)
    paid = sql(
        "SELECT p.id, r.id AS request_id FROM payments p JOIN session_requests r USING (session_id)"
        " WHERE p.status = 'paid' ORDER BY p.paid_at DESC LIMIT 4"
    )
    story = f"/admin/requests/{paid[0].request_id}"
    yield Shot(
        "money", "refund", olga, story, press("a", f"Give back what was paid: {_customer(paid[0])}", "dialog[open]")
    )
    yield Shot("money", "refund-page", olga, f"{story}/refund")
    yield Shot("money", "refund-mistakes", olga, f"{story}/refund", fill("Give back what was paid", note="She called"))
    yield from _needs(world, page, [row.id for row in paid])


def _customer(row: Any) -> str:
    name: str = one("SELECT customer_name FROM session_requests WHERE id = %s", row.request_id)
    return name


def _needs(world: World, page: str, ids: list[Any]) -> Iterator[Shot]:
    """As a provider would leave them, none of them due; then they are as they were."""
    sql("CREATE TEMP TABLE kept AS SELECT * FROM payments WHERE id = ANY(%s)", ids)
    owed = "UPDATE payments SET status = 'refunding', refund_reason = %s, refund_tries = %s, refund_problem = %s,"
    owed += " refund_due_at = clock_timestamp() + interval '%s minutes' WHERE id = %s"
    sql(owed, "owner", 1, "pending", 15, ids[0])
    sql(owed, "cancelled", 5, "insufficient_funds", 32, ids[1])
    sql("UPDATE payments SET disputed_at = clock_timestamp(), charge = 'pi_3SXk2eLk' WHERE id = %s", ids[2])
    sql("UPDATE payments SET received_cents = 899, received_currency = 'EUR', fee_cents = 55 WHERE id = %s", ids[3])
    sql(
        "INSERT INTO payment_events (id, kind, reference, occurred_at, applied_at, outcome) VALUES"
        " ('evt_1', 'checkout.session.completed', 'cs_live_a1b2c3', clock_timestamp(), NULL, NULL),"
        " ('evt_2', 'charge.refunded', 'pi_3SXk2eZz', clock_timestamp() - interval '4 days', now(), 'unmatched')"
    )
    yield Shot("money", "needs-you", world.olga, page)
    sql("DELETE FROM payment_events; DELETE FROM payments WHERE id IN (SELECT id FROM kept)")
    sql("INSERT INTO payments SELECT * FROM kept; DROP TABLE kept")


def people(world: World) -> Iterator[Shot]:
    """The owner's people: mechanics, workshops with and without a head start, customers."""
    olga, zed, chloe = world.olga, world.zed, world.chloe
    garage = one("SELECT id FROM workshops WHERE slug = 'harbor-garage'")
    world.on_shift(world.marco, world.nadia)
    yield Shot("mechanics-room", "some", olga, "/admin/mechanics")
    yield Shot("mechanics-room", "no-match", olga, "/admin/mechanics?find=nobody&status=refused")
    yield Shot("mechanic-room", "approved", olga, f"/admin/mechanics/{world.marco.id}")
    typed = fill("Refuse the application", words="Please call me first.")
    yield Shot("mechanic-room", "mistakes", olga, f"/admin/mechanics/{zed.id}", typed)
    words = "You did not start twice this week. Please call me, and we find a way."
    sql("UPDATE mechanics SET status = 'suspended', reason = 'missed', reason_words = %s WHERE id = %s", words, zed.id)
    yield Shot("mechanic-room", "suspended", olga, f"/admin/mechanics/{zed.id}")
    yield Shot("standing", "suspended", zed, "/mechanic/dashboard", status=403)
    sql("UPDATE mechanics SET status = 'pending', reason = NULL, reason_words = '' WHERE id = %s", zed.id)
    yield Shot("workshops-room", "some", olga, "/admin/workshops")
    typed = fill("Add workshop", name="Harbor", slug="harbor-garage")
    yield Shot("workshops-room", "mistakes", olga, "/admin/workshops", typed)
    yield from _head_start(world, f"/admin/workshops/{garage}")
    yield Shot("customers-room", "some", olga, "/admin/customers")
    yield Shot("customers-room", "no-match", olga, "/admin/customers?find=nobody")
    grant = {"credits": "5", "note": "Sorry for the wait"}
    assert olga.client.post(f"/admin/customers/{chloe.id}/grant", data=grant).status_code == 303
    yield Shot("customer-room", "some", olga, f"/admin/customers/{chloe.id}")
    typed = fill("Write the correction", correction="-500", why="A slip")
    yield Shot("customer-room", "mistakes", olga, f"/admin/customers/{chloe.id}", typed)


def _head_start(world: World, garage: str) -> Iterator[Shot]:
    """Chloe comes by the link of a workshop whose own mechanics are asked first; then it closes."""
    change = {"name": "Harbor Garage", "routing": "hybrid"}
    assert world.olga.client.post(f"{garage}/change", data=change).status_code == 303
    yield Shot("workshop", "head-start", None, "/w/harbor-garage")
    assert world.chloe.client.post("/w/harbor-garage").status_code == 303
    theirs = world.books(world.chloe)
    world.waits(theirs, 2)
    yield Shot("waiting", "head-start", world.chloe, f"/customer/requests/{theirs}")
    yield Shot("board", "head-start", world.rita, "/mechanic/dashboard")
    yield Shot("workshop-room", "open", world.olga, garage)
    assert world.olga.client.post(f"{garage}/close").status_code == 303
    yield Shot("waiting", "workshop-closed", world.chloe, f"/customer/requests/{theirs}")
    yield Shot("workshop-room", "closed", world.olga, garage)
    yield Shot("workshop", "closed", None, "/w/harbor-garage", status=404)
    assert world.olga.client.post(f"{garage}/reopen").status_code == 303
    change["routing"] = "workshop_only"
    assert world.olga.client.post(f"{garage}/change", data=change).status_code == 303


def house(world: World) -> Iterator[Shot]:
    """What the owner changes while it runs: untouched, changed, half of the quiet hours, and all that was changed."""
    yield Shot("house", "untouched", world.olga, "/admin/settings")
    values = {"chat10_window_minutes": "8", "quiet_hours-from": "22:00", "quiet_hours-until": "06:00"}
    assert world.olga.client.post("/admin/settings", data=values).status_code == 303
    yield Shot("house", "changed", world.olga, "/admin/settings")
    half = fill("Save", **{"priority_window_minutes": "500", "quiet_hours-until": ""})
    yield Shot("house", "mistakes", world.olga, "/admin/settings", half)
    assert world.olga.client.post("/admin/settings", data=dict.fromkeys(values, "")).status_code == 303
    yield Shot("house", "changes", world.olga, "/admin/settings/changes")


def engine(world: World) -> Iterator[Shot]:
    """All is well; then an offer and a mail were not sent, and the poll fails on a row."""
    yield Shot("engine", "well", world.olga, "/admin/engine")
    hers, his = world.books(world.ana, world.marco), world.books(world.ben)
    world.does(world.nadia, his, "accept")
    sql(
        "WITH phone AS (INSERT INTO push_subscriptions (user_id, sign_in_id, endpoint, p256dh, auth)"
        " SELECT user_id, id, 'http://127.0.0.1:9/phone', '', '' FROM sign_ins WHERE user_id = %s LIMIT 1 RETURNING id)"
        " INSERT INTO push_sendings SELECT %s, id, 'offering', 5, clock_timestamp() FROM phone",
        world.marco.user_id,
        hers,
    )
    sql(
        "INSERT INTO mails (event_id, user_id, tries, next_try_at) SELECT id, %s, 4, clock_timestamp()"
        " FROM request_events WHERE session_request_id = %s AND kind = 'request_accepted' AND audience = 'customer'",
        world.ben.user_id,
        his,
    )
    sql("UPDATE session_requests SET attempts = 3 WHERE id = %s", his)
    yield Shot("engine", "not-sent", world.olga, "/admin/engine")
    sql("UPDATE session_requests SET attempts = 0 WHERE id = %s", his)


def erased(world: World) -> Iterator[Shot]:
    """The last scene: who is erased does not come back."""
    request_id = world.books(world.chloe)
    world.does(world.omar, request_id, "accept", "start", "complete")
    form = {"reason": "asked", "sure": "1"}
    assert world.olga.client.post(f"/admin/people/{world.chloe.user_id}/erase", data=form).status_code == 303
    yield Shot("person", "erased", world.olga, f"/admin/people/{world.chloe.user_id}")
    talk = f"/consultations/{world.consultation(request_id)}"
    yield Shot("consultation", "with-a-former-customer", world.omar, talk)


SCENES: tuple[Scene, ...] = (
    nobody,
    accounts,
    choosing,
    cars,
    paying,
    fairness,
    asked_first,
    everyone,
    accepted,
    over,
    people,
    missed,
    house,
    engine,
    figures,
    money,
    erased,
)
