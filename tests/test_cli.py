"""What the owner does from the terminal: each command does it, and says one sentence when it cannot."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from favorites.demo.cast import CAST
from favorites.settings import ROOT
from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql

FLAG = "ENABLE_FAVORITES_PRIORITY"
Flasks = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Flasks:
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])


def refused(result: Result) -> str:
    """The one sentence of a command that ended with 1."""
    assert result.exit_code == 1
    assert result.stdout == ""
    (sentence,) = [line for line in result.stderr.splitlines() if " info " not in line]  # the log of other threads
    return sentence.removeprefix("Error: ")


def status_of(mechanic: Mechanic) -> str:
    return str(one("SELECT status FROM mechanics WHERE id = %s", mechanic.id))


def test_the_database_url_is_the_configured_one(flask: Flasks) -> None:
    from favorites.settings import current

    assert flask("database-url").stdout == f"{current().database_url}\n"


def test_a_server_imports_none_of_them() -> None:
    from favorites.settings import current

    asked = "import sys; from favorites import create_app; create_app(); print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": current().database_url, "SECRET_KEY": "x" * 40},
        capture_output=True,
        text=True,
        check=True,
    )
    names = told.stdout.split()
    assert "favorites.web" in names
    assert [name for name in names if name.startswith(("favorites.cli.", "alembic"))] == []


@pytest.mark.parametrize(
    ("word", "stored", "shown"),
    [("on", True, "on"), ("off", False, "off"), ("env", None, "left to the environment, which says off")],
)
def test_flag_sets_the_row_and_list_shows_it(flask: Flasks, word: str, stored: bool | None, shown: str) -> None:
    sql("UPDATE feature_flags SET is_enabled = %s", not stored)
    assert flask("flag", word).stdout == f"{FLAG}: {shown}\n"
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = %s", FLAG) is stored
    assert flask("flag", "list").stdout.startswith(f"{FLAG}: {shown}\nENABLE_PAID_PLANS: ")


def test_a_flag_nobody_knows_is_refused(flask: Flasks) -> None:
    assert refused(flask("flag", "on", "WINGS")) == "There is no flag WINGS; `flask flag list` shows them."


def test_an_owner_is_made_without_a_password_and_chooses_it_by_the_link(flask: Flasks, app: Flask) -> None:
    said = flask("owner", "add", "Olga@Garage.example").stdout
    made = one("SELECT role, password, active, confirmed_at IS NOT NULL FROM users WHERE email = 'olga@garage.example'")
    assert made == ("admin", None, True, True)
    link = re.search(r"^http://127\.0\.0\.1:8000(/reset/\S+)$", said, re.M)
    assert link, said
    browser = app.test_client()
    assert browser.get(link[1]).status_code == 200
    browser.post(link[1], data={"password": "lantern gravel ostrich"})
    assert one("SELECT password FROM users WHERE email = 'olga@garage.example'").startswith("$argon2id$")


def test_a_mechanic_becomes_an_owner_and_keeps_the_password(flask: Flasks, marco: Mechanic) -> None:
    assert "signs in with the password they have" in flask("owner", "add", marco.email).stdout
    assert one("SELECT role FROM users WHERE id = %s", marco.user_id) == "admin"
    assert one("SELECT count(*) FROM users") == 1


def test_an_owner_needs_an_address(flask: Flasks) -> None:
    assert refused(flask("owner", "add", "olga")).startswith("olga is no e-mail address")


def test_a_mechanic_is_approved_and_suspended(flask: Flasks, zed: Mechanic) -> None:
    assert flask("mechanic", "approve", zed.email.upper()).stdout == "Zed Novak is approved.\n"
    assert status_of(zed) == "approved"
    assert flask("mechanic", "suspend", zed.email).stdout == "Zed Novak is suspended.\n"
    assert status_of(zed) == "suspended"


def test_who_is_not_approved_is_not_suspended(flask: Flasks, zed: Mechanic) -> None:
    assert "is not approved" in refused(flask("mechanic", "suspend", zed.email))
    assert status_of(zed) == "pending"


@pytest.mark.parametrize("words", [("approve",), ("suspend",)])
def test_a_mechanic_nobody_knows_is_refused(flask: Flasks, ana: Customer, words: tuple[str, ...]) -> None:
    assert refused(flask("mechanic", *words, ana.email)).startswith("There is no mechanic ana@demo.test")


def test_mechanics_are_listed(flask: Flasks, rita: Mechanic, zed: Mechanic) -> None:
    first, second = flask("mechanic", "list").stdout.splitlines()
    assert first.split() == ["approved", rita.email, "Rita", "Solberg,", "Harbor", "Garage"]
    assert second.split() == ["pending", zed.email, "Zed", "Novak,", "independent"]


def test_credits_are_granted(flask: Flasks, ana: Customer) -> None:
    assert flask("credits", "grant", ana.email, 7, "--note", "Sorry").stdout == "Ana Castillo has 107 credits.\n"
    assert one("SELECT kind, credits FROM credit_entries WHERE note = 'Sorry'") == ("grant", 7)


def test_credits_go_to_customers_and_upwards_only(flask: Flasks, ana: Customer, marco: Mechanic) -> None:
    assert refused(flask("credits", "grant", marco.email, 7)) == f"There is no customer {marco.email}."
    assert flask("credits", "grant", ana.email, 0).exit_code == 2
    assert one("SELECT count(*) FROM credit_entries") == 1


def test_a_workshop_is_added_and_joined(flask: Flasks, marco: Mechanic) -> None:
    assert flask("workshop", "add", "dock-9", "Dock Nine").stdout == "Dock Nine is added; its link is /w/dock-9.\n"
    assert flask("workshop", "join", "dock-9", marco.email).stdout == "Marco Rossi is of Dock Nine now.\n"
    assert one("SELECT w.slug FROM mechanics m JOIN workshops w ON w.id = m.workshop_id") == "dock-9"


def test_a_workshop_is_refused_in_a_sentence(flask: Flasks, rita: Mechanic) -> None:
    assert "small letters" in refused(flask("workshop", "add", "Dock 9", "Dock Nine"))
    assert refused(flask("workshop", "add", "harbor-garage", "Copy")) == "There is a workshop harbor-garage already."
    assert refused(flask("workshop", "join", "dock-9", rita.email)) == "There is no workshop dock-9."


def test_sweep_asks_everyone_where_a_window_has_lapsed(
    flask: Flasks, ana: Customer, marco: Mechanic, flag_on: None
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    assert "Windows lapsed: 0." in flask("sweep").stdout
    fast_forward(minutes=10)
    said = flask("sweep").stdout
    assert "Windows lapsed: 1. Session requests expired: 0. Next due: " in said
    reason = one("SELECT fallback_reason FROM session_requests WHERE id = %s", request_id)
    assert reason == "preferred_mechanic_no_response"
    assert one("SELECT count(*) FROM engine_beats WHERE leader LIKE '%flask sweep'") == 2


def test_missing_tables_are_a_sentence(flask: Flasks) -> None:
    sql("ALTER TABLE feature_flags RENAME TO flags_elsewhere")
    try:
        assert refused(flask("flag", "list")).endswith("run `flask db upgrade`.")
    finally:
        sql("ALTER TABLE flags_elsewhere RENAME TO feature_flags")


def counts() -> list[int]:
    tables = ("users", "customer_favorites", "sessions", "session_requests", "intakes", "waivers", "credit_entries")
    return [one(f"SELECT count(*) FROM {table}") for table in tables]


def test_the_demo_data_are_a_month_that_could_have_been(flask: Flasks) -> None:
    assert flask("demo-data").stdout == "The demo data are written.\n"
    assert one("SELECT count(*) FROM users WHERE password LIKE '$argon2id$%%' AND confirmed_at IS NOT NULL") == len(
        CAST
    )
    statuses = dict(sql("SELECT status, count(*) FROM session_requests GROUP BY 1"))
    assert statuses.keys() == {"completed", "cancelled", "expired"}
    assert 60 <= sum(statuses.values()) <= 80
    reasons = {row[0] for row in sql("SELECT DISTINCT fallback_reason FROM session_requests")}
    assert {"preferred_mechanic_no_response", "preferred_mechanic_declined", "customer_opened", "released"} <= reasons
    credits = "SELECT c.first_name, sum(credits) FROM credit_entries JOIN customers c ON c.id = customer_id GROUP BY 1"
    assert dict(sql(credits)) == {"Ana": 40, "Ben": 20, "Chloe": 3}
    free = "SELECT c.first_name FROM sessions s JOIN customers c ON c.id = customer_id WHERE plan_code = 'free'"
    assert sorted(row[0] for row in sql(free)) == ["Ana", "Chloe"]
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = %s", FLAG) is True


def test_the_demo_data_keep_time(flask: Flasks) -> None:
    before = one("SELECT coalesce(max(id), 0) FROM request_events")
    flask("demo-data")
    disorder = f"""SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY id) AS earlier FROM request_events
                   WHERE id > {before}) AS e WHERE at < earlier"""
    assert one(disorder) == 0
    late = """SELECT count(*), max(fallback_broadcast_at - priority_expires_at) < interval '2 s' AS soon,
                     min(fallback_broadcast_at - priority_expires_at) >= interval '0' AS not_before
                FROM session_requests WHERE fallback_reason = 'preferred_mechanic_no_response'"""
    lapses, *in_time = one(late)
    assert lapses > 3
    assert in_time == [True, True]
    outside = """SELECT count(*) FROM session_requests
                  WHERE closed_at > now() OR accepted_at < created_at OR closed_at < accepted_at
                     OR (status = 'completed' AND mechanic_id IS NULL)"""
    assert one(outside) == 0
    untold = """SELECT count(*) FROM session_requests r
                 WHERE NOT EXISTS (SELECT FROM request_events WHERE session_request_id = r.id)"""
    assert one(untold) == 0


def test_the_demo_data_a_second_time_change_nothing_and_leave_the_owners_choice(flask: Flasks) -> None:
    flask("demo-data")
    flask("flag", "off")
    before = counts()
    assert flask("demo-data").stdout == "The demo data are there already.\n"
    assert counts() == before
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = %s", FLAG) is False


def test_the_demo_data_leave_a_flag_that_was_decided_before(flask: Flasks) -> None:
    flask("flag", "off")
    flask("demo-data")
    assert one("SELECT is_enabled FROM feature_flags WHERE flag_key = %s", FLAG) is False
    assert one("SELECT count(*) FROM session_requests WHERE priority_notified_at IS NOT NULL") > 20
