"""Streams, and the connection that feeds them, under all that befalls them: the short form of `make faults`."""

import select
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cast import Customer, Mechanic
from tests.crowds import crowd
from tests.database import sql
from tests.faults import deploys, notify, readers, streams
from tests.faults.news import BOARD
from tests.faults.notify import Wire
from tests.faults.streams import EACH, Scene

STREAMS = 100
CAR = "\U0001f697"
LONG = {"concern": CAR * 2000, "name": CAR * 100, "city": CAR * 100, "make": CAR * 60, "model": CAR * 60}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with notify.wire() as wire:
        yield wire
    assert wire.here.violations == []


@pytest.fixture
def right(wire: Wire) -> Iterator[Wire]:
    """The wire; nothing goes wrong on it."""
    before = len(wire.here.violations)
    yield wire
    assert wire.here.violations[before:] == []


@pytest.fixture(scope="module")
def scene(wire: Wire) -> Iterator[Scene]:
    people = [wire.here.town.mechanic() for _ in range(STREAMS // EACH)]
    cookies = [people[number % len(people)].cookie for number in range(STREAMS)]
    with crowd(lambda: wire.server.port, f"{BOARD}?after={wire.told.since}", cookies) as listening:
        yield Scene(wire.here, wire.server, wire.told, people, listening)


def test_k16_a_half_open_listen_is_found(right: Wire) -> None:
    notify.half_open(right)


def test_k17_hints_that_were_lost_while_reconnecting_cost_nothing(right: Wire) -> None:
    notify.lost_while_reconnecting(right)


def test_v29_without_notify_all_comes_by_the_poll(right: Wire) -> None:
    notify.without_notify(right)


def test_k19_the_listening_session_is_in_no_transaction(right: Wire) -> None:
    notify.queue(right, 20)


def test_k64_a_network_that_swallows_all_is_503_and_then_it_heals(right: Wire) -> None:
    notify.partition(right, 6)


def test_k53_k56_streams_take_neither_threads_nor_sessions(right: Wire, scene: Scene) -> None:
    streams.pages_answer(scene)
    streams.few_sessions(scene)


def test_k46_who_reads_nothing_is_cut_and_delays_nobody(right: Wire, scene: Scene) -> None:
    readers.glut(scene)


def test_k58_a_deploy_brings_all_streams_back(right: Wire, scene: Scene) -> None:
    deploys.deploy(scene, deploys.hup)


def test_k47_kill_9_brings_all_streams_back_with_nothing_lost(right: Wire, scene: Scene) -> None:
    streams.kill(scene)


def test_k18_two_thousand_emoji_in_every_field_and_notify_carries_none(
    connect: Callable[[], Any], ana: Customer, marco: Mechanic, nadia: Mechanic, flag_on: None
) -> None:
    listener = connect()
    listener.autocommit = True
    listener.cursor().execute("LISTEN request_events")
    ana.favors(marco)
    sql("UPDATE customers SET first_name = %s, last_name = %s", CAR * 80, CAR * 80)
    request_id = ana.books_again(marco, plate=CAR * 20, **LONG)
    assert marco.hears("priority_session_request").data["request"]["concern"] == LONG["concern"]
    ana.does(request_id, "open")
    assert CAR * 60 in nadia.hears("new_request").data["request"]["vehicle"]
    select.select([listener], [], [], 5)
    listener.poll()
    assert {notice.payload for notice in listener.notifies} == {""}
