"""How streams get into the hub's process, and what becomes of them when it does not answer; without a database."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from favorites import apart
from favorites.embedded.machine import MachineError
from favorites.live import far as far_module
from favorites.live.door import Door
from favorites.live.far import FarHub
from favorites.live.hub import Hub
from favorites.live.reader import Stream
from favorites.settings import Settings
from tests.streams import Browser, Room, running


class Feed:
    """One that is always in time, or never."""

    def __init__(self) -> None:
        self.is_ready = threading.Event()
        self.is_ready.set()

    def is_late(self) -> bool:
        return not self.is_ready.is_set()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(instance_dir=tmp_path, database_url="")


@pytest.fixture
def there() -> Iterator[Room]:
    """The hub behind the door."""
    yield from running(Hub(per_user=2, most=9))


@pytest.fixture
def here() -> Iterator[Room]:
    """The web process' own."""
    yield from running(Hub(per_user=2, most=9))


@pytest.fixture
def door(settings: Settings, there: Room) -> Iterator[Door]:
    with apart.listen(settings) as listener:
        door = Door(listener, there.hub, Feed(), grace=0.3)  # type: ignore[arg-type]
        door.start()
        yield door
        door.stop()


@pytest.fixture
def far(settings: Settings, here: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarHub]:
    """Nobody is started: who listens is what a test has made."""
    monkeypatch.setattr(apart, "start", lambda _settings: True)
    monkeypatch.setattr(apart, "TIMEOUT", 0.2)
    monkeypatch.setattr(far_module, "PATIENCE", 0.2)
    far = FarHub(settings, here.hub)
    yield far
    far.stop()


def opened(far: FarHub, room: Room, last: int, **more: object) -> Browser:
    """A stream that is handed over."""
    reader = room.reader(uuid4())
    seat = far.seat(reader.standing.user_id)
    assert seat
    ours, its = socket.socketpair()
    seat.adopt(Stream(ours, reader, last, **more), b"caf\xe9\n\n")  # type: ignore[arg-type]
    assert its.recv(6) == b"caf\xe9\n\n"
    room.browsers.append(Browser(its))
    return room.browsers[-1]


def test_a_stream_is_handed_over_whole(there: Room, here: Room, door: Door, far: FarHub) -> None:
    there.publish(1, 2, 3)
    far.start()
    browser = opened(far, there, 1, delivered=1)
    there.publish(4)
    browser.until("id: 4\n")
    assert browser.ids() == [2, 3, 4]
    (stream,) = there.hub._crowd.streams
    assert stream.reader.standing.mechanic_id == stream.excluded_as
    assert (stream.delivered, here.hub.open_streams()) == (4, 0)
    assert "event: reset" in opened(far, there, 4, is_reset=True).until("reset")


def test_limits_are_asked_there(there: Room, door: Door, far: FarHub) -> None:
    far.start()
    person = uuid4()
    for _ in range(2):
        there.listen(there.reader(user_id=person))
    seat = far.seat(person)
    assert seat
    assert str(seat.refusal).startswith("You have 2 live pages")
    opened(far, there, 0)


def test_where_nobody_listens_there_is_no_seat(far: FarHub) -> None:
    far.start()
    assert far.seat(uuid4()) is None


def test_who_dies_before_the_hand_over_loses_no_stream(
    here: Room, there: Room, door: Door, far: FarHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.start()
    reader = here.reader()
    seat = far.seat(reader.standing.user_id)
    assert seat
    seat.adopt.args[0].shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
    ours, its = socket.socketpair()
    seat.adopt(Stream(ours, reader), b"hello\n\n")
    here.browsers.append(Browser(its))
    here.publish(1)
    here.browsers[0].until("id: 1\n")
    assert (here.hub.open_streams(), there.hub.open_streams()) == (1, 0)


def test_one_that_hangs_holds_up_one_request_and_no_other(
    settings: Settings, far: FarHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far, "_watch", far._stopped.wait)  # or it would find out, too
    with apart.listen(settings):  # it lets in and says nothing
        far.start()
        far.is_well = True
        began = time.monotonic()
        assert [far.seat(uuid4()) for _ in range(20)] == [None] * 20
        assert time.monotonic() - began < 1


def test_a_feed_that_is_late_there_sends_streams_here(door: Door, far: FarHub) -> None:
    far.start()
    assert far.is_well
    door._feed.is_ready.clear()
    assert far.seat(uuid4()) is None
    deadline = time.monotonic() + 5
    while far.is_well:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_stays_while_somebody_watches_and_a_little_longer(settings: Settings, door: Door) -> None:
    waits = threading.Thread(target=door.wait)
    with apart.connect(settings) as watcher:
        assert apart.ask(watcher, {"what": "watch"}) == {"is_well": True}
        waits.start()
        waits.join(0.5)  # longer than its grace
        assert waits.is_alive()
    waits.join(5)
    assert not waits.is_alive()


def test_it_is_stopped_at_once_unless_somebody_else_watches(
    settings: Settings, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("favorites.live.door.LEAVING", 0.1)
    door._grace = 60.0
    with apart.connect(settings) as watcher, apart.connect(settings) as arbiter:
        apart.ask(watcher, {"what": "watch"})
        assert apart.ask(arbiter, {"what": "stop"}) == {"stops": False}
        watcher.close()
        assert apart.ask(arbiter, {"what": "stop"}) == {"stops": True}
    door.wait()


def test_what_makes_no_sense_ends_that_connection_only(
    settings: Settings, there: Room, door: Door, far: FarHub, caplog: pytest.LogCaptureFixture
) -> None:
    with apart.connect(settings) as line:
        line.sendall(b"\0\0\0\2[]")
        assert line.recv(1) == b""
    assert "makes no sense" in caplog.text
    far.start()
    opened(far, there, 0)


def test_the_socket_is_ours_alone_and_its_name_is_short_enough(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    for instance in (tmp_path, deep):
        settings = Settings(instance_dir=instance)
        with apart.listen(settings):
            place = apart.listening(settings)
            assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
            assert len(str(place)) <= 107
        place.unlink()
    place.parent.chmod(0o755)
    with pytest.raises(MachineError, match="open to others"):
        apart.listening(settings)
    place.parent.rmdir()


def test_each_database_has_its_own(tmp_path: Path) -> None:
    urls = ("", "postgresql://one", "postgresql://two")
    assert len({apart.listening(Settings(instance_dir=tmp_path, database_url=url)) for url in urls}) == 3
