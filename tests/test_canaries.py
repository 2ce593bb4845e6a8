"""V9, V24: words that are nowhere else stand in every field of a session request; who may not know them never does."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from tests.cast import NOBODY, Customer, Mechanic, Owner, Person
from tests.database import fast_forward, one, sql
from tests.matrix import BODIES, IDS, QUERIES, STREAMS, TOKEN, routes

CONTACT = {
    "name": "Ana Xsurname",
    "email": "xmail@canary.test",
    "phone": "+99 777 1234567",
    "city": "Xcity",
    "vin": "XVN45678901234567",
    "odometer": "777123",
    "plate": "XPLATE7",
}
SEEN = {"year": "1977", "make": "Xmake", "model": "Xmodel", "concern": "Xconcern: it howls."}
HEADERS = ({"Accept": "text/html"}, {"Accept": "application/json"}, {"HX-Request": "true"})
# What differs anyway: where a page's stream goes on (the newest event's id, whoever's), keys, clocks, lengths.
FLEETING = re.compile(
    r'data-after="\d+"|after=\d+|name="form_key" value="[^"]+"|<time.*?</time>|Content-Length: \d+'
    r'|"last_seen": ?"[^"]+"|last seen [^\n]*|Date: [^\n]*'
)


def readings(person: Person, ids: dict[str, str], *, posts: bool = True) -> dict[str, str]:
    """All that this person can fetch: each page, part and JSON with these ids, and what refuses each of their POSTs."""
    read = {}
    for route, rule in routes(person.app).items():
        if route.endpoint in {*STREAMS, "static"} or (
            route.method == "POST" and not (posts and set(rule.arguments) & set(IDS))
        ):
            continue
        known = {
            "slug": "harbor-garage",
            "token": "x",
            "word": "x",
            "photo_id": NOBODY,
            "user_id": NOBODY,
            "subscription_id": NOBODY,
            "event_id": "1",
            "verb": route.verb,
        } | ids
        _, path = rule.build({name: known[name] for name in rule.arguments}, append_unknown=False)  # type: ignore[misc]
        for headers in HEADERS:
            answer = person.client.open(
                path + QUERIES.get(route.endpoint, ""),
                method=route.method,
                headers=headers,
                data=BODIES.get(route.endpoint, lambda _: {})(None) if route.endpoint == "intake.sign" else {},
            )
            read[f"{route} {headers}"] = f"{answer.status} {answer.headers} {answer.text}"
    return read


def lists(person: Person) -> dict[str, str]:
    """What this person reads where no id is named, without what differs from call to call."""
    read = readings(person, dict.fromkeys(IDS, NOBODY), posts=False)
    return {route: FLEETING.sub("", TOKEN.sub("", text)) for route, text in read.items() if "openapi" not in route}


def hearings(person: Person, path: str, quiet: Callable[[], None]) -> str:
    """All that this person can hear there: from the beginning, as it is replayed, and on the board that was open."""
    quiet()
    ears = [
        *person.ears,
        *(person.listens(path, after) for after in (0, one("SELECT coalesce(min(id), 1) - 1 FROM request_events"))),
    ]
    for ear in ears:
        ear.drain()
    return " ".join(str(ear.all) for ear in ears)


def leaks(text: str, words: list[str]) -> list[str]:
    return [word for word in words if word.lower() in text.lower()]


@pytest.fixture
def ana(ana: Customer) -> Customer:
    """With canaries in the account, too."""
    sql(
        "UPDATE customers SET last_name = 'Xsurname', phone = %s, city = 'Xcity' WHERE id = %s",
        CONTACT["phone"],
        ana.id,
    )
    sql("UPDATE users SET email = %s WHERE id = %s", "xaccount@canary.test", ana.user_id)
    return ana


def ids_of(ana: Customer, marco: Mechanic, request_id: UUID) -> dict[str, str]:
    consultation = one("SELECT session_id FROM session_requests WHERE id = %s", request_id)
    found = zip(IDS, (request_id, consultation, marco.id, ana.id, NOBODY, NOBODY), strict=True)
    return {name: str(value) for name, value in found}


HIDDEN = [*CONTACT.values(), "Xsurname", "xaccount"]
BOARD = "/mechanic/events"


@pytest.mark.usefixtures("flag_on")
def test_v9_inside_the_window_nobody_else_reads_hears_or_counts_anything(
    ana: Customer,
    marco: Mechanic,
    nadia: Mechanic,
    omar: Mechanic,
    rita: Mechanic,
    ben: Customer,
    quiet: Callable[[], None],
) -> None:
    ana.favors(marco)
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp()")  # as the feed notes every ten seconds
    others = (nadia, omar, rita, ben)
    before = {person.name: lists(person) for person in others}
    request_id = ana.books_again(marco, **CONTACT, **SEEN)
    ids = ids_of(ana, marco, request_id)
    for person in others:
        assert lists(person) == before[person.name], person.name
        for route, text in readings(person, ids).items():
            assert not leaks(text, [*HIDDEN, *SEEN.values()]), (person.name, route)
        if isinstance(person, Mechanic):
            assert not leaks(hearings(person, BOARD, quiet), [*HIDDEN, *SEEN.values(), *ids.values()]), person.name
    assert ben.client.get(f"/customer/requests/{request_id}/events").status_code == 404
    assert leaks(marco.client.get("/mechanic/board").text, list(SEEN.values())) == list(SEEN.values())
    assert one("SELECT status = 'pending' AND fallback_reason IS NULL FROM session_requests")


def test_v24_before_the_acceptance_a_mechanic_knows_a_first_name_a_car_and_a_concern(
    ana: Customer, marco: Mechanic, nadia: Mechanic, rita: Mechanic, ben: Customer, quiet: Callable[[], None]
) -> None:
    request_id = ana.books(**CONTACT, **SEEN)
    ids = ids_of(ana, marco, request_id)
    for mechanic in (marco, nadia, rita):
        read, heard = readings(mechanic, ids, posts=False), hearings(mechanic, BOARD, quiet)
        for text in (*read.values(), heard):
            assert not leaks(text, HIDDEN), mechanic.name
        board = mechanic.client.get("/mechanic/board").text
        for text in (board, heard):
            assert leaks(text, ["Ana", *SEEN.values()]) == ["Ana", *SEEN.values()]
    for text in readings(ben, ids).values():
        assert not leaks(text, [*HIDDEN, *SEEN.values()])


@pytest.mark.parametrize("is_over", [False, True])
def test_v24_after_the_acceptance_the_winner_and_the_owner_alone_know_how_to_reach_the_customer(
    app: Flask,
    ana: Customer,
    marco: Mechanic,
    nadia: Mechanic,
    rita: Mechanic,
    ben: Customer,
    olga: Owner,
    quiet: Callable[[], None],
    is_over: bool,
) -> None:
    request_id = ana.books(**CONTACT, **SEEN)
    ids = ids_of(ana, marco, request_id)
    assert nadia.accepts(request_id).status_code == 200
    for verb in ("start", "complete") if is_over else ():
        assert nadia.does(request_id, verb).status_code == 200
    page = f"/consultations/{ids['session_id']}"
    for person in (nadia, olga):
        assert leaks(person.client.get(page).text, [CONTACT["phone"], CONTACT["email"]]), person.name
    for loser in (marco, rita, ben):
        for route, text in readings(loser, ids).items():
            winner = [nadia.name, str(nadia.id), nadia.email] if loser is not ben else []  # customers choose by name
            assert not leaks(text, HIDDEN + winner), (loser.name, route)
        if isinstance(loser, Mechanic):
            assert not leaks(hearings(loser, BOARD, quiet), [*HIDDEN, nadia.name, str(nadia.id)]), loser.name
    assert not leaks(hearings(nadia, BOARD, quiet), HIDDEN)  # contact data stands on the page, never on a stream


@pytest.mark.usefixtures("flag_on")
def test_v24_the_preferred_mechanic_reads_no_more_than_the_others_and_a_released_one_nothing_any_more(
    ana: Customer, marco: Mechanic, nadia: Mechanic, quiet: Callable[[], None]
) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco, **CONTACT, **SEEN)
    ids = ids_of(ana, marco, request_id)
    for text in (*readings(marco, ids, posts=False).values(), hearings(marco, BOARD, quiet)):
        assert not leaks(text, HIDDEN)
    assert marco.accepts(request_id).status_code == 200
    assert leaks(marco.client.get(f"/consultations/{ids['session_id']}").text, [CONTACT["phone"]])
    assert marco.does(request_id, "release").status_code == 200
    fast_forward(minutes=1)
    for text in (*readings(marco, ids).values(), hearings(marco, BOARD, quiet)):
        assert not leaks(text, HIDDEN)
