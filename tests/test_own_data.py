"""What people take with them: all that is theirs, and nothing of others that they may not see; and the way there."""

import io
import json
import os
import stat
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from favorites.db import Base
from favorites.dispatch import retention
from favorites.settings import current
from tests.cast import PASSWORD, Customer, Mechanic, Owner, Person
from tests.database import one, sql
from tests.test_checkout import pays
from tests.test_cli import Flasks, flask, refused  # noqa: F401 - a fixture
from tests.test_privacy import ABOUT, SAID, hers  # noqa: F401 - a fixture

JSON = {"Accept": "application/json"}


def taken(answer: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The data of a download, and its photos by name."""
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=book-again.")
    data = answer.data
    answer.close()
    return unpacked(data)


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    if not data.startswith(b"PK"):
        return json.loads(data), {}
    with ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files.pop("book-again.json")), files


def takes(person: Person) -> tuple[dict[str, Any], dict[str, bytes]]:
    return taken(person.client.post("/account/data"))


def test_a_customer_takes_everything_that_is_hers(hers: UUID, ana: Customer) -> None:  # noqa: F811
    data, photos = takes(ana)
    told = json.dumps(data, ensure_ascii=False)
    mine = [*map(str, ABOUT.values()), "Xana", "Xcastillo", "xaccount@canary.test", "Xbrowser 1.0", "xpush"]
    assert [word for word in (*mine, *SAID[:3]) if word not in told] == []
    assert set(data) == {
        *("written_at", "account", "customer", "favorites", "cars", "consultations", "intakes", "agreements"),
        *("payments", "credits", "session_requests", "messages", "mails", "push", "sign_ins"),
        *("what_the_owner_did", "what_the_payment_provider_told", "photos_left_out"),
    }
    assert [line["from"] for line in data["messages"]] == ["you", "you", "the other", "the other"]
    assert sum(entry["credits"] for entry in data["credits"]) == 100
    assert {line["photo"] for line in data["messages"] if "photo" in line} == set(photos)
    assert all(Image.open(io.BytesIO(photo)).format == "JPEG" for photo in photos.values())
    first = data["session_requests"][0]
    assert [step["what"] for step in first["timeline"]][:2] == ["Marco was asked first", "Marco accepted"]


def test_what_opens_something_and_what_is_another_s_is_not_in_it(
    hers: UUID,  # noqa: F811
    app: Flask,
    ana: Customer,
    marco: Mechanic,
) -> None:
    for person, foreign in ((ana, [marco.email, "Rossi", "+1 555 0200"]), (marco, [*map(str, ABOUT.values()), "xacc"])):
        told = json.dumps(takes(person)[0], ensure_ascii=False)
        keys = one(
            "SELECT array[u.password, u.fs_uniquifier, s.key_hash] FROM users u JOIN sign_ins s ON s.user_id = u.id"
            " WHERE u.id = %s LIMIT 1",
            person.user_id,
        )
        assert [word for word in (*keys, *foreign, "Xnote", "Xpush") if word in told] == []


def test_a_mechanic_takes_what_they_did_and_wrote(hers: UUID, marco: Mechanic) -> None:  # noqa: F811
    data, photos = takes(marco)
    assert (data["mechanic"]["first_name"], data["mechanic"]["phone"]) == ("Marco", "+1 555 0200")
    assert data["mechanic"]["customers_who_favor_you"] == 1
    assert [one_of["summary"] for one_of in data["mechanic"]["summaries"]] == [SAID[2]]
    assert [line["from"] for line in data["messages"]] == ["the other", "the other", "you", "you"]
    assert len(photos) == 2
    assert data["session_requests"][0]["timeline"][0]["what"] == "You were asked first"


def test_what_was_said_to_another_mechanic_is_not_taken(ana: Customer, marco: Mechanic, nadia: Mechanic) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    talk = f"/consultations/{one('SELECT session_id FROM session_requests')}/messages"
    ana.client.post(talk, data={"body": "Only for Marco"})
    marco.client.post(talk, data={"body": "From Marco"})
    marco.does(request_id, "release")
    nadia.accepts(request_id)
    assert takes(nadia)[0]["messages"] == []
    assert [line["body"] for line in takes(marco)[0]["messages"]] == ["From Marco"]
    assert [line["body"] for line in takes(ana)[0]["messages"]] == ["Only for Marco"]


def test_every_table_that_is_about_a_person_is_in_it(ana: Customer) -> None:
    """A table that comes later must be told, or stand here with the reason why it is not."""
    not_told = {
        "session_reads": "how far they have read, without words",
        "photos": "files of their own",
        "push_sendings": "which browser is just being told",
    }
    people = {"users", "customers", "mechanics", "sessions", "messages"}
    about = {
        name
        for name, table in Base.metadata.tables.items()
        if people & {key.column.table.name for key in table.foreign_keys} or name == "push_sendings"
    }
    told = {
        *("customers", "mechanics", "customer_favorites", "vehicles", "sessions", "intakes", "waivers", "payments"),
        *("credit_entries", "session_requests", "messages", "mails", "push_subscriptions", "sign_ins"),
    }
    assert about - told == set(not_told)


@pytest.mark.planted
def test_what_was_paid_and_what_the_provider_told_of_it_is_in_it_and_no_page_that_can_be_paid(
    ana: Customer, ben: Customer
) -> None:
    for customer in (ana, ben):
        consultation_id = customer.starts_intake()
        customer.signs(consultation_id)
        pays(customer, consultation_id)
    sql(
        "UPDATE payments SET url = 'https://pay.test/xopens', charge = 'pi_' || c.first_name, refund_reason = 'owner',"
        " status = 'refunded', refunded_at = now() FROM sessions s JOIN customers c ON c.id = s.customer_id"
        " WHERE s.id = payments.session_id"
    )
    sql(
        "INSERT INTO payment_events (id, kind, reference, occurred_at, payload) VALUES"
        " ('evt_1', 'charge.refunded', 'pi_Ana', now(), '{\"is_back\": true}'),"
        " ('evt_2', 'charge.refunded', 'pi_Ben', now(), '{}')"
    )
    data = takes(ana)[0]
    assert [(line["charge"], line["status"], line["refund_reason"]) for line in data["payments"]] == [
        ("pi_Ana", "refunded", "owner")
    ]
    (told,) = data["what_the_payment_provider_told"]
    assert (told["kind"], told["reference"], told["payload"]) == ("charge.refunded", "pi_Ana", {"is_back": True})
    assert "xopens" not in json.dumps(data)


def test_photos_beyond_the_size_are_counted_and_left_out(
    hers: UUID,  # noqa: F811
    session: Session,
    ana: Customer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from favorites.queries import archive
    from favorites.queries.own_talks import whose

    person = whose(session, ana.user_id)
    assert person
    size = one("SELECT max(octet_length(content)) FROM photos")
    out = io.BytesIO()
    assert archive.write_archive(session, person, out, most=size) == "zip"
    data, photos = unpacked(out.getvalue())
    assert (len(photos), data["photos_left_out"]) == (1, 1)


def test_without_photos_it_is_one_file_of_json(ben: Customer, olga: Owner, zed: Mechanic) -> None:
    for person in (ben, olga, zed):
        answer = person.client.post("/account/data")
        assert answer.mimetype == "application/json"
        assert taken(answer)[0]["account"]["email"] == person.email


def test_who_ends_the_account_gives_the_password(app: Flask, ana: Customer) -> None:
    for wrong in ("", "2wrong"):
        answer = ana.client.post("/account/erase", data={"password": wrong})
        assert (answer.status_code, "This is not your password." in answer.text) == (422, True)
    gone = ana.client.post("/account/erase", data={"password": PASSWORD})
    assert (gone.status_code, gone.location) == (303, "/")
    assert "Your account is erased." in ana.client.get("/").text
    assert one("SELECT actor FROM owner_events") == f"customer:{ana.id}"


def test_while_something_is_not_over_the_page_leads_to_it_and_the_end_is_refused(
    ana: Customer, marco: Mechanic, olga: Owner
) -> None:
    request_id = ana.books()
    marco.accepts(request_id)
    for person, path in ((ana, f"/customer/requests/{request_id}"), (marco, f"/mechanic/requests/{request_id}")):
        page = person.client.get("/account/data").text
        assert f'href="{path}"' in page
        assert "Your password" not in page
        answer = person.client.post("/account/erase", data={"password": PASSWORD})
        assert (answer.status_code, "not over yet" in answer.text) == (409, True)
        told = person.client.post("/account/erase", data={"password": PASSWORD}, headers=JSON)
        assert (told.status_code, told.get_json()["code"]) == (409, "NOT_OVER_YET")
    assert olga.client.post("/account/erase", data={"password": PASSWORD}).status_code == 409


def test_who_may_not_work_here_can_take_their_data_and_go(zed: Mechanic) -> None:
    assert 'href="/account/data"' in zed.client.get("/mechanic/dashboard").text
    assert zed.client.post("/account/erase", data={"password": PASSWORD}, headers=JSON).get_json()["ok"] is True
    assert one("SELECT status FROM mechanics") == "suspended"


def test_the_owner_takes_a_copy_for_somebody_and_that_is_written_down(olga: Owner, ana: Customer) -> None:
    data, _ = taken(olga.client.post(f"/admin/people/{ana.user_id}/export"))
    assert data["account"]["email"] == ana.email
    assert one("SELECT kind, actor, subject_id FROM owner_events") == (
        "data_exported",
        f"admin:{olga.user_id}",
        ana.id,
    )


def test_the_owner_erases_somebody_for_a_reason(olga: Owner, marco: Mechanic) -> None:
    path = f"/admin/people/{marco.user_id}"
    for typed in ({"reason": "asked"}, {"sure": "1"}, {"reason": "whim", "sure": "1"}):
        assert olga.client.post(f"{path}/erase", data=typed).status_code == 422
    for _ in range(2):
        assert olga.client.post(f"{path}/erase", data={"reason": "abuse", "sure": "1"}).status_code == 303
    page = olga.client.get(path).text
    assert "A former mechanic" in page
    assert "Erased on" in page
    assert "Erase this person" not in page
    assert one("SELECT payload FROM owner_events") == {"role": "mechanic", "reason": "abuse"}


def test_the_command_line_writes_a_file_for_one_pair_of_eyes(
    flask: Flasks,  # noqa: F811
    tmp_path: Path,
    hers: UUID,  # noqa: F811
) -> None:
    said = flask("person", "export", "XACCOUNT@canary.test", tmp_path).stdout.strip()
    assert os.listdir(tmp_path) == [Path(said).name]
    assert stat.S_IMODE(os.stat(said).st_mode) == 0o600
    data, photos = unpacked(Path(said).read_bytes())
    assert (data["customer"]["last_name"], len(photos)) == ("Xcastillo", 2)
    assert one("SELECT actor FROM owner_events WHERE kind = 'data_exported'") == "system"


def test_the_command_line_erases_when_it_is_told_to(flask: Flasks, ana: Customer) -> None:  # noqa: F811
    assert refused(flask("person", "erase", "nobody@demo.test")) == "There is nobody with the address nobody@demo.test."
    assert flask("person", "erase", ana.email).exit_code == 1  # nobody said yes
    assert one("SELECT erased_at IS NULL FROM customers")
    assert flask("person", "erase", ana.email, "--yes").stdout == "Erased.\n"
    assert one("SELECT erased_at IS NOT NULL FROM customers")


def test_the_privacy_page_says_who_and_how_long_as_it_is_set(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = app.test_client()
    plain = visitor.get("/privacy").text
    assert "The owner of this site runs it" in plain
    assert "A sign-in lasts 30 days, or 14 unused" in plain
    assert 'href="/privacy"' in visitor.get("/").text
    settings = {"operator": "Harbor Garage", "privacy_contact": "data@harbor.example", "event_retention_days": 90}
    for name, value in (settings | {"sign_in_days": 7}).items():
        monkeypatch.setattr(current(), name, value)
    page = visitor.get("/privacy").text
    assert "Harbor Garage runs this site" in page
    assert 'href="mailto:data@harbor.example"' in page
    assert "90 days after it is over" in page
    assert "A sign-in lasts 7 days" in page


def test_sign_ins_go_a_month_after_their_end(session: Session, ana: Customer) -> None:
    for _ in range(2):
        ana.new_client()
    ids = [row.id for row in sql("SELECT id FROM sign_ins ORDER BY started_at")]
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() - interval '29 days' WHERE id = %s", ids[0])
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() - interval '31 days' WHERE id = %s", ids[1])
    sql("UPDATE sign_ins SET expires_at = clock_timestamp() - interval '31 days' WHERE id = %s", ids[2])
    assert retention.remove_ended_sign_ins(session) == 2
    assert [row.id for row in sql("SELECT id FROM sign_ins")] == ids[:1]


def test_the_leader_removes_them(port: int, ana: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    from favorites.scheduler import Ticker
    from tests.server import until

    monkeypatch.setattr("favorites.scheduler.LOCK", "tests of own data")
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() - interval '31 days'")
    ticker = Ticker(0.2)
    ticker.start()
    try:
        until(lambda: one("SELECT count(*) FROM sign_ins") == 0, "the sign-in is gone", 10)
    finally:
        ticker.stop()
