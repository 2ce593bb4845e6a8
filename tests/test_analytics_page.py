"""The owner's analytics as page and files: the same figures everywhere, times, mistakes, what is behind a number."""

import csv
import io
import re
from collections import defaultdict
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from favorites.queries.analytics import behind, report
from favorites.queries.analytics.measures import SECTIONS
from favorites.web.admin.analytics_files import harmless
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql
from tests.histories import Histories
from tests.test_mechanic_pages import counted

PAGE = "/admin/analytics"
FIGURES = {measure.key: section.key for section in SECTIONS for measure in section.measures}


class Read(HTMLParser):
    """What a page says: the values of each table, row by row, and the number each link to a list stands at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
        self.links: dict[str, int] = {}
        self._rows: list[list[str]] = [[]]
        self._link = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in attrs}
        if "data-figures" in its:
            self._rows = self.tables[its["data-figures"], its["data-by"]]
        elif tag == "tr":
            self._rows.append([])
        elif tag == "data":
            self._rows[-1].append(its["value"])
        elif tag == "a":
            self._link = its["href"]

    def handle_endtag(self, tag: str) -> None:
        self._link = "" if tag == "a" else self._link
        self._rows = [[]] if tag == "table" else self._rows

    def handle_data(self, data: str) -> None:
        if "/analytics/requests?" in self._link and data.strip().isdecimal():
            self.links[self._link] = int(data)


def get(olga: Owner, path: str, status: int = 200) -> Any:
    answer = olga.client.get(path)
    assert answer.status_code == status, answer.text[:500]
    return answer


def words(olga: Owner, path: str, status: int = 200) -> str:
    return " ".join(get(olga, path, status).text.split())


def test_the_page_the_json_and_the_csv_say_the_same_and_a_number_leads_to_as_many(
    app: Flask, session: Session, invite: Any
) -> None:
    Histories(app, session, 7).happen(16)
    olga = Owner.known(app, 0, "Olga")
    range_ = "?days=90"
    read = Read(get(olga, PAGE + range_).text)
    figures = get(olga, f"{PAGE}.json{range_}").get_json()["figures"]
    shown = defaultdict(list)
    for line in figures:
        shown[FIGURES[line["figure"]], {"day": "step"}.get(line["by"], line["by"])].append(line["value"])
    for where, rows in read.tables.items():
        values = [float(value) if value else None for row in rows for value in row]
        assert values == shown[where], where
    assert {where for where in shown if where[1] != "all"} == read.tables.keys()
    rows = list(csv.DictReader(io.StringIO(get(olga, f"{PAGE}.csv{range_}").text)))
    told = [("" if line["value"] is None else str(line["value"]), line["of_whom"], str(line["n"])) for line in figures]
    assert [(row["value"], row["of_whom"], row["n"]) for row in rows] == told
    assert len(read.links) > 100
    for address, number in list(read.links.items())[::7]:
        assert f">{number} session request" in get(olga, address).text.replace("\n", "").replace("  ", ""), address


@pytest.fixture
def won(flag_on: None, ana: Customer, marco: Mechanic) -> None:
    """Marco took Ana's after two minutes, and it is done."""
    ana.favors(marco)
    request_id = ana.books_again(marco)
    marco.shows(request_id)
    fast_forward(minutes=2)
    for verb in ("accept", "start", "complete"):
        assert marco.does(request_id, verb).status_code == 200


def test_without_a_session_request_the_page_says_what_to_do(olga: Owner) -> None:
    page = words(olga, PAGE)
    assert "Nothing to count in this time." in page
    assert "<svg class" not in page.partition("<main")[2]


def test_a_window_that_is_open_counts_nowhere(flag_on: None, ana: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    ana.books_again(marco)
    assert "Nothing to count in this time." in words(olga, PAGE)
    fast_forward(minutes=10)
    assert "Fallback" in words(olga, PAGE)
    assert "1 session request," in words(olga, f"{PAGE}/requests?count=no_response")


def test_a_rate_of_none_of_none_is_a_dash(ana: Customer, marco: Mechanic, olga: Owner) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    page = words(olga, PAGE)
    assert "No favorite was asked first in this time." in page
    (acceptance,) = re.findall(r"<dt>Accepted first</dt> <dd> (.*?) </dd>", page)
    assert re.sub(r"<.*?>| ", "", acceptance) == "–0of0"


def test_the_last_days_move_on_and_two_days_stay(won: None, olga: Owner) -> None:
    today = one("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")
    assert f"{PAGE}/requests?days=7&amp;count=won" in get(olga, f"{PAGE}?days=7").text
    assert f"{PAGE}/requests?from={today}&amp;to={today}&amp;count=won" in get(olga, f"{PAGE}?from={today}").text
    assert get(olga, f"{PAGE}.json?from={today}").get_json()["to"] == str(today)


def test_a_day_is_that_of_the_readers_clock(won: None, olga: Owner) -> None:
    sql("UPDATE session_requests SET created_at = '2026-03-02 03:30+00'")
    for zone, day, hour in (("UTC", "2026-03-02", "3"), ("America/New_York", "2026-03-01", "22")):
        sql("UPDATE users SET time_zone = %s WHERE id = %s", zone, olga.user_id)
        assert "1 session request," in words(olga, f"{PAGE}/requests?from={day}&to={day}&count=asked&hour={hour}")
        other = "2026-03-01" if day.endswith("2") else "2026-03-02"
        assert "0 session requests," in words(olga, f"{PAGE}/requests?from={other}&to={other}&count=asked")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("from=yesterday", "Give a day as 2026-11-26, from 2000 to 2099."),
        ("from=2026-02-30&to=2026-03-01", "Give a day as 2026-11-26, from 2000 to 2099."),
        ("to=2026-03-01", "Give a day as 2026-11-26, from 2000 to 2099."),
        ("from=0001-01-01", "Give a day as 2026-11-26, from 2000 to 2099."),
        ("from=2026-03-02&to=2026-03-01", "The last day is before the first."),
        ("days=31", "Choose the last 7, 30 or 90 days, or give the first and the last day here."),
        ("days=x", "Choose the last 7, 30 or 90 days, or give the first and the last day here."),
    ],
)
def test_a_range_that_cannot_be_is_told_at_its_field(asked: str, sentence: str, olga: Owner) -> None:
    for path in ("", ".csv", "/requests"):
        assert f'-error">{sentence}</p>' in words(olga, f"{PAGE}{path}?{asked}", 422)
    assert sentence in get(olga, f"{PAGE}.json?{asked}", 422).get_json()["fields"].values()


def test_what_no_link_asks_for_is_not_found(won: None, olga: Owner) -> None:
    for asked in ("count=x", "hour=24", "hour=-1", "step=x", "mechanic=x", "customer=x", "page=0", "page=2", "page=x"):
        get(olga, f"{PAGE}/requests?{asked}", 404)


def test_a_time_that_takes_too_long_is_refused_kindly(won: None, olga: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "LONGEST", "20ms")
    monkeypatch.setattr(report, "figures", lambda span: select(func.pg_sleep(9)))
    monkeypatch.setattr(behind, "_rows", lambda these: select(func.pg_sleep(9)))
    for path in ("", ".csv", "/requests"):
        assert "There is too much in this time to count it while you wait." in words(olga, PAGE + path, 422)
    assert "There is too much" in get(olga, f"{PAGE}.json", 422).get_json()["fields"]["from"]


def test_a_deleted_mechanic_is_a_former_one_and_keeps_what_they_won(won: None, marco: Mechanic, olga: Owner) -> None:
    sql("DELETE FROM mechanics WHERE id = %s", marco.id)
    lines = get(olga, f"{PAGE}.json").get_json()["figures"]
    (acceptance,) = [line for line in lines if (line["figure"], line["by"]) == ("acceptance", "mechanic")]
    assert (acceptance["of_whom"], acceptance["value"], acceptance["n"]) == ("Former mechanic", 1, 1)
    assert "1 session request," in words(olga, f"{PAGE}/requests?count=won&mechanic=former")


def test_the_list_tells_what_came_of_each_and_leads_to_its_story(won: None, ana: Customer, olga: Owner) -> None:
    page = words(olga, f"{PAGE}/requests?count=held")
    assert "Ana Castillo" in page
    assert "Accepted after 2 min" in page
    assert f"/admin/requests/{one('SELECT id FROM session_requests')}" in page


def test_a_long_list_is_turned_page_by_page(won: None, olga: Owner) -> None:
    sql(
        "INSERT INTO session_requests (customer_id, session_type, plan_code, status, closed_at)"
        " SELECT customer_id, 'chat', 'chat10', 'expired', now() FROM session_requests, generate_series(1, 60)"
    )
    first, second = (words(olga, f"{PAGE}/requests?count=expired&page={page}") for page in (1, 2))
    assert (first.count('<th scope="row">'), second.count('<th scope="row">')) == (50, 10)
    assert "page=2" in first
    assert "page=1" in second
    assert "60 session requests," in second
    sql("DELETE FROM session_requests WHERE session_id IS NULL")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert harmless("Ana = Marco") == "Ana = Marco"
    assert harmless(-1.5) == -1.5


def test_a_name_that_is_a_formula_is_text_in_the_csv(won: None, marco: Mechanic, olga: Owner) -> None:
    sql("UPDATE mechanics SET first_name = '=HYPERLINK(\"x\")', last_name = '' WHERE id = %s", marco.id)
    answer = get(olga, f"{PAGE}.csv")
    names = {row["of_whom"] for row in csv.DictReader(io.StringIO(answer.text)) if row["by"] == "mechanic"}
    assert names == {'\'=HYPERLINK("x")'}
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_months_and_mechanics_cost_no_statement_more(won: None, olga: Owner) -> None:
    def asked(path: str) -> int:
        with counted() as statements:
            get(olga, path)
        return len(statements)

    assert asked(f"{PAGE}?days=7") == asked(f"{PAGE}?from=2020-01-01")
    assert "by month" in words(olga, f"{PAGE}?from=2026-01-01&to=2027-12-31")
