"""Text that would run, were it ever more than text: planted wherever something is stored, looked for on every page."""

from typing import Any

import pytest
from flask import Flask

from tests.cast import NOBODY, Customer, Mechanic, Owner
from tests.database import one, sql
from tests.hostile import Read, address

SCRIPT = "<script>xss=1</script>"
IMAGE = "\"'><img src=x onerror=xss=1>"  # fits into a name
TEXT = f"{IMAGE} {SCRIPT} </textarea></title><svg onload=xss=1> javascript:xss=1 {{{{7*7}}}} \u2028"
CAR = {"make": IMAGE, "model": SCRIPT, "city": IMAGE, "plate": "'\"><b onload=x()>"}

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("flag_on")]


@pytest.fixture
def ids(ana: Customer, ben: Customer, marco: Mechanic, zed: Mechanic, olga: Owner) -> dict[str, Any]:
    """The canaries, and what the addresses name: a job of Ana's, beside an offer of Ben's, both for Marco."""
    for table in ("customers", "mechanics"):
        sql(f"UPDATE {table} SET first_name = %s, last_name = %s, city = %s, phone = %s", IMAGE, SCRIPT, TEXT, TEXT)
    sql("UPDATE mechanics SET about = %s", TEXT)
    name = f"{IMAGE} {SCRIPT}"
    workshop_id = one("INSERT INTO workshops (slug, name) VALUES ('canary', %s) RETURNING id", name)
    olga.client.post("/admin/credits", data={"email": ana.email, "credits": "5", "note": TEXT})
    for customer in (ana, ben):
        customer.favors(marco)
        draft = customer.starts_intake(name=name, concern=TEXT, **CAR)
        customer.name = name
        customer.signs(draft)
    request_id = ana.pays_by_credits(one("SELECT id FROM sessions WHERE customer_id = %s", ana.id))
    session_id = one("SELECT session_id FROM session_requests")
    assert marco.accepts(request_id).status_code == 200
    place = f"/consultations/{session_id}"
    for writer in (ana, marco):
        assert (
            writer.client.post(f"{place}/messages", data={"body": f"{TEXT} https://a.test/{TEXT}"}).status_code == 303
        )
    marco.does(request_id, "start")
    assert marco.client.post(f"{place}/summary", data={"summary": TEXT}).status_code == 303
    ben.books_again(marco, name=name, concern=TEXT, **CAR)
    people = {"customer_id": ana.id, "mechanic_id": marco.id, "photo_id": NOBODY, "user_id": NOBODY}
    people["workshop_id"] = workshop_id
    asked = {"slug": "canary", "request_id": request_id, "session_id": session_id, "vehicle_id": NOBODY}
    return {**people, **asked, "token": "x", "filename": "x", "word": "x"}


def test_whatever_was_typed_is_shown_and_never_run(
    app: Flask, ids: dict[str, Any], look: Any, ana: Customer, ben: Customer, marco: Mechanic, olga: Owner
) -> None:
    addresses = {
        address(rule, ids)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint.partition(".")[0] not in {"static", "security", "live", "health"}
    }
    seen = 0
    for person in (ana, ben, marco, olga):
        page = look.open(person, "/nowhere")
        look.complaints.clear()  # Chromium's own line for the status
        page.on("dialog", lambda dialog: look.complaints.append(dialog.message))
        for path in sorted(addresses):
            answer = person.client.get(path)
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            assert not Read(answer.text).runs, path
            page.goto(look.base + path)
            assert page.evaluate("typeof xss") == "undefined", path
            assert page.locator("main img, main script, [onload], [onclick]").count() == 0, path
            seen += IMAGE in page.content() or IMAGE in page.locator("body").inner_text()
    assert seen > 12


def test_the_stream_carries_it_as_data(ids: dict[str, Any], marco: Mechanic) -> None:
    heard = marco.hears("priority_session_request")
    assert SCRIPT not in marco.board.head.decode()
    assert "nosniff" in marco.board.head.decode()
    assert "text/event-stream" in marco.board.head.decode()
    assert heard.data["request"]["customer_first_name"] == IMAGE
