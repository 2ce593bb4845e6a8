"""The talk of the two: who may say, show and read what, until when, and that nothing is said twice."""

import io
import struct
import zlib
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from PIL import Image, ImageFile
from sqlalchemy.orm import Session

from favorites.dispatch import pictures
from favorites.dispatch import talk as verbs
from favorites.dispatch.actors import Actor
from favorites.dispatch.errors import NotAPhoto, PhotoTooLarge, TalkIsClosed
from favorites.settings import current
from tests.cast import Customer, Mechanic, Owner, Person
from tests.database import fast_forward, one, sql
from tests.pages import page
from tests.requests_table import count, events

JSON = {"Accept": "application/json"}
SAID = "SELECT body FROM messages ORDER BY number"


@pytest.fixture
def request_id(ana: Customer, marco: Mechanic) -> UUID:
    """Ana's, which Marco has accepted."""
    booked = ana.books()
    assert marco.accepts(booked).status_code == 200
    return booked


@pytest.fixture
def place(request_id: UUID) -> str:
    """The address of the consultation."""
    return f"/consultations/{one('SELECT session_id FROM session_requests WHERE id = %s', request_id)}"


def says(who: Person, place: str, body: str, **more: str) -> Any:
    return who.client.post(f"{place}/messages", data={"body": body, **more}, headers=JSON)


def shows(who: Person, place: str, data: bytes, **more: str) -> Any:
    parts = [f'"{name}"\r\n\r\n{value}'.encode() for name, value in more.items()]
    parts.append(b'"photo"; filename="IMG_4711.JPG"\r\nContent-Type: image/jpeg\r\n\r\n' + data)
    body = b"".join(b"--x\r\nContent-Disposition: form-data; name=" + part + b"\r\n" for part in parts)
    kind = "multipart/form-data; boundary=x"
    return who.client.post(f"{place}/photos", data=body + b"--x--\r\n", content_type=kind, headers=JSON)


def picture(kind: str = "JPEG", size: tuple[int, int] = (400, 300), mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **more)
    return out.getvalue()


def is_over(marco: Mechanic, request_id: UUID, hours: float) -> None:
    """Started and completed, that long ago."""
    for verb in ("start", "complete"):
        assert marco.does(request_id, verb).status_code == 200
    fast_forward(minutes=hours * 60)


def photo_id() -> UUID:
    found: UUID = one("SELECT message_id FROM photos")
    return found


def test_both_write_both_read_and_both_hear_of_it(ana: Customer, marco: Mechanic, place: str, request_id: UUID) -> None:
    hers = ana.listens_to(request_id)
    assert says(ana, place, "It\r\nsmokes <b>").status_code == 200
    assert marco.hears("message_sent", request_id=str(request_id))
    assert says(marco, place, "Since when?").get_json()["next"] == f"{place}#talk"
    hers.until("message_sent")
    assert hers.until("message_sent", request_id=str(request_id)).id
    for who in (ana, marco):
        assert "It smokes &lt;b&gt;" in page(who, place)
        assert "Since when?" in page(who, place)
    assert one("SELECT body FROM messages WHERE number = 1") == "It\nsmokes <b>"
    told = sql("SELECT payload FROM request_events WHERE kind = 'message_sent'")
    assert "smokes" not in str(told)


def test_the_waiting_mechanics_hear_nothing_of_it(ana: Customer, nadia: Mechanic, place: str) -> None:
    assert nadia.hears("request_accepted")
    says(ana, place, "Hello")
    assert nadia.heard_nothing


def test_without_javascript_a_form_is_enough(ana: Customer, place: str) -> None:
    answer = ana.client.post(f"{place}/messages", data={"body": "Hello"})
    assert (answer.status_code, answer.location) == (303, f"{place}#talk")
    assert "Hello" in page(ana, place)


def test_sent_twice_is_said_once(ana: Customer, marco: Mechanic, place: str, request_id: UUID) -> None:
    for _ in range(2):
        assert says(ana, place, "Hello", key="k1").status_code == 200
        assert says(marco, place, "Hello", key="k1").status_code == 200
        assert shows(ana, place, picture(), key="k2").status_code == 200
    assert one("SELECT count(*) FROM messages") == 3
    assert count(request_id, "message_sent", "customer") == count(request_id, "message_sent", "mechanic") == 3
    assert says(ana, place, "Hello").status_code == says(ana, place, "Hello").status_code == 200
    assert one("SELECT count(*) FROM messages") == 5


def test_two_at_once_with_one_key_are_one(pool: Any, app: Flask, ana: Customer, place: str, request_id: UUID) -> None:
    from tests.conftest import engine

    session_id = UUID(place.rsplit("/", 1)[-1])

    def write(body: str) -> None:
        with Session(engine(app)) as session:
            verbs.say(session, session_id, Actor.customer(ana.id), body, "one key")

    list(pool.map(write, ["a", "b", "c", "d"]))
    assert one("SELECT count(*) FROM messages") == 1


def test_numbers_are_in_the_order_of_the_commits(
    pool: Any, app: Flask, ana: Customer, marco: Mechanic, place: str
) -> None:
    from tests.conftest import engine

    session_id = UUID(place.rsplit("/", 1)[-1])

    def write(who: Actor) -> None:
        with Session(engine(app)) as session:
            for turn in range(10):
                verbs.say(session, session_id, who, str(turn))

    list(pool.map(write, [Actor.customer(ana.id), Actor.mechanic(marco.id)]))
    found = sql("SELECT number, at FROM messages ORDER BY at")
    assert [row.number for row in found] == list(range(1, 21))


@pytest.mark.parametrize("body", ["", "  \r\n ", "x" * 2001])
def test_an_empty_or_endless_message_is_refused_with_a_sentence(ana: Customer, place: str, body: str) -> None:
    answer = says(ana, place, body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "TOO_LONG")
    assert says(ana, place, "x" * 1998 + "\r\n" + "x").status_code == 200
    assert one("SELECT count(*) FROM messages") == 1


def test_only_the_two_and_the_owner(ana: Customer, ben: Customer, nadia: Mechanic, olga: Owner, place: str) -> None:
    says(ana, place, "Hello")
    shows(ana, place, picture())
    photo = f"{place}/photos/{photo_id()}"
    for path in (place, f"{place}/talk?after=0", photo, f"{photo}?size=small"):
        assert olga.client.get(path).status_code == 200
        for stranger in (ben, nadia):
            assert stranger.client.get(path).status_code == 404, path
    for who in (ben, nadia, olga):
        for act in ("messages", "photos", "typing", "read", "summary"):
            assert who.client.post(f"{place}/{act}", data={"body": "x", "number": 1}).status_code == 404, act
    assert "Hello" in page(olga, place)
    assert "talk__say" not in page(olga, place)
    assert one("SELECT count(*) FROM session_reads") == 0


def test_who_it_was_taken_back_from_loses_it_and_the_next_sees_none_of_it(
    ana: Customer, marco: Mechanic, nadia: Mechanic, olga: Owner, place: str, request_id: UUID
) -> None:
    says(ana, place, "For Marco alone")
    shows(ana, place, picture())
    photo = f"{place}/photos/{photo_id()}"
    room = one("SELECT room FROM session_requests")
    marco.does(request_id, "release")
    assert one("SELECT room FROM session_requests") is None
    assert says(ana, place, "Is anybody there?").status_code == 404
    for path in (f"{place}/talk?after=0", photo, place):
        assert marco.client.get(path).status_code == 404
    assert says(marco, place, "Hello").status_code == 404
    assert nadia.accepts(request_id).status_code == 200
    assert one("SELECT room FROM session_requests") not in (room, None)
    assert nadia.client.get(photo).status_code == 404
    assert "For Marco alone" not in page(nadia, place) + page(nadia, f"{place}/talk?after=0")
    assert "nothing of what you wrote to who had it before" in page(ana, place)
    says(ana, place, "For Nadia")
    assert "For Nadia" in page(nadia, place)
    assert "For Marco alone" in page(olga, place)


def test_it_can_be_read_but_not_written_a_day_after_the_end(
    ana: Customer, marco: Mechanic, place: str, request_id: UUID
) -> None:
    says(ana, place, "Hello", key="k")
    is_over(marco, request_id, 23.9)
    assert says(ana, place, "One more thing").status_code == 200
    assert marco.client.post(f"{place}/summary", data={"summary": "A hose"}).status_code == 303
    fast_forward(minutes=12)
    for answer in (says(marco, place, "Too late"), shows(marco, place, picture())):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "TALK_CLOSED")
    assert marco.client.post(f"{place}/summary", data={"summary": "B"}, headers=JSON).status_code == 409
    assert says(ana, place, "Hello", key="k").status_code == 200  # it had arrived
    assert "can only be read now" in page(ana, place)
    assert "One more thing" in page(marco, place)
    assert one("SELECT count(*) FROM messages") == 2


def test_while_it_is_open_the_board_leads_back_to_it_and_says_what_waits(
    ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, place: str, request_id: UUID
) -> None:
    says(marco, place, "Tighten it.")
    assert 'Completed in the last day</h2><ul class="cards"></ul>' in page(marco, "/mechanic/dashboard")
    is_over(marco, request_id, hours=1)
    another = ben.books()
    marco.accepts(another)
    is_over(marco, another, hours=22)
    says(ana, place, "It still hisses.")
    says(ana, place, "What now?")
    seen = page(marco, "/mechanic/dashboard")
    assert seen.count("You can still write") == 2
    assert seen.count("2 new messages") == 1
    assert f'href="{place}"' in seen
    assert "You can still write" not in page(nadia, "/mechanic/dashboard")
    fast_forward(minutes=90)
    assert page(marco, "/mechanic/dashboard").count("You can still write") == 1


def test_whether_it_is_open_is_asked_when_it_is_written(
    session: Session, ana: Customer, marco: Mechanic, place: str, request_id: UUID
) -> None:
    is_over(marco, request_id, 25)
    with pytest.raises(TalkIsClosed):
        verbs.say(session, UUID(place.rsplit("/", 1)[-1]), Actor.customer(ana.id), "Hello")


def test_of_a_cancelled_one_nothing_is_shown(ana: Customer, marco: Mechanic, place: str, request_id: UUID) -> None:
    says(ana, place, "Hello")
    ana.does(request_id, "cancel")
    for who in (ana, marco):
        assert who.client.get(f"{place}/talk?after=0").status_code == 404
        assert "Hello" not in page(who, place)


def test_the_newest_thirty_and_the_earlier_ones_by_a_link(ana: Customer, marco: Mechanic, place: str) -> None:
    sql(
        "INSERT INTO messages (session_id, user_id, mechanic_id, number, body)"
        " SELECT %s, %s, %s, n, 'No ' || n || '.' FROM generate_series(1, 64) n",
        place.rsplit("/", 1)[-1],
        ana.user_id,
        marco.id,
    )
    newest = page(marco, place)
    assert "No 35." in newest
    assert "No 34." not in newest
    assert f"{place}?before=35#talk" in newest
    earlier = page(marco, f"{place}?before=35")
    assert ("No 34." in earlier, "No 5." in earlier, "No 4." in earlier, "No 35." in earlier) == (
        True,
        True,
        False,
        False,
    )
    assert "Newest messages" in earlier
    oldest = page(marco, f"{place}/talk?before=5")
    assert oldest.count("<li") == 4
    assert "Earlier messages" not in oldest
    assert page(marco, f"{place}/talk?after=60").count("<li") == 4
    assert page(marco, f"{place}/talk?after=64").count("<li") == 0


def test_unread_is_what_the_other_wrote_since(ana: Customer, marco: Mechanic, place: str) -> None:
    for number in range(3):
        says(ana, place, str(number))
    assert "3 new" in page(marco, place)
    assert "new</span>" not in page(ana, place)
    assert marco.client.post(f"{place}/read", data={"number": 2}).status_code == 204
    assert "1 new" in page(marco, place)
    assert marco.client.post(f"{place}/read", data={"number": 1}).status_code == 204
    assert "1 new" in page(marco, place)
    assert marco.client.post(f"{place}/read", data={"number": 10**30}).status_code == 204
    assert "new</span>" not in page(marco, place)
    says(ana, place, "More")
    assert "1 new" in page(marco, place)  # a mark beyond the last message would hide it
    says(marco, place, "Who writes has read")
    assert "new</span>" not in page(marco, place)
    assert marco.client.post(f"{place}/read", data={"number": "x"}).status_code == 400


def test_who_is_typing_is_whispered_to_the_other_alone_and_kept_nowhere(
    ana: Customer, marco: Mechanic, nadia: Mechanic, place: str, request_id: UUID
) -> None:
    hers, before = ana.listens_to(request_id), one("SELECT max(id) FROM request_events")
    assert ana.client.post(f"{place}/typing").status_code == 204
    heard = marco.hears("typing", request_id=str(request_id))
    assert heard.id is None
    assert marco.client.post(f"{place}/typing").status_code == 204
    assert hers.until("typing", request_id=str(request_id)).id is None
    assert [told.event for told in hers.all] == ["typing"]
    assert "typing" not in [told.event for told in nadia.board.all] if nadia.board else True
    assert one("SELECT max(id) FROM request_events") == before


def test_a_photo_is_encoded_anew_without_where_it_was_taken(ana: Customer, marco: Mechanic, place: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Camera maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    sent = picture(size=(4000, 1000), exif=exif, comment=b"secret comment")
    assert b"Camera maker" in sent
    assert shows(ana, place, sent).status_code == 200
    with marco.client.get(f"{place}/photos/{photo_id()}") as answer:
        assert answer.mimetype == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"] == 'inline; filename="photo.jpg"'
        kept = answer.data
    for secret in (b"Camera maker", b"secret", b"Exif", b"IMG_4711"):
        assert secret not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (500, 2000)
        assert not image.getexif()
    with Image.open(io.BytesIO(marco.client.get(f"{place}/photos/{photo_id()}?size=small").data)) as small:
        assert small.size == (120, 480)
    assert 'width="120"' in page(marco, place)
    assert 'loading="lazy"' in page(marco, place)


@pytest.mark.parametrize(
    ("kind", "mode", "more"),
    [
        ("PNG", "RGBA", {}),
        ("PNG", "P", {"transparency": 0}),
        ("WEBP", "RGB", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {}),
        ("WEBP", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (400, 300), "blue")], "duration": 9}),
    ],
)
def test_what_may_be_sent(kind: str, mode: str, more: dict[str, Any]) -> None:
    fill = 0 if mode == "P" else "red"
    out = io.BytesIO()
    Image.new(mode, (400, 300), fill).save(out, kind, **more)
    out.seek(0)
    made = pictures.picture_of(out)
    with Image.open(io.BytesIO(made.content)) as image:
        assert (image.format, image.mode, image.size, getattr(image, "n_frames", 1)) == ("JPEG", "RGB", (400, 300), 1)
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_gray_of_sixteen_bits_stays_gray() -> None:
    out = io.BytesIO()
    Image.new("I;16", (400, 300), 0x8000).save(out, "PNG")
    out.seek(0)
    with Image.open(io.BytesIO(pictures.picture_of(out).content)) as image:
        assert image.getpixel((200, 150)) == (128, 128, 128)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<script>alert(1)</script>",
        b"%PDF-1.7 hello",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture()[:700],
        picture("PNG")[:60],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        b"\xff\xd8\xff\xe0" + b"\0" * 40,
    ],
    ids=range(10),
)
def test_what_is_no_photo_is_refused_with_a_sentence(data: bytes, ana: Customer, place: str) -> None:
    answer = shows(ana, place, data)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "NOT_A_PHOTO")
    assert "JPEG, PNG or WebP" in answer.get_json()["error"]
    assert one("SELECT count(*) FROM messages") == 0


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bombs = [picture("PNG", (side, side), "1") for side in (7_100, 12_000)]  # the second is too much for the library
    assert len(bombs[1]) < 100_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    for bomb in bombs:
        with pytest.raises(PhotoTooLarge):
            pictures.picture_of(io.BytesIO(bomb))
    with pytest.raises(PhotoTooLarge):
        pictures.picture_of(io.BytesIO(picture_header(60_000, 60_000)))


def picture_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + head
        + struct.pack(">I", zlib.crc32(head))
        + struct.pack(">I", 9)
        + b"IDAT"
    )


def test_a_file_that_is_too_large_is_refused_with_an_honest_sentence(ana: Customer, app: Flask, place: str) -> None:
    answer = shows(ana, place, b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, "10 MB" in answer.get_json()["error"]) == (413, True)
    answer = shows(ana, place, b"x" * (11 * 1024 * 1024))
    assert (answer.status_code, "10 MB" in answer.get_json()["error"]) == (413, True)
    assert shows(ana, place, b"x" * 1_000_000).status_code == 422  # past the limit of every other form
    for path in (f"{place}/messages", "/api/intake/start"):
        assert ana.client.post(path, data={"body": "x" * 300_000}).status_code == 413
    nobody = app.test_client().post(f"{place}/photos", data={"photo": (io.BytesIO(b"x" * 300_000), "x.jpg")})
    assert nobody.status_code == 413


def test_a_consultation_holds_twenty_photos(ana: Customer, marco: Mechanic, place: str) -> None:
    small = picture(size=(8, 8))
    several = [(io.BytesIO(small), f"{number}.jpg") for number in range(19)]
    assert ana.client.post(f"{place}/photos", data={"photo": several, "key": "k"}).status_code == 303
    assert one("SELECT count(*) FROM photos") == 19
    assert shows(marco, place, small, key="k").status_code == 200
    answer = shows(ana, place, small)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "TOO_MANY_PHOTOS")
    assert says(ana, place, "But words").status_code == 200
    assert ana.client.post(f"{place}/photos", data={"key": "k"}, headers=JSON).status_code == 422


def test_the_mechanic_sums_up_from_the_start_on(ana: Customer, marco: Mechanic, place: str, request_id: UUID) -> None:
    assert marco.client.post(f"{place}/summary", data={"summary": "A"}, headers=JSON).status_code == 409
    marco.does(request_id, "start")
    assert ana.client.post(f"{place}/summary", data={"summary": "A"}, headers=JSON).status_code == 404
    for words, status in (("A loose hose", 303), ("Loose hose at the <firewall>", 303), ("x" * 2001, 422), ("", 422)):
        assert marco.client.post(f"{place}/summary", data={"summary": words}).status_code == status
    assert "Loose hose at the &lt;firewall&gt;" in page(ana, place)
    assert "What was it, and what comes next?" in page(marco, place)
    assert "What was it, and what comes next?" not in page(ana, place)


def test_a_receipt_for_who_paid_and_the_owner_once_it_is_completed(
    ana: Customer, ben: Customer, marco: Mechanic, olga: Owner, place: str, request_id: UUID
) -> None:
    path = f"{place}/receipt"
    assert ana.client.get(path).status_code == 404
    marco.does(request_id, "start")
    marco.client.post(f"{place}/summary", data={"summary": "A loose hose"})
    marco.does(request_id, "complete")
    for who in (ana, olga):
        text = page(who, path)
        for words in (
            "Quick Chat, 30 min",
            "Ana Castillo",
            "Marco Rossi",
            "$9.99",
            "3 credits",
            "BA-20",
            "A loose hose",
        ):
            assert words in text
        assert path in page(who, place)
    for stranger in (ben, marco):
        assert stranger.client.get(path).status_code == 404
    assert path not in page(marco, place)


def test_video_has_a_room_for_the_two_while_it_lasts(
    ana: Customer, marco: Mechanic, olga: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = ana.books("video15")
    marco.accepts(request_id)
    session_id, room = one("SELECT session_id, room FROM session_requests WHERE id = %s", request_id)
    assert len(bytes.fromhex(room)) == 16
    place = f"/consultations/{session_id}"
    assert "video call" not in page(ana, place)  # unset: no link
    monkeypatch.setattr(current(), "meeting_url_template", "https://meet.example/{room}?x=1")
    for who in (ana, marco):
        assert f'href="https://meet.example/{room}?x=1" target="_blank" rel="noopener noreferrer"' in page(who, place)
    assert room not in page(olga, place)
    marco.does(request_id, "start")
    assert room in page(ana, place)
    marco.does(request_id, "complete")
    assert room not in page(ana, place) + page(marco, place)


def test_a_chat_has_no_room_to_go_to(ana: Customer, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current(), "meeting_url_template", "https://meet.example/{room}")
    assert "meet.example" not in page(ana, place)


def test_the_timeline_tells_steps_not_messages(ana: Customer, place: str, request_id: UUID) -> None:
    before = page(ana, place).split("What happened")[1]
    says(ana, place, "Hello")
    assert page(ana, place).split("What happened")[1] == before
    assert events(request_id)[-2:] == [("message_sent", "customer"), ("message_sent", "mechanic")]


def test_links_in_words_are_links_and_nothing_else_is_markup(ana: Customer, marco: Mechanic, place: str) -> None:
    says(ana, place, "See https://example.com/a?b=1&c=2 <script>alert(1)</script> javascript:alert(1)")
    text = page(marco, place)
    assert 'href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener noreferrer" target="_blank"' in text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text


def test_messages_have_a_limit_of_their_own(ana: Customer, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from favorites.web.limits import limiter

    monkeypatch.setattr(current(), "messages_per_minute", 2)
    limiter.reset()
    limiter.enabled = True
    assert [says(ana, place, "Hello").status_code for _ in range(3)] == [200, 200, 429]
    limiter.enabled = False


def test_with_its_customer_everything_goes(ana: Customer, marco: Mechanic, place: str, request_id: UUID) -> None:
    says(ana, place, "Hello")
    shows(ana, place, picture())
    marco.client.post(f"{place}/read", data={"number": 1})
    sql("DELETE FROM users WHERE id = %s", ana.user_id)
    for table in ("messages", "photos", "session_reads"):
        assert one(f"SELECT count(*) FROM {table}") == 0, table


def test_words_of_a_deleted_mechanic_stay_with_the_customer(
    ana: Customer, marco: Mechanic, place: str, request_id: UUID
) -> None:
    says(marco, place, "Check the hose")
    is_over(marco, request_id, 1)
    sql("DELETE FROM users WHERE id = %s", marco.user_id)
    text = page(ana, place)
    assert "Check the hose" in text
    assert "Somebody who is not here any more" in text
    assert "Marco" not in text.split("What happened")[0].split("talk__box")[1]


def test_a_broken_photo_does_not_keep_the_next_one_waiting() -> None:
    for _ in range(2):
        with pytest.raises(NotAPhoto):
            pictures.picture_of(io.BytesIO(b"nothing"))
    assert pictures.picture_of(io.BytesIO(picture())).width == 400
