"""Every figure of the owner's analytics beside a slow, obvious computation over the events; the page, the files and the
lists say the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.queries.analytics.behind import Wanted, behind
from favorites.queries.analytics.measures import COUNTS, FORMER, SECTIONS, Group, Key, Pair
from favorites.queries.analytics.report import Report, begin, report
from favorites.queries.analytics.span import Span
from tests.histories import Histories
from tests.slow_figures import Slow, by, told

SOME = ("won", "fell_back", "repeats", "expired")
MEASURES = {measure.key: measure for section in SECTIONS for measure in section.measures}
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
NEAR = {
    "seconds": 1,
    "minutes": 1 / 30,
    "share": 1e-9,
    "cents": 0,
    "credits": 0,
    "count": 0,
}  # of sums of many instants


@pytest.fixture
def past(app: Flask, session: Session) -> Histories:
    """Some forty stories of four months."""
    past = Histories(app, session, 2026)
    past.happen(36)
    return past


def spans(zone: str) -> Iterator[Span]:
    now = datetime.now(UTC)
    for days in (7, 30, 90):
        yield Span.of_days(days, now, ZoneInfo(zone))
    today = now.astimezone(ZoneInfo(zone)).date()
    yield Span(today - timedelta(days=44), today - timedelta(days=3), ZoneInfo(zone))


def expected(slow: dict[Any, Slow], key: Key) -> Slow:
    of = tuple(key) if isinstance(key, Pair) else None if key == FORMER else key
    return slow.get(of, Slow([]))


def same(found: Report, slow: dict[str, dict[Any, Slow]]) -> None:
    groups = {
        "all": [found.all],
        "mechanic": found.mechanics,
        "step": found.steps,
        "hour": found.hours,
        "pair": found.pairs,
    }
    for of, those in groups.items():
        for group in those:
            _same_group(of, group, expected(slow[of], group.key))


def _same_group(of: str, group: Group, slow: Slow) -> None:
    skipped = set() if of != "pair" else set(MEASURES) - {"held", "repeats", "money", "credits", "pairs"}
    for name, measure in MEASURES.items():
        if name not in skipped:
            right = slow.value(name)
            near = right if right is None else pytest.approx(right, abs=NEAR[measure.unit])
            assert measure.value(group) == near, f"{name} by {of}, {group.key}"


def test_w7_every_figure_is_what_the_events_say_and_so_is_the_list_behind_it(past: Histories, session: Session) -> None:
    those = told(past.bookings)
    for zone in ZONES:
        for span in spans(zone):
            slow = by(those, span.first, span.last, span.zone)
            begin(session)
            found = report(session, span)
            same(found, slow)
            assert {group.key for group in found.pairs} == {key for key, its in slow["pair"].items() if its.ids("held")}
            session.rollback()
    _lists(session, by(those, span.first, span.last, span.zone), span)
    whole = Slow(those)
    assert [count for count in COUNTS if count != "repeats" and not whole.ids(count)] == []  # nothing is of nothing
    assert slow["all"][None].ids("repeats")


def _lists(session: Session, slow: dict[str, dict[Any, Slow]], span: Span) -> None:
    for of, key, wanted in _each(slow):
        count, rows = behind(session, span, wanted)
        assert {row.request.id for row in rows} == slow[of][key].ids(wanted.count), wanted
        assert count == len(rows)


def _each(slow: dict[str, dict[Any, Slow]]) -> Iterator[tuple[str, Any, Wanted]]:
    ways = {
        "all": (COUNTS, lambda key, count: Wanted(count)),
        "mechanic": (COUNTS, lambda key, count: Wanted(count, mechanic=key)),
        "step": (SOME, lambda key, count: Wanted(count, step=key)),
        "hour": (SOME, lambda key, count: Wanted(count, hour=key)),
        "pair": (["held"], lambda key, count: Wanted(count, mechanic=key[1], customer=key[0])),
    }
    for of, (counts, wanted) in ways.items():
        for key, its in slow[of].items():
            yield from ((of, key, wanted(key, count)) for count in counts if _is_shown(of, key, its, count))


def _is_shown(of: str, key: Any, slow: Slow, count: str) -> bool:
    """Who was asked about by nobody first is in no row of a mechanic; an empty day is no link."""
    if of == "mechanic":
        return key is not None
    return of == "all" or bool(slow.ids(count))
