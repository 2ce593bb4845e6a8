"""The W3C checker about pages and fragments as they are sent; `make pages` asks it about every state."""

import pytest
from flask import Flask

from tests.cast import Customer, Mechanic, Owner
from tests.database import one
from tests.pages import DIALOG
from tests.standards.w3c import framed, problems


@pytest.mark.usefixtures("flag_on")
def test_html_is_valid(app: Flask, ana: Customer, ben: Customer, marco: Mechanic, olga: Owner) -> None:
    ana.favors(marco)
    request_id = ana.books_again(marco)
    talk = f"/consultations/{one('SELECT session_id FROM session_requests WHERE id = %s', request_id)}"
    nobody = app.test_client()
    texts = {
        path: nobody.get(path).text for path in ("/", "/login", "/sign-up", "/apply", "/reset", "/privacy", "/nowhere")
    }
    texts |= {"mistakes": nobody.post("/sign-up", data={"email": "dora@"}).text}
    paths = {
        ana: ("/customer/dashboard", "/customer/favorites", "/mechanics", f"/customer/requests/{request_id}"),
        ben: ("/customer/dashboard", "/intake?plan=chat10", f"/customer/favorites/{marco.id}/book", "/account/data"),
        marco: ("/mechanic/dashboard", f"/mechanic/requests/{request_id}", "/mechanic/board"),
        olga: (
            "/admin",
            *(f"/admin/{page}" for page in (*ROOM, f"people/{ben.user_id}")),
            *(f"/admin/requests/{request_id}{of}" for of in ITS),
        ),
    }
    texts |= {f"{who.name} {path}": who.client.get(path).text for who, those in paths.items() for path in those}
    texts["dialog"] = ben.client.get(f"/customer/favorites/{marco.id}/book", headers=DIALOG).text
    marco.accepts(request_id)
    workshop_id = one("INSERT INTO workshops (slug, name) VALUES ('harbor-garage', 'Harbor Garage') RETURNING id")
    for path in (f"mechanics/{marco.id}", f"workshops/{workshop_id}", f"customers/{ana.id}"):
        texts[path] = olga.client.get(f"/admin/{path}").text
    texts |= {f"{who.name} {talk}": who.client.get(talk).text for who in (ana, marco, olga)}
    assert problems({str(number): framed(text) for number, text in enumerate(texts.values())}) == []


ITS = ("", "/assign", "/cancel")
ROOM = (
    "requests",
    "requests?stage=alarm",
    "alarms",
    "mechanics",
    "workshops",
    "customers",
    "settings",
    "settings/changes",
    "analytics",
    "analytics/requests",
    "engine",
)


def test_what_is_not_valid_is_found() -> None:
    (told,) = problems({"page": framed('<p hx-get="/">Read</p>')})
    assert "hx-get" in told
