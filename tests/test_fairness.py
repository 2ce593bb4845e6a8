"""Rule 1's last condition: who takes priority offers now. Whatever the cause, the customer reads one and the same."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from favorites.dispatch import fulfillment
from favorites.models.consultation import PaidBy
from tests.cast import Customer, Mechanic
from tests.conftest import engine
from tests.database import fast_forward, one, sql
from tests.pages import chosen, dialog
from tests.requests_table import events, first_reason, row

pytestmark = pytest.mark.usefixtures("flag_on")

SENTENCE = "Marco takes no first offers right now, so everyone is asked at once; Marco is among them."


@pytest.fixture(autouse=True)
def favored(ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic) -> None:
    """By all three."""
    for customer in (ana, ben, chloe):
        customer.favors(marco)


def is_asked_first(customer: Customer, marco: Mechanic) -> bool:
    """Books; broadcast can be for that one reason here."""
    request_id = customer.books_again(marco)
    if row(request_id).priority_notified_at:
        return True
    assert first_reason(request_id) == "not_taking_offers"
    assert row(request_id).preferred_mechanic_id is None
    assert events(request_id) == [("request_broadcast", "customer"), ("new_request", "mechanics")]
    return False


def lapses(customer: Customer, marco: Mechanic) -> UUID:
    """Marco is asked first and says nothing."""
    request_id = customer.books_again(marco)
    assert row(request_id).priority_notified_at
    fast_forward(minutes=10)
    return request_id


def has_quiet_hours(marco: Mechanic, begin: timedelta, end: timedelta, zone: str = "UTC") -> None:
    """They begin and end that long from now, by the clock of that zone."""
    now = one("SELECT clock_timestamp() AT TIME ZONE %s", zone)
    hours = ((now + begin).time(), (now + end).time())
    sql("UPDATE mechanics SET quiet_from = %s, quiet_until = %s WHERE id = %s", *hours, marco.id)
    sql("UPDATE users SET time_zone = %s WHERE id = %s", zone, marco.user_id)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize(
    ("begin", "end", "is_first"),
    [(-HOUR, HOUR, False), (HOUR, 2 * HOUR, True), (-2 * HOUR, -HOUR, True), (-HOUR, DAY - 2 * HOUR, False)],
)
def test_rule_1_in_their_quiet_hours_nobody_is_asked_first(
    ana: Customer, marco: Mechanic, zone: str, begin: timedelta, end: timedelta, is_first: bool
) -> None:
    """By their own clock, whichever side of midnight it shows."""
    has_quiet_hours(marco, begin, end, zone)
    assert is_asked_first(ana, marco) is is_first


def test_rule_1_who_declined_to_be_asked_first_is_not_and_keeps_their_favorites(ana: Customer, marco: Mechanic) -> None:
    assert marco.client.post("/mechanic/settings", data={}).status_code == 303
    assert not is_asked_first(ana, marco)
    assert one("SELECT count(*) FROM customer_favorites WHERE mechanic_id = %s", marco.id) == 3


def test_rule_1_one_offer_at_a_time(ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic) -> None:
    first = ana.books_again(marco)
    assert not is_asked_first(ben, marco)
    assert marco.declines(first).status_code == 200
    assert is_asked_first(chloe, marco)


def test_rule_1_the_clock_ends_an_offer_and_frees_for_the_next(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    lapses(ana, marco)
    assert is_asked_first(ben, marco)


def test_rule_1_two_customers_at_the_same_moment_make_one_offer(
    app: object, ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic
) -> None:
    """By three connections: who comes second reads the facts after the first one's commit."""
    for _ in range(4):
        waiting = [(customer, customer.starts_intake(**chosen(marco))) for customer in (ana, ben, chloe)]
        for customer, consultation_id in waiting:
            customer.signs(consultation_id)

        def pays(consultation_id: UUID) -> UUID:
            with Session(engine(app)) as session:  # type: ignore[arg-type]
                return fulfillment.fulfill(session, consultation_id, PaidBy.CREDITS)

        with ThreadPoolExecutor(3) as at_once:
            made = list(at_once.map(pays, [consultation_id for _, consultation_id in waiting]))
        assert sorted(bool(row(request_id).priority_notified_at) for request_id in made) == [False, False, True]
        for (customer, _), request_id in zip(waiting, made, strict=True):
            assert customer.does(request_id, "cancel").status_code == 200


def test_rule_1_after_two_unanswered_offers_they_are_away_until_they_say_so(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic
) -> None:
    lapses(ana, marco)
    assert "I’m back" not in marco.client.get("/mechanic/board").text
    lapses(ben, marco)
    assert "You did not answer two offers, so you are not asked first." in marco.client.get("/mechanic/board").text
    first = chloe.books_again(marco)
    assert first_reason(first) == "not_taking_offers"
    assert marco.client.post("/mechanic/back").status_code == 303
    assert "I’m back" not in marco.client.get("/mechanic/board").text
    assert chloe.does(first, "cancel").status_code == 200
    assert is_asked_first(chloe, marco)


def test_rule_1_starting_the_shift_is_coming_back(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic
) -> None:
    lapses(ana, marco)
    lapses(ben, marco)
    assert marco.client.post("/mechanic/shift/start").status_code == 303
    assert is_asked_first(chloe, marco)


def test_rule_1_who_accepted_late_has_answered(ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic) -> None:
    late = lapses(ana, marco)
    assert marco.accepts(late).status_code == 200
    lapses(ben, marco)
    assert is_asked_first(chloe, marco)


@pytest.mark.parametrize("verb", ["open", "cancel"])
def test_rule_1_what_a_customer_ended_says_nothing_of_the_mechanic(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic, verb: str
) -> None:
    lapses(ana, marco)
    assert ben.does(ben.books_again(marco), verb).status_code == 200
    assert is_asked_first(chloe, marco)


def test_rule_1_what_stands_between_two_lapses_keeps_them_apart(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic
) -> None:
    lapses(ana, marco)
    assert marco.declines(ben.books_again(marco)).status_code == 200
    fast_forward(minutes=1)
    first = lapses(chloe, marco)
    assert chloe.does(first, "cancel").status_code == 200
    assert is_asked_first(chloe, marco)


def test_r8_off_shift_offline_or_on_a_job_skips_no_window(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    sql("UPDATE mechanics SET shift_started_at = NULL, board_seen_at = NULL WHERE id = %s", marco.id)
    assert marco.accepts(ben.books()).status_code == 200
    assert is_asked_first(ana, marco)


def consent(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    sql("UPDATE mechanics SET takes_favorites = false WHERE id = %s", marco.id)


def quiet(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    has_quiet_hours(marco, -HOUR, HOUR)


def busy(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    ben.books_again(marco)


def away(ana: Customer, ben: Customer, marco: Mechanic) -> None:
    ben.does(lapses(ben, marco), "cancel")
    ben.does(lapses(ben, marco), "cancel")


@pytest.mark.parametrize("cause", [consent, quiet, busy, away])
def test_the_customer_reads_the_same_before_booking_whatever_the_cause(
    ana: Customer, ben: Customer, marco: Mechanic, cause: object
) -> None:
    cause(ana, ben, marco)  # type: ignore[operator]
    told = dialog(ana, marco)
    assert SENTENCE in told
    assert "Priority Notification" in told
    assert (
        SENTENCE
        in ana.client.get(f"/customer/dashboard?preferred_mechanic_id={marco.id}&routing_type=priority_broadcast").text
    )
    for named in ("consent", "declined", "quiet", "Quiet", "did not answer", "away"):
        assert named not in told


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        ({"quiet_from": "22:00"}, "quiet_until"),
        ({"quiet_until": "22:00"}, "quiet_from"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "quiet_until"),
        ({"quiet_from": "late", "quiet_until": "06:00"}, "quiet_from"),
    ],
)
def test_quiet_hours_have_a_beginning_an_end_and_a_length(marco: Mechanic, hours: dict[str, str], field: str) -> None:
    page = marco.client.post("/mechanic/settings", data={"takes_favorites": "1", **hours})
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    answer = marco.client.post("/mechanic/settings", data=hours, headers={"Accept": "application/json"})
    assert list(answer.get_json()["fields"]) == [field]
    assert one("SELECT takes_favorites FROM mechanics WHERE id = %s", marco.id) is True


def test_the_settings_are_kept_and_shown(marco: Mechanic) -> None:
    hours = {"quiet_from": "21:30", "quiet_until": "06:00"}
    assert marco.client.post("/mechanic/settings", data={"takes_favorites": "1", **hours}).status_code == 303
    page = marco.client.get("/mechanic/settings").text
    for told in ('value="21:30"', 'value="06:00"', "3 customers favor you."):
        assert told in " ".join(page.split())
    assert marco.client.post("/mechanic/settings", data={"takes_favorites": "1"}).status_code == 303
    assert one("SELECT quiet_from FROM mechanics WHERE id = %s", marco.id) is None


def test_the_day_tells_what_was_missed_and_the_figures(
    ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic
) -> None:
    assert "Every offer of today had your answer" in marco.client.get("/mechanic/days").text
    zone = _zone_where_it_is_noon()
    sql("UPDATE users SET time_zone = %s WHERE id = %s", zone, marco.user_id)
    lapses(ana, marco)
    ben.does(ben.books_again(marco), "cancel")
    chloe.does(chloe.books_again(marco), "open")
    again = ben.books_again(marco)
    ago = "UPDATE session_requests SET priority_notified_at = priority_notified_at - interval '42 s' WHERE id = %s"
    sql(ago, again)
    assert marco.accepts(again).status_code == 200
    told = " ".join(marco.client.get("/mechanic/days").text.split())
    for sentence in (
        "You did not answer in time. Quick Chat.",
        "Ben cancelled it before you answered.",
        "Chloe asked everyone before you answered.",
    ):
        assert told.count(sentence) == 1
    assert "<dd> 4 </dd>" in told
    assert "<dd> 1 </dd>" in told
    assert "<dd> 42 s </dd>" in told


def _zone_where_it_is_noon() -> str:
    """So that ten minutes ago was today."""
    hours = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-hours:+d}"
