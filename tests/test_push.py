"""Web Push: who hears of an offer while no page is open, what they hear, and who never does."""

import base64
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from py_vapid import Vapid02
from sqlalchemy.orm import Session

from favorites.dispatch import push
from favorites.live.pusher import Pusher
from favorites.settings import Settings, current, kept
from favorites.webpush import keys, services
from tests.cast import Customer, Mechanic, Owner
from tests.database import fast_forward, one, sql, until_waiting
from tests.pushing import PushService, push_service, subscription
from tests.server import until

SOON = 5  # seconds
BROWSERS = "SELECT endpoint FROM push_subscriptions ORDER BY endpoint"
SENDINGS = "SELECT state, tries FROM push_sendings ORDER BY subscription_id"


@pytest.fixture(scope="module")
def listening() -> Iterator[PushService]:
    services.warm_up()  # as a server does at its start whose mechanics have subscribed
    with push_service() as service:
        yield service


@pytest.fixture
def service(listening: PushService, monkeypatch: pytest.MonkeyPatch, flag_on: None) -> PushService:
    """The one push service that may be sent to; nothing has reached it."""
    listening.heard, listening.answers, listening.more = [], [], {}
    monkeypatch.setattr(current(), "push_hosts", [listening.host])
    return listening


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The push services that are known by default; in these tests there is nothing to send."""
    monkeypatch.setattr(current(), "push_hosts", Settings.model_fields["push_hosts"].default)


def subscribes(client: FlaskClient, endpoint: str, **more: str) -> int:
    """A browser says where it is reached."""
    answer = client.post("/mechanic/push", json=subscription(endpoint) | more, headers={"Accept": "application/json"})
    return answer.status_code


def heard(service: PushService, name: str, number: int = 1) -> list[dict[str, str]]:
    """What that browser was told, once it is so much."""
    until(lambda: len(service.told(name)) >= number, f"{name} is told {number} times", SOON)
    return service.told(name)


def settled(*expected: tuple[str, int]) -> None:
    """Waits until the sendings stand like this; they may be many."""
    with suppress(AssertionError):
        until(lambda: stand() == [*expected], "they stand like this", SOON + len(expected))
    assert stand() == [*expected]


def stand() -> list[tuple[str, int]]:
    """How the sendings do."""
    return [tuple(row) for row in sql(SENDINGS)]


@pytest.fixture
def pusher(app: Flask, port: int) -> Pusher:
    """The running server's."""
    found: Pusher = app.extensions["live"]._pusher
    return found


def looks(pusher: Pusher) -> None:
    """Once more all round, from now on."""
    for _ in range(2):  # the first may have begun before
        before = pusher.beat
        pusher.wake()
        until(lambda before=before: pusher.beat > before, "it looks", SOON)


@pytest.fixture
def offer(service: PushService, ana: Customer, marco: Mechanic) -> Callable[[], UUID]:
    """Ana asks Marco, whose phone is in his pocket."""
    ana.favors(marco)
    assert subscribes(marco.client, service.endpoint("phone")) == 200
    return lambda: ana.books_again(marco)


def test_an_offer_reaches_a_closed_board_within_two_seconds(
    service: PushService,
    pusher: Pusher,
    nadia: Mechanic,
    offer: Callable[[], UUID],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert subscribes(nadia.client, service.endpoint("nadia")) == 200
    monkeypatch.setattr("favorites.live.pusher.POLL", 6.0)  # no luck: it must be woken
    looks(pusher)
    request_id = offer()
    assert heard(service, "phone") == [
        {
            "id": str(request_id),
            "url": f"/mechanic/requests/{request_id}",
            "title": "Ana specifically requested you!",
            "body": "2014 Volkswagen Golf · Quick Chat",
            "until": one("SELECT priority_expires_at FROM session_requests").isoformat(),
        }
    ]
    assert one("SELECT extract(epoch FROM clock_timestamp() - priority_notified_at) FROM session_requests") < 2
    headers = service.heard[0].headers
    assert (headers["Topic"], headers["Urgency"]) == (request_id.hex, "high")
    assert 595 <= int(headers["TTL"]) <= 600
    assert headers["Content-Encoding"] == "aes128gcm"
    settled(("offered", 1))
    assert service.told("nadia") == []


def test_the_push_service_can_tell_that_it_is_us(service: PushService, offer: Callable[[], UUID]) -> None:
    offer()
    heard(service, "phone")
    proof = service.heard[0].headers["Authorization"]
    assert Vapid02.verify(proof)
    assert proof.endswith(f"k={keys.public()}")
    claims = proof.partition("t=")[2].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (told["aud"], told["sub"]) == (f"http://{service.host}", "mailto:no-reply@localhost")
    assert time.time() < told["exp"] < time.time() + 86_400


def test_however_many_send_each_browser_hears_once(
    service: PushService, marco: Mechanic, offer: Callable[[], UUID]
) -> None:
    names = [f"browser{number}" for number in range(20)]  # more than go out at once
    for name in names:
        assert subscribes(marco.new_client(), service.endpoint(name)) == 200
    others = [Pusher(14), Pusher(14)]
    for other in others:
        other.start()
    try:
        offer()
        for other in others * 5:
            other.wake()
        settled(*[("offered", 1)] * 21)
        for other in others:
            other.wake()
        until(lambda: all(other._on_their_way == 0 for other in others), "all is written down", SOON)
    finally:
        for other in others:
            other.stop()
    assert sorted(each.path for each in service.heard) == sorted(f"/{name}" for name in [*names, "phone"])


def test_of_two_who_claim_at_the_same_instant_one_has_it(
    session: Session, pool: ThreadPoolExecutor, offer: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, idle = push.claim, timedelta(days=14)
    monkeypatch.setattr(push, "claim", lambda *_: [])  # the running server's stands still
    offer()
    offers, *_ = push.CLAIMS
    assert len(offers.run(session, most=16, idle=idle).all()) == 1
    with Session(session.get_bind()) as other:
        late = pool.submit(claim, other, 16, idle)
        until_waiting()
        session.commit()
        assert late.result(SOON) == []


def accepts(ana: Customer, marco: Mechanic, request_id: UUID) -> object:
    return marco.accepts(request_id)


def declines(ana: Customer, marco: Mechanic, request_id: UUID) -> object:
    return marco.declines(request_id)


def cancels(ana: Customer, marco: Mechanic, request_id: UUID) -> object:
    return ana.does(request_id, "cancel")


def opens(ana: Customer, marco: Mechanic, request_id: UUID) -> object:
    return ana.does(request_id, "open")


def is_silent(ana: Customer, marco: Mechanic, request_id: UUID) -> object:
    """And nobody polls."""
    return fast_forward(minutes=10)


@pytest.mark.parametrize("ends", [accepts, declines, cancels, opens, is_silent])
def test_an_offer_that_is_over_closes_its_notification(
    ends: Callable[[Customer, Mechanic, UUID], object],
    service: PushService,
    ana: Customer,
    marco: Mechanic,
    offer: Callable[[], UUID],
) -> None:
    request_id = offer()
    settled(("offered", 1))
    ends(ana, marco, request_id)
    told = heard(service, "phone", 2)[1]
    assert told == {"id": str(request_id), "url": f"/mechanic/requests/{request_id}", "title": "This offer is over"}
    headers = service.heard[1].headers
    assert (headers["Topic"], headers["Urgency"], headers["TTL"]) == (request_id.hex, "normal", "3600")
    settled()
    assert len(service.heard) == 2


def test_what_was_sent_is_forgotten_though_nobody_is_left_to_hear_of_its_end(
    service: PushService, ana: Customer, marco: Mechanic, offer: Callable[[], UUID]
) -> None:
    request_id = offer()
    settled(("offered", 1))
    assert marco.client.post("/logout").status_code in (302, 303)
    assert sql(BROWSERS) == []
    cancels(ana, marco, request_id)
    settled()
    assert len(service.heard) == 1


def test_who_was_never_told_is_not_told_that_it_is_over(
    service: PushService, marco: Mechanic, offer: Callable[[], UUID]
) -> None:
    request_id = offer()
    settled(("offered", 1))
    assert subscribes(marco.new_client(), service.endpoint("late")) == 200
    assert marco.accepts(request_id).status_code == 200
    settled()
    assert len(heard(service, "phone")) == 2
    assert service.told("late") == []


def test_a_browser_that_has_signed_out_hears_nothing(
    service: PushService, marco: Mechanic, offer: Callable[[], UUID]
) -> None:
    other = marco.new_client()
    assert subscribes(other, service.endpoint("other")) == 200
    assert marco.client.post("/logout").status_code in (302, 303)
    assert [row.endpoint for row in sql(BROWSERS)] == [service.endpoint("other")]
    offer_id = offer_of(service, marco)
    assert [told["id"] for told in heard(service, "other")] == [str(offer_id)]
    assert service.told("phone") == []


def offer_of(service: PushService, marco: Mechanic) -> UUID:
    """As fulfillment leaves it, without signing Marco's browser in again."""
    return one(
        """INSERT INTO session_requests (customer_id, session_type, plan_code, routing_type, preferred_mechanic_id,
             priority_notified_at) SELECT id, 'chat', 'chat10', 'priority_broadcast', %s, clock_timestamp()
             FROM customers RETURNING id""",
        marco.id,
    )


@pytest.mark.parametrize(
    "over",
    [
        "UPDATE users SET active = false",
        "UPDATE users SET password = 'another'",
        "UPDATE sign_ins SET ended_at = clock_timestamp()",
        "UPDATE mechanics SET status = 'suspended'",
        "DELETE FROM sign_ins",
    ],
)
def test_whatever_ends_a_sign_in_ends_its_push(over: str, service: PushService, marco: Mechanic) -> None:
    assert subscribes(marco.client, service.endpoint("phone")) == 200
    sql(over)
    assert sql(BROWSERS) == []


@pytest.mark.parametrize("over", ["expires_at = clock_timestamp()", "seen_at = seen_at - interval '15 days'"])
def test_a_sign_in_that_has_run_out_hears_nothing(
    over: str, service: PushService, marco: Mechanic, offer: Callable[[], UUID]
) -> None:
    assert subscribes(marco.new_client(), service.endpoint("witness")) == 200
    theirs = "(SELECT sign_in_id FROM push_subscriptions WHERE endpoint LIKE %s)"
    sql(f"UPDATE sign_ins SET {over} WHERE id = {theirs}", "%/phone")
    offer()
    heard(service, "witness")
    settled(("offered", 1))
    assert service.told("phone") == []


def test_a_server_that_starts_forgets_where_it_was_reached(service: PushService, marco: Mechanic) -> None:
    assert subscribes(marco.client, service.endpoint("phone")) == 200
    other = marco.new_client()
    assert subscribes(other, service.endpoint("other")) == 200
    theirs = "(SELECT sign_in_id FROM push_subscriptions WHERE endpoint LIKE %s)"
    sql(f"UPDATE sign_ins SET seen_at = seen_at - interval '15 days' WHERE id = {theirs}", "%/phone")
    started = Pusher(14)
    started.start()
    until(lambda: len(sql(BROWSERS)) == 1, "it is forgotten", SOON)
    started.stop()
    assert [row.endpoint for row in sql(BROWSERS)] == [service.endpoint("other")]


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(status: int, service: PushService, offer: Callable[[], UUID]) -> None:
    service.answers = [status]
    offer()
    until(lambda: sql(BROWSERS) == [], "it is forgotten", SOON)
    settled()
    assert len(service.heard) == 1


def is_tried_again(pusher: Pusher) -> None:
    """The time has come at once."""
    until(lambda: pusher._on_their_way == 0, "all is written down", SOON)
    sql("UPDATE push_sendings SET due_at = clock_timestamp()")
    pusher.wake()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_is_unwell_is_asked_again_and_not_for_ever(
    status: int, service: PushService, pusher: Pusher, offer: Callable[[], UUID]
) -> None:
    service.answers = [status] * 9
    offer()
    for tries in range(1, push.TRIES + 1):
        heard(service, "phone", tries)
        settled(("offering", tries))
        is_tried_again(pusher)
    looks(pusher)
    until(lambda: pusher._on_their_way == 0, "it rests", SOON)
    assert len(service.heard) == push.TRIES


def test_it_is_asked_again_when_it_says_and_then_takes_it(
    service: PushService, pusher: Pusher, offer: Callable[[], UUID]
) -> None:
    service.answers, service.more = [503], {"Retry-After": "30"}
    offer()
    heard(service, "phone")
    until(lambda: pusher._on_their_way == 0, "it is written down", SOON)
    assert 20 < one("SELECT extract(epoch FROM due_at - clock_timestamp()) FROM push_sendings") <= 30
    is_tried_again(pusher)
    settled(("offered", 2))


@pytest.mark.parametrize("status", [307, 400, 401, 403, 413])
def test_what_is_refused_or_led_elsewhere_is_not_sent_again(
    status: int, service: PushService, pusher: Pusher, offer: Callable[[], UUID]
) -> None:
    service.answers, service.more = [status], {"Location": service.endpoint("elsewhere")}
    offer()
    settled(("offering", push.TRIES))
    is_tried_again(pusher)
    looks(pusher)
    fast_forward(minutes=10)
    pusher.wake()
    settled()
    assert {each.path for each in service.heard} == {"/phone"}


def test_one_that_hangs_delays_nobody_else(
    service: PushService, marco: Mechanic, offer: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "TIMEOUT", (1.0, 1.0))
    service.answers = [None]
    for name in ("one", "two", "three"):
        assert subscribes(marco.new_client(), service.endpoint(name)) == 200
    request_id = offer()
    assert marco.hears("priority_session_request")
    until(lambda: len(service.heard) == 4, "all are asked", SOON)
    until(lambda: one("SELECT count(*) FROM push_sendings WHERE state = 'offered'") == 3, "three have it", SOON)
    assert marco.accepts(request_id).status_code == 200
    until(lambda: sum("until" not in each.told for each in service.heard) >= 3, "three are told that it is over", SOON)


def test_what_a_killed_sender_has_taken_is_sent_by_another_when_its_time_is_up(
    service: PushService, pusher: Pusher, ana: Customer, marco: Mechanic
) -> None:
    ana.favors(marco)
    held = ana.books_again(marco)
    browser = marco.new_client()
    assert subscribes(browser, service.endpoint("phone")) == 200
    until(lambda: service.told("phone"), "it is told", SOON)
    settled(("offered", 1))
    service.heard.clear()
    # As a sender leaves it that dies between its claim and the answer of the service.
    sql("UPDATE push_sendings SET state = 'offering', due_at = clock_timestamp() + interval '10 seconds'")
    pusher.wake()
    with pytest.raises(AssertionError):
        until(lambda: service.heard, "nobody else has it in hands", 0.3)
    is_tried_again(pusher)
    settled(("offered", 2))
    assert [told["id"] for told in service.told("phone")] == [str(held)]


REFUSED = [
    "",
    "phone",
    "javascript:alert(1)",
    "http://fcm.googleapis.com/fcm/send/one",
    "https://evil.example/one",
    "https://fcm.googleapis.com.evil.example/one",
    "https://evil.example/https://fcm.googleapis.com/",
    "https://marco@fcm.googleapis.com/one",
    "https://fcm.googleapis.com@evil.example/one",
    "https://fcm.googleapis.com:8443/one",
    "https://fcm.googleapis.com:x/one",
    "https://push.apple.com/one",
    "https://evilpush.apple.com/one",
    "https://127.0.0.1/one",
    "https://[::1]/one",
    "https://169.254.169.254/latest",
    "https://fcm.googleapis.com\\@evil.example/one",
    "https://fcm.googleapis.com/one two",
    "https://fcm.googleapis.com/one\r\nHost: evil.example",
    "https://fcm.googleapis.com/" + "x" * 2000,
]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("endpoint", REFUSED)
def test_nothing_is_sent_to_an_address_that_is_no_push_service(endpoint: str, marco: Mechanic) -> None:
    assert subscribes(marco.client, endpoint) == 400
    assert sql(BROWSERS) == []


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def_-",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-by3p.notify.windows.com/w/?token=abc%2b",
    ],
)
def test_the_known_push_services_are_known(endpoint: str, marco: Mechanic) -> None:
    assert subscribes(marco.client, endpoint) == 200
    assert [row.endpoint for row in sql(BROWSERS)] == [endpoint]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "key", [{"p256dh": "x"}, {"p256dh": "A" * 87}, {"auth": ""}, {"auth": "é"}, {"auth": "A" * 43}]
)
def test_keys_that_are_none_are_refused(key: dict[str, str], marco: Mechanic) -> None:
    assert subscribes(marco.client, "https://fcm.googleapis.com/one", **key) == 400


def test_a_known_name_that_leads_into_the_house_is_not_followed(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "push_hosts", Settings.model_fields["push_hosts"].default)
    found = [(2, 1, 6, "", ("127.0.0.1", service.server_port))]
    monkeypatch.setattr("favorites.webpush.services.socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(services.Refused, match="private"):
        services.send("https://fcm.googleapis.com/one", *[*subscription("").values()][1:], "{}", {})


def test_an_address_whose_service_is_no_longer_named_is_forgotten(
    service: PushService, offer: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current(), "push_hosts", ["fcm.googleapis.com"])
    offer()
    until(lambda: sql(BROWSERS) == [], "it is forgotten", SOON)
    assert service.heard == []


@pytest.mark.usefixtures("known")
def test_a_browser_is_reached_at_one_address_and_takes_it_along(marco: Mechanic) -> None:
    address = "https://fcm.googleapis.com/"
    assert [subscribes(marco.client, address + name) for name in ("one", "two", "two")] == [200, 200, 200]
    before = one("SELECT * FROM push_subscriptions")
    assert before.endpoint == address + "two"
    assert subscribes(marco.new_client(), address + "two") == 200  # the same browser, signed in anew
    after = one("SELECT * FROM push_subscriptions")
    assert after.id == before.id  # or it would be told once more
    assert after.sign_in_id != before.sign_in_id
    assert marco.client.post("/mechanic/push/end").status_code == 303
    assert len(sql(BROWSERS)) == 1


@pytest.mark.usefixtures("known")
def test_who_turns_it_off_hears_nothing(marco: Mechanic) -> None:
    assert subscribes(marco.client, "https://fcm.googleapis.com/one") == 200
    assert [marco.client.post("/mechanic/push/end").status_code for _ in range(2)] == [303, 303]
    assert sql(BROWSERS) == []


@pytest.mark.usefixtures("known")
def test_it_goes_with_the_person(marco: Mechanic) -> None:
    assert subscribes(marco.client, "https://fcm.googleapis.com/one") == 200
    sql("DELETE FROM users WHERE id = %s", marco.user_id)
    assert sql(BROWSERS) == []


def test_without_a_service_no_page_speaks_of_it(marco: Mechanic, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f'data-key="{keys.public()}"' in marco.client.get("/mechanic/dashboard").text
    monkeypatch.setattr(current(), "push_hosts", [])
    page = marco.client.get("/mechanic/dashboard").text
    assert 'data-key=""' in page
    assert "when it is closed" not in page


def test_the_key_is_made_once_and_for_nobody_elses_eyes(app: Flask) -> None:
    keys.public()
    path = Path(os.environ["INSTANCE_DIR"]) / "vapid_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(path.read_text() + "=")) == 32
    assert [each.name for each in path.parent.iterdir() if each.name.startswith("vapid_key.")] == []


def test_of_two_that_make_it_in_one_process_at_once_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert kept(path, lambda: "ours, late, not " + kept(path, lambda: "theirs")) == "theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_new_keys_are_printed_as_the_environment_takes_them(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    said = app.test_cli_runner().invoke(args=["vapid-keys"])
    assert said.exit_code == 0
    for line in said.output.splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    settings = Settings()
    assert len(settings.vapid_private_key.get_secret_value()) == 43
    assert settings.vapid_subject == "mailto:no-reply@localhost"


def test_the_worker_cares_for_the_whole_site_and_is_never_an_old_one(app: Flask) -> None:
    answer = app.test_client().get("/sw.js")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    again = app.test_client().get("/sw.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_it_keeps_is_the_same_for_everybody(app: Flask, marco: Mechanic) -> None:
    hers, his = app.test_client().get("/offline"), marco.client.get("/offline")
    assert hers.text == his.text
    assert "csrf" not in hers.text
    assert "Set-Cookie" not in his.headers


def test_it_can_be_installed(app: Flask) -> None:
    browser = app.test_client()
    with browser.get("/static/app.webmanifest") as answer:
        manifest = json.loads(answer.text)
    assert {"name", "short_name", "id", "start_url", "scope", "theme_color", "background_color"} <= set(manifest)
    assert manifest["display"] == "standalone"
    sizes = {(icon["sizes"], icon.get("purpose", "any")) for icon in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
    for icon in manifest["icons"]:
        with browser.get(f"/static/{icon['src']}") as answer:
            picture = answer.data
        if picture.startswith(b"\x89PNG"):
            width = int.from_bytes(picture[16:20])
            assert f"{width}x{width}" == icon["sizes"]


def test_a_job_that_the_owner_gave_is_pushed_and_taken_back_with_it(
    service: PushService, pusher: Pusher, ana: Customer, nadia: Mechanic, olga: Owner
) -> None:
    assert subscribes(nadia.client, service.endpoint("nadia")) == 200
    request_id = ana.books()
    given = {"mechanic_id": str(nadia.id), "reason": "waits_too_long"}
    assert olga.client.post(f"/admin/requests/{request_id}/assign", data=given).status_code == 303
    (told,) = heard(service, "nadia")
    assert told["title"] == "The owner gave you the job for Ana"
    assert told["body"] == "2014 Volkswagen Golf · Quick Chat"
    assert told["until"] is None
    settled(("assigned", 1))
    looks(pusher)
    assert len(service.told("nadia")) == 1
    assert nadia.does(request_id, "release").status_code == 200
    assert heard(service, "nadia", 2)[1]["title"] == "This offer is over"
    settled()


def test_who_was_offered_it_and_is_given_it_is_told_of_both(
    service: PushService, pusher: Pusher, offer: Callable[[], UUID], marco: Mechanic, olga: Owner
) -> None:
    request_id = offer()
    heard(service, "phone")
    given = {"mechanic_id": str(marco.id), "reason": "other"}
    assert olga.client.post(f"/admin/requests/{request_id}/assign", data=given).status_code == 303
    until(lambda: looks(pusher) or len(service.told("phone")) >= 3, "the offer, its end, the job", SOON)
    assert [told["title"] for told in service.told("phone")][1:] == [
        "This offer is over",
        "The owner gave you the job for Ana",
    ]
