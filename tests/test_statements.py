"""How many statements each page takes: the same for one row of everything and for many, and no more than is known."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.database import sql
from tests.matrix import PAGE, STATES, STREAMS, Player, Route, Town, routes
from tests.test_mechanic_pages import counted
from tests.test_rights import gone, town  # noqa: F401 - fixtures

# Of the reader who costs most, in whichever state it is, sign-in and the banner of every page included.
MOST = {
    "GET accounts.apply": 1,
    "GET accounts.home": 2,
    "GET accounts.sign_up": 1,
    "GET admin.alarm": 3,
    "GET admin.analytics": 6,
    "GET admin.analytics_csv": 5,
    "GET admin.analytics_json": 5,
    "GET admin.analytics_requests": 6,
    "GET admin.customer": 11,
    "GET admin.customers": 11,
    "GET admin.engine": 13,
    "GET admin.index": 11,
    "GET admin.mechanic": 11,
    "GET admin.mechanics": 11,
    "GET admin.money": 12,
    "GET admin.money_csv": 4,
    "GET admin.money_json": 9,
    "GET admin.one_request": 14,
    "GET admin.person": 11,
    "GET admin.requests": 11,
    "GET admin.setting_changes": 4,  # the alarms stand on every page of the room
    "GET admin.settings": 11,
    "GET admin.workshop": 11,
    "GET admin.workshops": 11,
    "GET api.mechanic_status": 9,
    "GET api.openapi": 1,
    "GET checkout.cancelled": 6,
    "GET checkout.demo_payment.show": 2,
    "GET checkout.show": 11,
    "GET consultations.live": 12,
    "GET consultations.show": 13,
    "GET consultations.receipt": 6,
    "GET customer.dashboard": 12,
    "GET favorites.book": 10,
    "GET favorites.index": 6,
    "GET favorites.mechanics": 6,
    "GET first_offers.days": 4,
    "GET first_offers.show": 3,
    "GET health.flows": 0,
    "GET health.is_ready": 4,
    "GET health.lives": 0,
    "GET intake.form": 7,
    "GET intake.waiver": 5,
    "GET intake.workshop": 3,
    "GET mail.account": 2,
    "GET mail.ask": 3,
    "GET mechanic.board": 3,
    "GET mechanic.dashboard": 6,
    "GET mechanic.show": 6,
    "GET own_data.show": 6,
    "GET privacy.page": 2,
    "GET push.offline": 1,
    "GET push.worker": 1,
    "GET requests.live": 6,
    "GET requests.show": 8,
    "GET security.change_password": 2,
    "GET security.confirm_email": 2,
    "GET security.forgot_password": 2,
    "GET security.login": 1,
    "GET security.reset_password": 3,
    "GET security.send_confirmation": 2,
    "GET security.verify": 2,
    "GET talk.lines": 5,
    "GET talk.photo": 5,
    "GET talk.unread": 5,
    "GET vehicles.index": 3,
    "GET vehicles.new": 2,
    "GET vehicles.show": 3,
}
QUIET = {"static", *STREAMS}
MANY = 12
# Of all that pages list, MANY more: mechanics of each standing who are Ana's favorites, workshops, consultations of
# Ana's that are over, customers who favor Marco and wait for somebody, and what has happened to each of them.
GROWN = f"""
WITH number AS (SELECT generate_series(1, {MANY}) AS n),
person AS (INSERT INTO users (email, role, fs_uniquifier)
  SELECT role || n || '@demo.test', role, 'grown ' || role || n
    FROM number, (VALUES ('mechanic'), ('customer')) AS kind (role) RETURNING id, role, fs_uniquifier),
mechanic AS (INSERT INTO mechanics (user_id, first_name, status)
  SELECT id, fs_uniquifier, (ARRAY['approved', 'pending', 'suspended'])[1 + length(fs_uniquifier || id) % 3]
    FROM person WHERE role = 'mechanic' RETURNING id),
shop AS (INSERT INTO workshops (slug, name) SELECT 'shop-' || n, 'Shop ' || n FROM number),
customer AS (INSERT INTO customers (user_id, first_name)
  SELECT id, fs_uniquifier FROM person WHERE role = 'customer' RETURNING id),
favorite AS (INSERT INTO customer_favorites (customer_id, mechanic_id)
  SELECT customer.id, marco.id FROM customer, mechanics marco WHERE first_name = 'Marco'
  UNION ALL SELECT ana.id, mechanic.id FROM mechanic, customers ana WHERE first_name = 'Ana'),
consultation AS (INSERT INTO sessions (customer_id, plan_code, session_type, status, price_cents, currency, closed_at)
  SELECT ana.id, 'chat10', 'chat', 'completed', 999, 'USD', now() FROM number, customers ana WHERE first_name = 'Ana'
  UNION ALL SELECT id, 'chat10', 'chat', 'ready', 999, 'USD', NULL FROM customer RETURNING id, customer_id, closed_at),
garage AS (INSERT INTO vehicles (customer_id, year, make, model, plate)
  SELECT ana.id, 2014, 'Volkswagen', 'Golf', 'HRB ' || n FROM number, customers ana WHERE first_name = 'Ana'),
car AS (INSERT INTO intakes (session_id, name, email, phone, concern) SELECT id, '', '', '', '' FROM consultation)
INSERT INTO session_requests (customer_id, session_id, session_type, plan_code, status, mechanic_id, accepted_at,
  expires_at, closed_at)
SELECT customer_id, c.id, 'chat', 'chat10', CASE WHEN closed_at IS NULL THEN 'pending' ELSE 'completed' END,
       CASE WHEN closed_at IS NOT NULL THEN marco.id END, closed_at, now() + interval '1 hour', closed_at
  FROM consultation c, mechanics marco WHERE marco.first_name = 'Marco'
"""


READERS = ("nobody", "Ana", "Marco", "Olga")


def _pages(app: Flask, town: Town) -> Iterator[tuple[Route, str, int]]:  # noqa: F811
    """Every page that somebody reads now: who, and in how many statements."""
    player = Player(town)
    for route, rule in routes(app).items():
        known = town.ids.keys() | player.tokens.get(route.endpoint, {}).keys()
        if route.method == "GET" and route.endpoint not in QUIET and rule.arguments <= known:
            for name in READERS:
                with counted() as statements:
                    answer = player.call(name, route, rule, PAGE)
                if answer.status == 200:
                    yield route, name, len(statements)


@pytest.mark.planted
@pytest.mark.parametrize("state", ["unsigned", "none", "broadcast", "completed"])
def test_every_page_takes_as_many_statements_for_many_rows_as_for_one(
    state: str,
    app: Flask,
    town: Town,  # noqa: F811
) -> None:
    if state == "unsigned":
        STATES["none"](town)
        sql("DELETE FROM waivers")
    else:
        STATES[state](town)
    for_one = {(str(route), name): count for route, name, count in _pages(app, town)}
    sql(GROWN)
    assert {(str(route), name): count for route, name, count in _pages(app, town)} == for_one
    over = {page: count for page, count in for_one.items() if count > MOST[page[0]]}
    assert over == {}
