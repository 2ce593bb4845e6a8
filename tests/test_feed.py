"""The feed, on the real database: nothing is lost, whatever becomes of hints and connections, and who may no longer
listen is cut off."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from favorites import db
from favorites.dispatch import boards
from favorites.live import care as care_module
from favorites.live import feed as feed_module
from favorites.live import line as line_module
from favorites.live.feed import Feed
from favorites.live.hub import Hub
from favorites.live.reader import Reader
from favorites.live.resume import resume
from favorites.live.ring import Ring
from favorites.models import Audience, Customer, Kind, Mechanic, RequestEvent, SessionRequest, SignIn, User, Workshop
from favorites.queries import events, standing
from favorites.queries.standing import Standing
from tests.streams import Browser, Room, running


class House:
    """A database with a few people of its own, and a feed on it."""

    def __init__(self, session: Session, room: Room) -> None:
        self.session, self.room = session, room
        self.woken: list[datetime] = []
        self.feed = Feed(room.hub, self.woken.append)
        room.hub.each_second.append(self.feed.watch)
        user = self.add(self.user("customer"))
        customer = self.add(Customer(user_id=user.id, first_name="Ana"))
        wish = self.add(SessionRequest(customer_id=customer.id, session_type="chat", plan_code="chat10"))
        self.customer_id, self.request_id = customer.id, wish.id
        self.standing = Standing(self.sign_in(user.id), user.id, "customer")
        self.reader = Reader(self.standing, frozenset({f"request:{wish.id}"}))

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.commit()
        return row

    def user(self, role: str) -> User:
        return User(email=f"{uuid4()}@example.org", role=role, fs_uniquifier=uuid4().hex)

    def sign_in(self, user_id: UUID) -> UUID:
        end = datetime.now(UTC) + timedelta(days=1)
        sign_in_id: UUID = self.add(SignIn(user_id=user_id, key_hash=uuid4().hex, expires_at=end)).id
        return sign_in_id

    def mechanic(self) -> Reader:
        user = self.add(self.user("mechanic"))
        mechanic = self.add(Mechanic(user_id=user.id, first_name="Marco", status="approved"))
        standing = Standing(self.sign_in(user.id), user.id, "mechanic", mechanic.id)
        return Reader(standing, frozenset({"mechanics", f"mechanic:{mechanic.id}"}))

    def happen(self, kind: Kind = Kind.REQUEST_BROADCAST, **more: Any) -> int:
        """One event of the session request; its id."""
        row = {"session_request_id": self.request_id, "kind": kind, "audience": Audience.CUSTOMER, **more}
        id_: int = self.session.execute(insert(RequestEvent).values(row).returning(RequestEvent.id)).scalar_one()
        self.session.commit()
        return id_

    def run(self, statement: str, **values: Any) -> Any:
        result = self.session.execute(text(statement), values)
        rows = result.all() if result.returns_rows else None
        self.session.commit()
        return rows

    def feed_pid(self) -> int:
        """The server process of the feed's connection."""
        pid: int = self.feed._connection.info.backend_pid  # type: ignore[union-attr]
        return pid

    def listen(self, reader: Reader | None = None, after: int | None = None) -> Browser:
        def backlog(since: int, limit: int) -> list[events.Signal]:
            return events.customer_backlog(self.session, self.request_id, since, limit)

        start = resume(self.session, self.room.hub.ring, None if after is None else str(after), backlog)
        self.session.rollback()
        reader = reader or self.reader
        browser = self.room.listen(reader, start.last, delivered=start.delivered, is_reset=start.is_reset)
        browser.text = start.missed.decode() + browser.text
        return browser


@pytest.fixture
def room() -> Iterator[Room]:
    yield from running(Hub(per_user=1000, most=1000, ring=Ring(3)))


@pytest.fixture
def house(app: object, room: Room) -> Iterator[House]:
    engine = create_engine("postgresql+psycopg2://", creator=db.connect, poolclass=NullPool)
    with Session(engine, expire_on_commit=False) as session:
        house = House(session, room)
        house.feed.start()
        assert house.feed.is_ready.wait(5)
        yield house
        house.feed.stop()


def test_an_event_reaches_the_stream_at_once(house: House) -> None:
    browser = house.listen()
    began = time.monotonic()
    id_ = house.happen()
    assert f"event: request_broadcast\nid: {id_}\ndata: {{" in browser.until(f"id: {id_}\n")
    assert time.monotonic() - began < 1.5  # by the hint: the next look would come after two seconds


def test_a_lost_hint_costs_seconds_never_an_event(house: House) -> None:
    browser = house.listen()
    house.run("ALTER TABLE request_events DISABLE TRIGGER request_events_hint")
    try:
        began = time.monotonic()
        ids = [house.happen(), house.happen()]
        browser.until(f"id: {ids[1]}\n")
        assert time.monotonic() - began < feed_module.POLL + 1
        assert browser.ids() == ids
    finally:
        house.run("ALTER TABLE request_events ENABLE TRIGGER request_events_hint")


def test_a_lost_connection_is_made_again_and_nothing_is_missed(house: House) -> None:
    browser = house.listen()
    ids = []
    for _ in range(3):
        ids.append(house.happen())
        house.run("SELECT pg_terminate_backend(:pid, 1000)", pid=house.feed_pid())
        ids.append(house.happen())
        browser.until(f"id: {ids[-1]}\n")
    assert browser.ids() == ids
    assert "reset" not in browser.text


def test_a_connection_that_hangs_is_cut_loose(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "POLL", 0.3)
    monkeypatch.setattr(care_module, "CHECK", 0.3)
    monkeypatch.setattr(line_module, "TOO_LONG", 3.0)
    browser = house.listen()
    browser_ids = [house.happen()]
    browser.until(f"id: {browser_ids[0]}\n")
    pid = house.feed_pid()
    os.kill(pid, signal.SIGSTOP)  # as if half open: it will never answer
    try:
        browser_ids.append(house.happen())
        browser.sock.settimeout(15)
        browser.until(f"id: {browser_ids[1]}\n")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert browser.ids() == browser_ids


def test_care_that_hangs_is_cut_loose(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care_module, "CHECK", 0.3)
    monkeypatch.setattr(feed_module, "POLL", 0.3)
    monkeypatch.setattr(line_module, "TOO_LONG", 2.0)
    browser = house.listen()
    house.feed.care.wake()
    house.room.until(lambda: house.feed.care._connection is not None)
    pid = house.feed.care._connection.info.backend_pid  # type: ignore[union-attr]
    os.kill(pid, signal.SIGSTOP)
    try:
        house.run("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE id = :id", id=house.standing.sign_in_id)
        browser.sock.settimeout(10)
        assert browser.is_cut()
    finally:
        os.kill(pid, signal.SIGCONT)


def test_news_does_not_wait_while_streams_are_looked_after(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured: with 10,000 streams the look took an eighth of a second each time, and the boards a fifth."""
    looks, may_go_on = threading.Event(), threading.Event()

    def look(*_: object) -> dict[Standing, bool]:
        looks.set()
        assert may_go_on.wait(10)
        return {}

    monkeypatch.setattr(standing, "lost", look)
    browser = house.listen()
    house.run("NOTIFY control")
    assert looks.wait(5)
    browser.until(f"id: {house.happen()}\n")
    may_go_on.set()


def test_many_streams_are_looked_after_in_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care_module, "BATCH", 1)
    readers = [house.mechanic() for _ in range(3)]
    streams = [house.listen(reader) for reader in readers]
    house.feed.care._boards_at = 0.0
    house.feed.care.wake()
    seen = "SELECT count(*) FROM mechanics WHERE board_seen_at IS NOT NULL"
    house.room.until(lambda: house.run(seen) == [(3,)])
    for reader in readers[1:]:
        house.run("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE id = :id", id=reader.standing.sign_in_id)
    assert all(stream.is_cut() for stream in streams[1:])
    assert house.room.hub.standings() == [readers[0].standing]


def test_every_border_of_ring_and_table_is_exact(house: House) -> None:
    first = house.happen()
    ids = [first, *(house.happen() for _ in range(7))]
    house.room.until(lambda: house.room.hub.ring.newest == ids[-1])  # the ring of 3 knows less than the table
    browsers = {after: house.listen(after=after) for after in range(first - 1, ids[-1] + 1)}
    last = house.happen()
    for after, browser in browsers.items():
        browser.until(f"id: {last}\n")
        assert browser.ids() == [id_ for id_ in [*ids, last] if id_ > after]


def test_who_comes_back_to_a_new_process_costs_it_no_query(house: House) -> None:
    """Found by 1,000 streams through a kill -9: each asked the table for what all of them had missed."""
    ids = [house.happen() for _ in range(3)]
    for room in running(Hub(per_user=9, most=9)):
        feed = Feed(room.hub, house.woken.append)
        feed.start()
        assert feed.is_ready.wait(5)
        start = resume(house.session, room.hub.ring, str(ids[0]), lambda *_: pytest.fail("asked the table"))
        browser = room.listen(house.reader, start.last, delivered=start.delivered, is_reset=start.is_reset)
        browser.until(f"id: {ids[-1]}\n")
        assert browser.ids() == ids[1:]
        feed.stop()


def test_events_between_the_read_and_the_adoption_are_neither_lost_nor_doubled(house: House) -> None:
    ids = [house.happen() for _ in range(6)]
    house.room.until(lambda: house.room.hub.ring.newest == ids[-1])

    def backlog(since: int, limit: int) -> list[events.Signal]:
        found = events.customer_backlog(house.session, house.request_id, since, limit)
        ids.extend(house.happen() for _ in range(2))  # these come while the view still works
        return found

    start = resume(house.session, house.room.hub.ring, str(ids[0]), backlog)
    house.room.until(lambda: house.room.hub.ring.newest == ids[-1])
    browser = house.room.listen(house.reader, start.last, delivered=start.delivered)
    browser.text = start.missed.decode() + browser.text
    ids.append(house.happen())
    browser.until(f"id: {ids[-1]}\n")
    assert browser.ids() == sorted({*browser.ids()})
    assert set(browser.ids()) == set(ids[1:])


@pytest.mark.parametrize("asked", ["-1", "abc", "", "1.0", "٣", "9" * 20, str(2**63), str(2**63 - 1)])
def test_what_cannot_be_resumed_is_reset(house: House, asked: str) -> None:
    house.happen()
    assert resume(house.session, house.room.hub.ring, asked, lambda *_: []).is_reset


def test_older_than_what_is_kept_is_reset(house: House) -> None:
    house.happen()
    for _ in range(8):
        newest = house.happen()
    house.room.until(lambda: house.room.hub.ring.newest == newest)
    house.run("DELETE FROM request_events WHERE id <= :id", id=newest - 4)
    assert f"event: reset\nid: {newest}\n" in house.listen(after=newest - 6).until("event: reset")
    assert "reset" not in house.listen(after=newest - 4).text


def test_a_backlog_that_is_too_long_is_reset(house: House) -> None:
    row = {"session_request_id": house.request_id, "kind": Kind.REQUEST_BROADCAST, "audience": Audience.CUSTOMER}
    first = house.happen()
    house.session.execute(insert(RequestEvent), [row] * 201)
    newest = house.happen()
    house.room.until(lambda: house.room.hub.ring.newest == newest)
    assert house.listen(after=newest - 200).text.count("event: request_broadcast") == 200
    assert "event: reset" in house.listen(after=first).until("event: reset")


def test_a_backlog_that_nobody_can_make_sense_of_is_reset(house: House, caplog: pytest.LogCaptureFixture) -> None:
    ids = [house.happen() for _ in range(6)]
    house.room.until(lambda: house.room.hub.ring.newest == ids[-1])

    def backlog(_since: int, _limit: int) -> list[events.Signal]:
        raise AttributeError("it has no words")

    assert resume(house.session, house.room.hub.ring, str(ids[0]), backlog).is_reset
    assert "cannot be told" in caplog.text


def test_the_page_may_know_more_than_the_feed(house: House) -> None:
    house.feed.stop()
    id_ = house.happen()
    start = resume(house.session, house.room.hub.ring, str(id_), lambda *_: [])
    assert (start.last, start.is_reset) == (id_, False)
    house.feed = Feed(house.room.hub, house.woken.append)
    house.feed.start()


ENDS = {
    "sign-out": "UPDATE sign_ins SET ended_at = clock_timestamp() WHERE id = :sign_in",
    "deletion of the sign-in": "DELETE FROM sign_ins WHERE id = :sign_in",
    "password": "UPDATE users SET password = 'x' WHERE id = :user",
    "role": "UPDATE users SET role = 'admin' WHERE id = :user",
    "deactivation": "UPDATE users SET active = false WHERE id = :user",
    "deletion": "DELETE FROM users WHERE id = :user",
    "suspension": "UPDATE mechanics SET status = 'suspended' WHERE id = :mechanic",
    "another workshop": "UPDATE mechanics SET workshop_id = :workshop WHERE id = :mechanic",
}


@pytest.mark.parametrize("what", ENDS)
def test_who_may_no_longer_listen_is_cut_off_at_once(house: House, what: str) -> None:
    workshop = house.add(Workshop(slug=uuid4().hex, name="Harbor Garage"))
    reader = house.mechanic()
    theirs, other = house.listen(reader), house.listen()
    sign_in, user, _, mechanic, _ = reader.standing
    began = time.monotonic()
    house.run(ENDS[what], **_used(ENDS[what], sign_in=sign_in, user=user, mechanic=mechanic, workshop=workshop.id))
    assert theirs.is_cut()
    assert time.monotonic() - began < 2  # by the hint: the next look would come after four seconds
    assert "ping" not in other.text
    assert house.room.hub.standings() == [house.standing]


def _used(statement: str, **values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f":{name}" in statement}


def test_without_a_hint_it_takes_five_seconds(house: House) -> None:
    browser = house.listen()
    house.run("ALTER TABLE sign_ins DISABLE TRIGGER sign_ins_control_hint")
    try:
        began = time.monotonic()
        house.run("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE id = :id", id=house.standing.sign_in_id)
        browser.sock.settimeout(6)
        assert browser.is_cut()
        assert time.monotonic() - began < 5
    finally:
        house.run("ALTER TABLE sign_ins ENABLE TRIGGER sign_ins_control_hint")


def test_a_sign_in_that_runs_out_ends_the_stream(house: House) -> None:
    browser = house.listen()
    house.run("UPDATE sign_ins SET expires_at = clock_timestamp() WHERE id = :id", id=house.standing.sign_in_id)
    browser.sock.settimeout(6)
    assert browser.is_cut()


def test_open_boards_are_written_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care_module, "BOARDS", 0.1)
    here, away = house.mechanic(), house.mechanic()
    house.listen(here)
    house.feed.care._boards_at = 0.0
    house.feed.care.wake()
    seen = "SELECT board_seen_at > clock_timestamp() - interval '5 s' FROM mechanics WHERE id = :id"
    house.room.until(lambda: house.run(seen, id=here.standing.mechanic_id) == [(True,)])
    assert house.run(seen, id=away.standing.mechanic_id) == [(None,)]


def test_a_board_whose_row_is_held_waits_for_nobody(house: House) -> None:
    here, held = house.mechanic().standing.mechanic_id, house.mechanic().standing.mechanic_id
    assert here
    assert held
    holder = db.connect()
    with holder, holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM mechanics WHERE id = %s FOR SHARE", [str(held)])
        boards.seen(house.session, [here, held])
    holder.close()
    rows = house.run("SELECT id FROM mechanics WHERE board_seen_at IS NOT NULL AND id IN (:a, :b)", a=here, b=held)
    assert rows == [(here,)]


def test_the_scheduler_hears_of_a_deadline(house: House) -> None:
    mechanic_id = house.mechanic().standing.mechanic_id
    offer = "SET preferred_mechanic_id = :mechanic, priority_notified_at = clock_timestamp()"
    house.run(f"UPDATE session_requests {offer} WHERE id = :id", mechanic=mechanic_id, id=house.request_id)
    house.happen(Kind.PRIORITY_SESSION_REQUEST, audience=Audience.MECHANIC, mechanic_id=mechanic_id)
    house.room.until(lambda: bool(house.woken))
    deadline = house.run("SELECT priority_expires_at FROM session_requests WHERE id = :id", id=house.request_id)
    assert house.woken == [deadline[0][0]]


def test_the_streams_are_told_before_whoever_an_event_wakes(house: House) -> None:
    order = list[str]()
    later = list[Callable[[], None]]()
    hub: Any = SimpleNamespace(publish=lambda _: order.append("streams"), afterwards=later.append)
    feed = Feed(hub, lambda _: order.append("scheduler"), lambda: order.append("sender of pushes"))  # not started
    feed._last = house.happen(Kind.REQUEST_ACCEPTED) - 1
    feed._read(house.session)
    assert order == ["streams"]
    [then] = later  # the hub's thread comes to it when all are told
    then()
    assert order == ["streams", "sender of pushes"]


def test_the_hub_learns_the_database_s_clock(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("favorites.queries.standing.clock", lambda: text("clock_timestamp() + interval '1 day'"))
    house.run("NOTIFY control")
    house.room.until(lambda: house.room.hub.skew > timedelta(hours=23))
    assert datetime.fromisoformat(house.room.hub.now()) > datetime.now(UTC) + timedelta(hours=23)


def test_a_table_that_went_back_is_a_new_beginning(house: House) -> None:
    browser = house.listen()
    browser.until(f"id: {house.happen()}\n")
    house.run("DELETE FROM request_events")
    house.run("SELECT pg_terminate_backend(:pid, 1000)", pid=house.feed_pid())
    browser.until("event: reset\nid: 0\n")
    id_ = house.happen()
    browser.until(f"id: {id_}\n")


def test_many_events_come_in_batches(house: House) -> None:
    row = {"session_request_id": house.request_id, "kind": Kind.REQUEST_BROADCAST, "audience": Audience.CUSTOMER}
    browser = house.listen()
    house.session.execute(insert(RequestEvent), [row] * (feed_module.BATCH + 10))
    last = house.happen()
    browser.until(f"id: {last}\n")
    assert len(browser.ids()) == feed_module.BATCH + 11


def test_an_event_is_read_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The read that found it is not followed by one that finds nothing, beside the hub that writes it to everybody."""
    whole, asked = events.events_after, list[int]()

    def read(session: Session, after: int, limit: int) -> list[events.Signal]:
        if session is house.session:  # the house's own feed reads, too, whenever it likes
            asked.append(after)
        return whole(session, after, limit)

    monkeypatch.setattr(events, "events_after", read)
    feed = Feed(house.room.hub, house.woken.append)  # not started: nobody but us tells it to read
    feed._last = house.happen() - 1
    feed._read(house.session)
    assert asked == [feed._last - 1]


def test_a_row_that_makes_no_sense_silences_nothing_that_follows(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    browser = house.listen()
    whole = events.events_after
    nonsense = house.happen() + 2

    def read(session: Session, after: int, limit: int) -> list[events.Signal]:
        signals = whole(session, after, limit)
        if any(signal.id == nonsense for signal in signals):
            raise AttributeError("it has no words")
        return signals

    monkeypatch.setattr(events, "events_after", read)
    row = {"session_request_id": house.request_id, "kind": Kind.REQUEST_BROADCAST, "audience": Audience.CUSTOMER}
    house.session.execute(insert(RequestEvent), [row] * 3)
    house.session.commit()
    browser.until(f"id: {nonsense + 1}\n")
    assert browser.ids() == [nonsense - 2, nonsense - 1, nonsense + 1]
    assert f"event {nonsense} cannot be told" in caplog.text
