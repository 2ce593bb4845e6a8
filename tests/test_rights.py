"""V9, V20, V23: every route, by everybody, in every state of a session request; the matrix is tests/rights.toml."""

import os
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from favorites.dispatch import fallback
from favorites.live import live_of
from favorites.settings import current
from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import sql
from tests.hashes import cheap_hashes
from tests.matrix import IDS, PAGE, PROGRAM, STATES, Answer, Player, Route, Row, Town, checksum, kept, matrix, routes

# `make test` asks by turns: as a page or as a program; in each third state what is the same in every state, nobody's
# ids and deleted ones. The long form asks everything in every state, and both ways.
BOTH = "RIGHTS" in os.environ
TO_SIGN_IN, HIDDEN = (303, 401), {401, 403, 404}


@pytest.fixture
def gone(invite: Callable[..., Customer]) -> dict[str, str]:
    """Ids that were somebody's: all of it is deleted."""
    customer, mechanic = invite(Customer, "Gil", "Gone"), invite(Mechanic, "Gus", "Gone")
    request_id: UUID = customer.books()
    ((consultation,),) = sql("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    car = customer.saves_a_car()
    ((workshop,),) = sql("INSERT INTO workshops (slug, name) VALUES ('gone', 'Gone') RETURNING id")
    sql("DELETE FROM users WHERE id IN (%s, %s)", customer.user_id, mechanic.user_id)
    sql("DELETE FROM workshops WHERE id = %s", workshop)
    assert not sql("SELECT FROM sessions")
    return dict(zip(IDS, map(str, (request_id, consultation, mechanic.id, customer.id, car, workshop)), strict=True))


@pytest.fixture
def town(
    app: Flask,
    session: Session,
    gone: dict[str, str],
    flag_on: None,
    ana: Customer,
    ben: Customer,
    marco: Mechanic,
    nadia: Mechanic,
    rita: Mechanic,
    zed: Mechanic,
    olga: Owner,
    invite: Callable[..., Mechanic],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Town]:
    """Everybody is there, no stream is open, and the engine beats."""
    sam = invite(Mechanic, "Sam", "Weld", status="suspended")
    for mechanic in (marco, nadia, rita):
        mechanic.leaves()
    ana.favors(marco)
    sql("UPDATE users SET confirmed_at = NULL WHERE id = %s", ana.user_id)  # there is something left to confirm
    sql("INSERT INTO engine_beats (leader, lapsed, expired) VALUES ('x', 0, 0)")
    monkeypatch.setattr(live_of(app).hub, "per_user", 10_000)
    monkeypatch.setattr(current(), "poll_seconds", 3600)  # in the long form three ordinary periods pass
    assert live_of(app).feed.is_ready.wait(5)
    ids = dict.fromkeys(IDS, NOBODY) | {"mechanic_id": str(marco.id), "customer_id": str(ana.id)}
    ids["vehicle_id"] = str(ana.saves_a_car())
    ids["user_id"] = str(ana.user_id)
    ids["workshop_id"] = str(sql("SELECT id FROM workshops")[0].id)
    sent = {"subscription_id": NOBODY, "event_id": "1"}
    known = {**ids, **sent, "photo_id": str(UUID(int=7)), "slug": "harbor-garage", "filename": "css/base.css"}
    with cheap_hashes(app):
        yield Town(app, ana, ben, marco, nadia, rita, zed, sam, olga, lambda: fallback.sweep(session), known)


class Cell:
    """One route for one person; `turn` decides how it is asked."""

    def __init__(self, player: Player, state: str, route: Route, name: str, turn: int, gone: dict[str, str]) -> None:
        self.player, self.route, self.name = player, route, name
        self.rule, self.row = routes(player.town.app)[route], matrix()[str(route)]
        named, is_in_turn = set(IDS) & set(self.rule.arguments), BOTH or turn % 3 == 0
        self.column = player.town.people()[name][0]
        self.expected = self.row.cell(state, self.column)
        kinds, others = ((PAGE, PROGRAM), ({key: NOBODY for key in IDS}, gone))
        self.is_due = is_in_turn or len(self.row.states) > 1
        self.kind = kinds[turn % 2]
        self.others = (others if BOTH else (others[turn // 2 % 2],)) if named and is_in_turn else ()

    def __str__(self) -> str:
        return f"{self.route} by {self.name} ({self.column}) as a {self.kind}"

    @property
    def changes(self) -> bool:
        """Whether it is to do something."""
        return self.route.method == "POST" and self.expected[0] < 400 and self.expected != TO_SIGN_IN

    def ask(self, ids: dict[str, str] | None = None) -> Answer:
        return self.player.call(self.name, self.route, self.rule, self.kind, ids)

    def mistakes(self) -> Iterator[str]:
        """What is not as it is written."""
        answer = self.ask()
        if answer.status != (expected := self.expected[self.kind == PROGRAM]):
            yield f"{self}: {answer.status} instead of {expected}"
        if answer.status in HIDDEN or self.expected == TO_SIGN_IN:
            yield from (f"{self} is not like a missing one" for each in self.others if self.ask(each) != answer)

    def mistakes_where_nothing_is(self) -> Iterator[str]:
        """As `mistakes`, with ids that are nobody's."""
        for ids in self.others:
            expected = self.row.missing[self.column][self.kind == PROGRAM]
            if (status := self.ask(ids).status) != expected:
                yield f"{self} where nothing is: {status} instead of {expected}"


def cells(player: Player, state: str, gone: dict[str, str]) -> list[Cell]:
    """All of a state that are due."""
    turn = list(STATES).index(state)
    found = [
        Cell(player, state, route, name, turn + across + down + kind, gone)
        for down, route in enumerate(routes(player.town.app))
        for across, name in enumerate(player.town.people())
        for kind in range(1 + BOTH)
    ]
    return [cell for cell in found if cell.is_due]


def test_v23_every_route_is_in_the_matrix_and_every_row_is_a_route(app: Flask) -> None:
    assert {str(route) for route in routes(app)} == set(matrix())


def test_v23_every_row_speaks_of_states_that_are(app: Flask) -> None:
    for name, row in matrix().items():
        assert set(row.states) <= {"every", *STATES}, name
        assert {"every"} <= set(row.states) or set(row.states) == set(STATES), name
    named = [route for route, rule in routes(app).items() if set(IDS) & set(rule.arguments)]
    assert all(matrix()[str(route)].missing for route in named)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("state", STATES)
def test_v23_every_cell(state: str, town: Town, gone: dict[str, str]) -> None:
    """First what must not change anything, refusals included; then what must, each time from the same beginning."""
    STATES[state](town)
    all_of_them, before = cells(Player(town), state, gone), checksum()
    wrong = [mistake for cell in all_of_them if not cell.changes for mistake in cell.mistakes()]
    wrong += [
        mistake
        for cell in all_of_them
        if cell.expected[1] not in HIDDEN
        for mistake in cell.mistakes_where_nothing_is()
    ]
    after = checksum()
    wrong += [f"reads and refusals have changed {table}" for table in before if before[table] != after[table]]
    with kept() as back:
        for cell in all_of_them:
            if cell.changes:
                wrong += cell.mistakes()
                back()
    assert not wrong, "\n".join(wrong)


def test_v20_head_and_options_have_no_effect_and_other_methods_are_none(town: Town) -> None:
    STATES["priority"](town)
    player, before = Player(town), checksum()
    for route, rule in routes(town.app).items():
        row: Row = matrix()[str(route)]
        for name, (column, _) in town.people().items():
            if route.method == "GET":
                asked = player.call(name, route, rule, PAGE, method="HEAD")
                assert (asked.status, asked.body) == (row.cell("priority", column)[0], ""), (route, name)
            assert player.call(name, route, rule, PAGE, method="OPTIONS").status < 400, (route, name)
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            assert player.call("Olga", route, rule, PAGE, method=method).status == 405, (route, method)
    assert checksum() == before
