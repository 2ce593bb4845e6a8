"""docs/ is true: what is made from the code is what the code says, and every link leads somewhere."""

import re
from pathlib import Path

import pytest
from flask import Flask

from favorites.models import Kind, OwnerKind
from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql
from tests.reference import DOCS, pages
from tests.reference.events import ACTS, HEARD, PAYLOAD

LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)")
WRITTEN = sorted(path for path in DOCS.rglob("*.md") if "screenshots" not in path.parts)


def test_the_reference_says_what_the_code_says(app: Flask) -> None:
    stale = [path for path, text in pages(app).items() if (DOCS / path).read_text() != text]
    assert stale == [], "run: make reference"


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    reached = {str(Path(link)) for link, _ in LINK.findall(index)}
    assert {str(path.relative_to(DOCS)) for path in WRITTEN} - reached == {"README.md"}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(DOCS)))
def test_every_link_leads_somewhere(path: Path) -> None:
    links = {link for link, _ in LINK.findall(path.read_text()) if link}
    assert [link for link in sorted(links) if not (path.parent / link).exists()] == []


def test_every_kind_of_event_and_of_the_owner_s_acts_is_told() -> None:
    assert sorted(told.kind for told in HEARD) == sorted(Kind)
    assert set(ACTS) == set(OwnerKind)


@pytest.mark.usefixtures("flag_on")
def test_what_is_written_down_is_what_is_told_of_it(
    app: Flask, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, rita: Mechanic
) -> None:
    """A window that is extended and declined, a talk, a release, a workshop, a prolonged wait, and a lapse."""
    from sqlalchemy.orm import Session

    from favorites.dispatch import fallback
    from tests.conftest import engine

    before = one("SELECT coalesce(max(id), 0) FROM request_events")
    for customer in (ana, ben):
        customer.favors(marco)
    request_id = ana.books_again(marco)
    marco.shows(request_id)
    marco.does(request_id, "extend")
    marco.declines(request_id, reason="busy")
    for mechanic, verbs in ((nadia, ("accept", "release")), (rita, ("accept", "start", "complete"))):
        assert [mechanic.does(request_id, verb).status_code for verb in verbs] == [200] * len(verbs)
    talk = f"/consultations/{one('SELECT session_id FROM session_requests')}"
    rita.client.post(f"{talk}/messages", data={"body": "Hello"})
    assert ben.client.post("/w/harbor-garage").status_code == 303
    ben.does(ben.books(), "cancel")
    lapsed = ana.books(preferred_mechanic_id="nobody", routing_type="priority_broadcast")
    ana.does(lapsed, "prolong")
    ana.does(lapsed, "cancel")
    late = ana.books_again(marco)
    with Session(engine(app)) as session:
        for minutes in (11, 16):
            fast_forward(minutes=minutes)
            fallback.sweep(session)
    assert one("SELECT status FROM session_requests WHERE id = %s", late) == "expired"

    told = {(heard.kind, audience) for heard in HEARD for audience in heard.audiences}
    rows = sql("SELECT DISTINCT kind, audience FROM request_events WHERE id > %s", before)
    assert {(row.kind, row.audience) for row in rows} <= told
    assert len(rows) > 15
    keys = sql("SELECT DISTINCT jsonb_object_keys(payload) AS key FROM request_events WHERE id > %s", before)
    assert {row.key for row in keys} <= set(PAYLOAD)
