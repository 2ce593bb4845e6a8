"""HUB_PROCESS and WORKERS, on real servers: streams outlive whoever serves the pages, and nobody's news is lost."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import psutil
import pytest

from favorites.embedded.connection import url
from favorites.postgres import home_of
from tests.crowds import crowd
from tests.ears import Ear
from tests.faults.town import SECRET, Person, Town
from tests.pushing import PushService, push_service, subscription
from tests.scratch import migrated_database
from tests.server import Server, clear, is_stopped, new_instance, until

PER_PERSON = 3
SETTINGS = {"SECRET_KEY": SECRET, "STREAMS_PER_USER": str(PER_PERSON), "WORKERS": "2", "HUB_PROCESS": "1"}
WISH = "INSERT INTO session_requests (customer_id, session_type, plan_code) VALUES (%s, 'chat', 'chat10') RETURNING id"
OFFER = """INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id,
             priority_notified_at) VALUES (%s, 'chat', 'chat10', 'priority_broadcast', %s, clock_timestamp())"""
EVENT = """INSERT INTO request_events (session_request_id, kind, audience)
           VALUES (%s, 'request_broadcast', 'customer') RETURNING id"""


class Wish(NamedTuple):
    """A customer who waits."""

    town: Town
    customer: Person
    id: str
    ears: list[Ear]

    @property
    def path(self) -> str:
        return f"/customer/requests/{self.id}/events"

    def ear(self, server: Server) -> Ear:
        self.ears.append(Ear(server.port, self.path, self.customer.cookie))
        return self.ears[-1]

    def signs_out(self) -> None:
        whose = "user_id = (SELECT user_id FROM customers WHERE id = %s)"
        self.town.sql(f"UPDATE sign_ins SET ended_at = clock_timestamp() WHERE {whose}", self.customer.id)

    def happens(self) -> int:
        """News for the customer; its id."""
        return int(self.town.one(EVENT, self.id))


@contextmanager
def wish_in(town: Town) -> Iterator[Wish]:
    customer = town.customer()
    wish = Wish(town, customer, str(town.one(WISH, customer.id)), [])
    yield wish
    for ear in wish.ears:
        ear.close()
    town.close()


def hubs(instance: Path) -> list[psutil.Process]:
    """The hub's processes of this instance that live."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if "favorites.live.process" in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and process.environ()["INSTANCE_DIR"] == str(instance)
    ]


def streams_of(process: psutil.Process, server: Server) -> int:
    return sum(
        each.laddr.port == server.port for each in process.net_connections("tcp") if each.status == "ESTABLISHED"
    )


def far_ear(server: Server, wish: Wish) -> Ear:
    """A stream that the hub's process holds: one that has just been started is not known to each worker at once."""

    def handed_over() -> Ear | None:
        (hub,) = hubs(server.instance)
        before, ear = streams_of(hub, server), wish.ear(server)
        assert ear.status == 200
        deadline = time.monotonic() + 1
        while streams_of(hub, server) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        if streams_of(hub, server) > before:
            return ear
        ear.close()
        return None

    return until(handed_over, "the hub's process takes a stream", 30)


@pytest.fixture(scope="module")
def instance() -> Iterator[Path]:
    instance = new_instance()
    yield instance
    clear(instance)


@pytest.fixture(scope="module")
def pushes() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture(scope="module")
def server(instance: Path, pushes: PushService) -> Iterator[Server]:
    with Server(instance, **SETTINGS, PUSH_HOSTS=json.dumps([pushes.host])) as server:
        server.ready()
        yield server


@pytest.fixture
def wish(server: Server) -> Iterator[Wish]:
    with wish_in(Town(url(home_of(server.instance)))) as wish:
        yield wish


def test_streams_live_in_their_process_and_stay_there_through_a_deploy(server: Server, wish: Wish) -> None:
    (hub,) = hubs(server.instance)
    ear, before = wish.ear(server), {worker.pid for worker in server.workers()}
    assert len(before) == 2
    id_ = wish.happens()
    assert ear.until("request_broadcast").id == id_
    assert (streams_of(hub, server), [streams_of(each, server) for each in server.workers()]) == (1, [0, 0])
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: len(server.workers()) == 2 and not before & {each.pid for each in server.workers()}, "new workers")
    id_ = wish.happens()
    assert ear.until("request_broadcast").id == id_
    assert ear.is_open
    assert wish.ear(server).status == 200
    until(lambda: streams_of(hub, server) == 2, "the new workers hand over to the same process", 5)


def test_an_offer_is_pushed_once_whoever_hears_of_it_and_so_is_its_end(
    server: Server, wish: Wish, pushes: PushService
) -> None:
    mechanics = [wish.town.mechanic() for _ in range(6)]
    for mechanic in mechanics:
        told = json.dumps(subscription(pushes.endpoint(mechanic.id))).encode()
        headers = {"Cookie": mechanic.cookie, "X-CSRFToken": mechanic.token, "Accept": "application/json"}
        request = Request(f"{server.url}/mechanic/push", told, {**headers, "Content-Type": "application/json"})
        assert urlopen(request, timeout=10).status == 200
    paths = sorted(f"/{mechanic.id}" for mechanic in mechanics)
    for mechanic in mechanics:
        wish.town.sql(OFFER, wish.town.customer().id, mechanic.id)
    until(lambda: len(pushes.heard) >= len(paths), "each is told", 10)
    wish.town.sql("UPDATE session_requests SET status = 'cancelled', closed_at = now() WHERE status = 'pending'")
    until(lambda: wish.town.one("SELECT count(*) FROM push_sendings") == 0, "each is told that it is over", 10)
    assert sorted(each.path for each in pushes.heard if "until" in each.told) == paths
    assert sorted(each.path for each in pushes.heard if "until" not in each.told) == paths


def test_a_person_s_streams_are_counted_in_one_place(server: Server, wish: Wish) -> None:
    statuses = [wish.ear(server).status for _ in range(PER_PERSON + 8)]
    assert statuses == [200] * PER_PERSON + [503] * 8  # whichever worker is asked


def test_signing_out_ends_the_stream_there_too(server: Server, wish: Wish) -> None:
    ear = wish.ear(server)
    wish.signs_out()
    assert ear.until_closed() < 2


def test_killed_it_is_back_at_once_and_nobody_has_missed_anything(server: Server, wish: Wish) -> None:
    (hub,) = hubs(server.instance)
    with crowd(lambda: server.port, wish.path, [wish.customer.cookie] * PER_PERSON) as listening:
        ids = [wish.happens()]
        assert listening.all_heard("request_broadcast", ids, 5) == []
        hub.kill()
        ids += [wish.happens(), wish.happens()]
        until(lambda: [each for each in hubs(server.instance) if each.pid != hub.pid], "it lives again", 3)
        listening.all_open(10)
        ids.append(wish.happens())
        assert listening.all_heard("request_broadcast", ids, 5) == []


def test_it_outlives_a_killed_server_and_ends_with_the_next_one(server: Server, wish: Wish) -> None:
    ear = far_ear(server, wish)
    for process in [psutil.Process(server.process.pid), *server.workers()]:
        process.kill()
    server.process.wait(30)
    with Server(server.instance, **SETTINGS) as again:
        again.ready()
        id_ = wish.happens()
        assert ear.until("request_broadcast", within=15).id == id_  # where a hint is lost it takes five seconds
        wish.town.close()
        assert again.end(signal.SIGTERM) == 0
        assert hubs(server.instance) == []
        assert is_stopped(server.instance)
        assert "Traceback" not in again.said()


def test_two_workers_hold_streams_and_each_hears_everything_once(tmp_path: Path) -> None:
    with (
        migrated_database() as database,
        Server(
            tmp_path / "instance", DATABASE_URL=database.url, SECRET_KEY=SECRET, WORKERS="2", STREAMS_PER_USER="200"
        ) as server,
    ):
        server.ready()
        with wish_in(Town(database.url)) as wish:
            for _ in range(200):
                wish.ear(server)
                held = [streams_of(worker, server) for worker in server.workers()]
                if min(held) and len(wish.ears) > 9:
                    break
            assert (sum(held), min(held) > 0) == (len(wish.ears), True)
            ids = [wish.happens() for _ in range(20)]
            for ear in wish.ears:
                until(lambda ear=ear: ear.drain() or len(ear.all) >= len(ids), "all is heard", 5)
                assert [heard.id for heard in ear.all] == ids
