"""The owner's money: every sum beside a slow one, the page, the files and the list alike; what needs the owner."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from favorites.queries.analytics import report
from favorites.queries.analytics.span import Span
from favorites.queries.money import books as queries
from favorites.queries.money import payments
from favorites.queries.money.books import books
from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.histories import Histories
from tests.pages import DIALOG, page
from tests.slow_books import Pot, slow_books
from tests.test_checkout import pays
from tests.test_mechanic_pages import counted

PAGE = "/admin/money"
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
DAY = timedelta(days=1)
# What no verb leads to here: some in euros, fees that are known, some in dispute, some that came otherwise than asked.
VARIED = """
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY paid_at) AS n FROM payments WHERE paid_at IS NOT NULL)
UPDATE payments p SET
    currency = CASE WHEN n % 5 = 0 THEN 'eur' ELSE p.currency END,
    fee_cents = CASE WHEN n % 3 > 0 THEN 30 + n END,
    received_cents = CASE WHEN n % 7 = 0 THEN p.amount_cents + n END,
    received_currency = CASE WHEN n % 7 = 0 THEN CASE WHEN n % 2 = 0 THEN 'USD' ELSE 'GBP' END END,
    disputed_at = CASE WHEN n % 11 = 0 THEN p.paid_at + interval '3 days' END
  FROM numbered WHERE numbered.id = p.id
"""


@pytest.fixture
def past(app: Flask, session: Session) -> Histories:
    """Some dozens of payments of four months, of every kind that there is."""
    past = Histories(app, session, 23)
    past.happen(50)
    sql(VARIED)
    return past


def spans(zone: ZoneInfo) -> list[Span]:
    today = datetime.now(UTC).astimezone(zone).date()
    return [Span(today - (days - 1) * DAY, today, zone) for days in (7, 30, 90, 150)] + [
        Span(today - 60 * DAY, today - 12 * DAY, zone)
    ]


@pytest.mark.planted
def test_every_sum_is_what_the_rows_say(past: Histories, session: Session) -> None:
    for name in ZONES:
        zone = ZoneInfo(name)
        for span in spans(zone):
            slow, found = slow_books(span.first, span.last, zone), books(session, span)
            assert {book.currency for book in found} == set(slow)
            for book in found:
                right = slow[book.currency]
                assert told(book.all) == right.all.told()
                assert {id_: told(sums) for id_, _, sums in book.mechanics} == {
                    id_: pot.told() for id_, pot in right.mechanics.items()
                }
                assert {step: told(sums) for step, sums in book.steps} == steps(span, right.days)
    assert len(slow_books(date(2000, 1, 1), date(2099, 1, 1), zone)) == 3
    assert one("SELECT count(*) FROM payments WHERE disputed_at IS NOT NULL") > 0


def told(sums: queries.Sums) -> dict[str, int]:
    return {name: getattr(sums, name) for name in (*queries.NUMBERS, "left")}


def steps(span: Span, days: dict[date, Pot]) -> dict[date, dict[str, int]]:
    """Each day or month of the time, whether anything moved or not."""
    found = {step: Pot() for step in span.steps}
    for day, pot in days.items():
        into = found[day if span.unit == "day" else day.replace(day=1)]
        for name in queries.NUMBERS:
            setattr(into, name, getattr(into, name) + getattr(pot, name))
    return {step: pot.told() for step, pot in found.items()}


class Read(HTMLParser):
    """What the page says: the values of each table and line of sums, row by row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[int]]] = []
        self._by = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        self._by = str(its.get("data-sums") or self._by)
        if tag == "dl" or (tag == "tr" and self._by != "all"):
            self.rows.append((self._by, []))
        elif tag == "data" and self.rows:
            self.rows[-1][1].append(int(its["value"] or 0))


@pytest.mark.planted
def test_the_page_the_json_and_the_csv_say_the_same(app: Flask, past: Histories) -> None:
    olga = Owner.known(app, 0, "Olga")
    said = get(olga, f"{PAGE}.json?days=90").get_json()
    read = [row for row in Read(get(olga, f"{PAGE}?days=90").text).rows if row[1]]
    expected = [row for book in said["currencies"] for row in as_shown(book)]
    assert read == expected
    assert len(said["currencies"]) > 1
    rows = list(csv.DictReader(io.StringIO(get(olga, f"{PAGE}.csv?days=90").text)))
    assert rows == [
        {name: "" if value is None else str(value) for name, value in line.items()} for line in said["payments"]
    ]
    assert len(rows) > 10
    money = sum(int(row["received_cents"] or row["asked_cents"]) for row in rows if row["paid_at"])
    assert money >= sum(book["received"] for book in said["currencies"])  # those that were paid before count as well


def as_shown(book: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """The numbers of a currency, in the order of the page."""
    every = [book["received"], book["payments"], book["given_back"], book["refunds"], book["fees"], book["left"]]
    disputed = [book["disputed"], book["disputes"]] if book["disputes"] else []
    row = ("payments", "received", "given_back", "fees", "left")
    return [
        ("all", every + disputed),
        *(("mechanic", [sums[name] for name in row]) for sums in book["mechanics"]),
        *(("step", [sums[name] for name in row]) for sums in book["days"]),
    ]


def get(olga: Owner, path: str, status: int = 200) -> Any:
    answer = olga.client.get(path)
    assert answer.status_code == status, answer.text[:500]
    return answer


def paid(customer: Customer, plan: str = "chat10") -> str:
    """A session request that was paid online; its id."""
    consultation_id = customer.starts_intake(plan)
    customer.signs(consultation_id)
    return pays(customer, consultation_id).rsplit("/", 1)[-1]


def test_without_a_payment_the_page_says_what_to_do(olga: Owner) -> None:
    said = page(olga, PAGE)
    assert "Nothing was paid in this time." in said
    assert 'href="/admin/settings#paid-plans"' in said
    assert "On the way back" not in said
    assert get(olga, f"{PAGE}.json").get_json()["currencies"] == []


def test_a_payment_stands_there_with_who_what_and_the_way_back(ana: Customer, olga: Owner) -> None:
    request_id = paid(ana)
    said = page(olga, PAGE)
    assert f'href="/admin/requests/{request_id}">Ana Castillo</a>' in said
    assert "$9.99" in said
    assert f'href="/admin/requests/{request_id}/refund"' in said
    assert "Ana Castillo" in get(olga, f"{PAGE}.csv").text


def test_one_that_was_started_alone_stands_in_the_list_and_in_no_sum(ana: Customer, olga: Owner) -> None:
    consultation_id = ana.starts_intake()
    ana.signs(consultation_id)
    ana.client.post(f"/checkout/{consultation_id}/pay")
    said = page(olga, PAGE)
    assert f'href="/admin/customers/{ana.id}">Ana Castillo</a>' in said
    assert "Started</span>" in said
    assert "Received" not in said
    assert "/refund" not in said


@pytest.mark.planted
@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("", 4),
        ("which=paid", 2),
        ("which=refunding", 1),
        ("which=disputed", 1),
        ("which=failed", 1),
        ("which=started", 0),
        ("which=anything", 4),
        ("mechanic=none", 3),
        ("mechanic={marco}", 1),
        (f"mechanic={NOBODY}", 0),
        ("mechanic=x", 4),
        ("q=castillo", 1),
        ("q=%25", 0),
        ("q=%0A&page=x", 4),
        ("which=paid&q=ben", 1),
    ],
)
def test_the_list_is_what_the_address_asks_for(
    asked: str, number: int, ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic, olga: Owner
) -> None:
    mine = paid(ana)
    assert marco.accepts(mine).status_code == 200
    paid(ben)
    paid(chloe)
    sql(
        "UPDATE payments SET status = 'refunding', refund_reason = 'owner', refund_due_at = now() WHERE session_id ="
        " (SELECT id FROM sessions WHERE customer_id = %s)",
        chloe.id,
    )
    sql(
        "UPDATE payments SET disputed_at = now() WHERE session_id IN (SELECT id FROM sessions WHERE customer_id = %s)",
        ana.id,
    )
    sql(
        "INSERT INTO payments (session_id, provider, reference, amount_cents, currency, status)"
        " SELECT session_id, 'demo', 'another', 999, 'USD', 'failed' FROM payments WHERE status = 'refunding'"
    )
    asked = asked.format(marco=marco.id)
    assert len(get(olga, f"{PAGE}.json?{asked}").get_json()["payments"]) == number
    assert get(olga, f"{PAGE}?{asked}").text.partition('id="payments"')[2].count('data-label="Now"') == number


@pytest.mark.planted
def test_a_long_list_is_turned_page_by_page_and_keeps_what_was_asked(ana: Customer, olga: Owner) -> None:
    paid(ana)
    sql(
        "INSERT INTO payments (session_id, provider, reference, amount_cents, currency, status)"
        " SELECT session_id, 'demo', 'more ' || n, 999, 'USD', 'failed' FROM payments, generate_series(1, 60) n"
    )
    first, second = (get(olga, f"{PAGE}?which=failed&page={number}").text for number in (1, 2))
    assert (first.count('data-label="Now"'), second.count('data-label="Now"')) == (50, 10)
    assert "which=failed&amp;page=2" in first
    assert "There is no such page." in get(olga, f"{PAGE}?page=9").text
    assert len(get(olga, f"{PAGE}.json?which=failed").get_json()["payments"]) == 60


@pytest.mark.planted
def test_what_waits_fails_is_disputed_or_fits_nothing_stands_above_whatever_the_time(
    ana: Customer, ben: Customer, chloe: Customer, olga: Owner, invite: Any
) -> None:
    omar = invite(Customer, "Omar", "Slow")
    for customer in (ana, ben, chloe, omar):
        paid(customer)
    owed = "UPDATE payments SET status = 'refunding', refund_reason = %s, refund_tries = %s, refund_problem = %s,"
    owed += (
        " refund_due_at = now() + interval '1 hour' WHERE session_id = (SELECT id FROM sessions WHERE customer_id = %s)"
    )
    sql(owed, "expired", 0, None, ana.id)
    sql(owed, "cancelled", 4, "insufficient_funds", ben.id)
    sql(owed, "owner", 9, "pending", omar.id)
    sql(
        "UPDATE payments SET disputed_at = now(), charge = 'pi_77' WHERE session_id ="
        " (SELECT id FROM sessions WHERE customer_id = %s)",
        chloe.id,
    )
    event = "INSERT INTO payment_events (id, kind, reference, occurred_at, applied_at, outcome) VALUES (%s,"
    event += " 'checkout.session.completed', %s, now(), %s, %s)"
    sql(event, "evt_1", "cs_kept", None, None)
    sql(event, "evt_2", "cs_foreign", datetime.now(UTC), "unmatched")
    sql(event, "evt_3", "cs_applied", datetime.now(UTC), "applied")
    said = page(olga, f"{PAGE}?from=2020-01-01&to=2020-01-31")
    above = said.partition('aria-label="Time"')[0]
    assert "1 refund is not confirmed" in above
    assert above.index("Ben Okafor") < above.index("Ana Castillo")  # what has a problem stands first
    for words in (
        "insufficient funds",
        "It was cancelled",
        "Not asked yet",
        "It is with the customer’s bank",
        "pi_77",
        "cs_kept",
        "cs_foreign",
    ):
        assert words in above
    assert "cs_applied" not in above
    assert "<h3>1 refund</h3>" in page(olga, "/admin")
    part = olga.client.get(PAGE, headers=DIALOG).text
    assert part.lstrip().startswith('<div id="needs"')
    assert ("pi_77" in part, "The books" in part) == (True, False)
    needs = get(olga, f"{PAGE}.json").get_json()
    assert {line["customer"] for line in needs["going_back"]} == {"Ben Okafor", "Ana Castillo", "Omar Slow"}
    assert [line["charge"] for line in needs["disputed"]] == ["pi_77"]
    assert {event["id"]: event["is_kept"] for event in needs["unmatched"]} == {"evt_1": True, "evt_2": False}


@pytest.mark.planted
def test_what_was_paid_otherwise_than_asked_says_so(ana: Customer, olga: Owner) -> None:
    paid(ana)
    sql(
        "UPDATE payments SET received_cents = 899, received_currency = 'eur', fee_cents = 55, status = 'refunding',"
        " refund_reason = 'currency_differs', refund_due_at = now()"
    )
    said = page(olga, PAGE)
    assert "€8.99 was paid" in said
    assert "Fee €0.55" in said
    assert "It was paid in another currency than was asked" in said
    (book,) = get(olga, f"{PAGE}.json").get_json()["currencies"]
    assert (book["currency"], book["received"], book["left"]) == ("EUR", 899, 844)


@pytest.mark.planted
def test_a_day_is_that_of_the_readers_clock(ana: Customer, olga: Owner) -> None:
    paid(ana)
    sql("UPDATE payments SET created_at = '2026-03-02 03:30+00', paid_at = '2026-03-02 03:31+00'")
    for zone, day, other in (("UTC", "02", "01"), ("America/New_York", "01", "02")):
        sql("UPDATE users SET time_zone = %s WHERE id = %s", zone, olga.user_id)
        said, none = (get(olga, f"{PAGE}.json?from=2026-03-{d}&to=2026-03-{d}").get_json() for d in (day, other))
        assert [book["received"] for book in said["currencies"]] == [999]
        assert said["payments"][0]["paid_at"].startswith(f"2026-03-{day}T")
        assert (none["currencies"], none["payments"]) == ([], [])


@pytest.mark.parametrize("asked", ["from=yesterday", "to=2026-03-01", "from=2026-03-02&to=2026-03-01", "days=31"])
def test_a_time_that_cannot_be_is_told_at_its_field(asked: str, olga: Owner) -> None:
    for path in ("", ".csv"):
        assert "field__error" in get(olga, f"{PAGE}{path}?{asked}", 422).text
    assert get(olga, f"{PAGE}.json?{asked}", 422).get_json()["fields"]


def test_a_time_that_takes_too_long_is_refused_kindly(
    ana: Customer, olga: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(ana)
    monkeypatch.setattr(report, "LONGEST", "20ms")
    monkeypatch.setattr(queries, "_sums", lambda moves: select(func.pg_sleep(9)))
    monkeypatch.setattr(payments, "_wanted", lambda span, wanted: select(func.pg_sleep(9)))
    for path in ("", ".csv"):
        assert "There is too much in this time" in get(olga, PAGE + path, 422).text
    assert "There is too much" in get(olga, f"{PAGE}.json", 422).get_json()["fields"]["from"]


def test_a_name_that_is_a_formula_is_text_in_the_csv(ana: Customer, olga: Owner) -> None:
    paid(ana)
    sql("UPDATE customers SET first_name = '=HYPERLINK(\"x\")', last_name = ''")
    answer = get(olga, f"{PAGE}.csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["customer"] == '\'=HYPERLINK("x")'
    assert (row["asked_cents"], row["currency"], row["status"]) == ("999", "USD", "paid")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_former_mechanic_and_a_former_customer_leave_their_payments(
    ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    request_id = paid(ana)
    for verb in ("accept", "start", "complete"):
        assert marco.does(request_id, verb).status_code == 200
    for user_id in (ana.user_id, marco.user_id):
        form = {"reason": "asked", "sure": "1"}
        assert olga.client.post(f"/admin/people/{user_id}/erase", data=form).status_code == 303
    said = get(olga, f"{PAGE}.json").get_json()
    (line,) = said["payments"]
    assert (line["customer"], line["mechanic"]) == ("A former customer", "A former mechanic")
    assert [sums["received"] for sums in said["currencies"][0]["mechanics"]] == [999]


def test_months_and_many_payments_cost_no_statement_more(ana: Customer, olga: Owner) -> None:
    paid(ana)

    def asked(path: str) -> int:
        with counted() as statements:
            get(olga, path)
        return len(statements)

    for_one = asked(f"{PAGE}?days=7")
    sql(
        "INSERT INTO payments (session_id, provider, reference, amount_cents, currency)"
        " SELECT session_id, 'demo', 'more ' || n, 999, 'USD' FROM payments, generate_series(1, 30) n"
    )
    assert asked(f"{PAGE}?days=7") == asked(f"{PAGE}?from=2020-01-01") == for_one


def test_only_the_owner_reads_it(ana: Customer, marco: Mechanic) -> None:
    for who in (ana, marco):
        for path in ("", ".csv", ".json"):
            assert who.client.get(PAGE + path).status_code == 403
