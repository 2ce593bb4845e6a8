"""`flask doctor`: planted faults, each of which it must find and say what to do; advice, which is no fault."""

import gzip
import json
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, build_opener
from uuid import UUID

import pytest
from flask import Flask
from pydantic import SecretStr

from favorites import disk, probe
from favorites.cli.doctor import PARTS
from favorites.cli.doctor.check import CHECKS
from favorites.queries.server import Server as PostgreSQL
from favorites.settings import current, secret_key
from tests.cast import Customer, Mechanic, Owner
from tests.database import hang_up, one, sql, sql_at
from tests.fake_stripe import FakeStripe
from tests.paying import draft, is_over, listening, started, stripe, tell  # fixtures among them
from tests.proxy import proxy_to
from tests.pushing import NOWHERE, subscription
from tests.server import ROOT, Server, clear, environment, free_port, new_instance
from tests.test_engine_page import silent  # noqa: F401 - a fixture

GOOD_KEY = "5f2b9c0d7e1a48366b0cf4d2a97e1358"
GIGABYTE = 10**9


class Told(NamedTuple):
    """What it said of one check, and how it ended."""

    code: int
    levels: list[str]
    words: str

    @property
    def is_fault(self) -> bool:
        return "FAULT" in self.levels


FIXTURES = (draft, listening, started, stripe, tell)
Doctor = Callable[[str, str], Told]
Sets = Callable[..., None]


@pytest.fixture
def doctor(app: Flask) -> Doctor:
    """Asks a section; what it says of one check there."""

    def ask(section: str, name: str) -> Told:
        result = app.test_cli_runner().invoke(args=["doctor", section, "--json"])
        told = json.loads(result.stdout)
        assert {each["section"] for each in told["findings"]} == {section}
        assert told["is_well"] is (result.exit_code == 0)
        mine = [each for each in told["findings"] if each["check"] == name]
        assert mine, f"{name} says nothing"
        assert all(bool(each["todo"]) is (each["level"] != "ok") for each in mine)
        words = " ".join(f"{each['sentence']} {each['todo']}" for each in mine)
        return Told(result.exit_code, [each["level"] for each in mine], words)

    return ask


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> Sets:
    """Settings for this test."""

    def change(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setattr(current(), name, value)

    return change


@pytest.fixture
def in_public(sets: Sets) -> None:
    """As on a server: https behind one proxy."""
    sets(public_url="https://book.example", trusted_proxies=1, secret_key=SecretStr(GOOD_KEY))


# ---- settings ----


@pytest.mark.usefixtures("in_public")
def test_settings_as_on_a_server_are_well(doctor: Doctor) -> None:
    for name in ("secret key", "address", "proxies", "demo"):
        assert doctor("settings", name)[:2] == (0, ["ok"])


PUBLIC = {"public_url": "https://book.example", "trusted_proxies": 1}
SETTINGS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a key that can be guessed": ("secret key", {"secret_key": SecretStr("change-me-" * 4)}, "SECRET_KEY can be"),
    "a key of one letter": ("secret key", {"secret_key": SecretStr("a" * 40)}, "token_hex"),
    "an older key that can be guessed": (
        "secret key",
        {"secret_key": SecretStr(GOOD_KEY), "secret_key_fallbacks": ["hunter2"]},
        "SECRET_KEY_FALLBACKS",
    ),
    "plain http for strangers": ("address", {"public_url": "http://book.example"}, "reads passwords"),
    "https and nobody in front": ("proxies", {**PUBLIC, "trusted_proxies": 0}, "TRUSTED_PROXIES"),
    "the demo in public": ("demo", {**PUBLIC, "demo": True}, "Unset DEMO"),
    "the demo on every address": ("demo", {"demo": True, "host": "0.0.0.0"}, "Unset DEMO"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_that_are_a_fault(doctor: Doctor, sets: Sets, what: str) -> None:
    name, values, words = SETTINGS[what]
    assert not doctor("settings", name).is_fault
    sets(**values)
    told = doctor("settings", name)
    assert (told.code, told.is_fault) == (1, True)
    assert words in told.words


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("address", {"public_url": ""}),
        ("address", {"public_url": "http://192.168.1.20:8000"}),
        ("address", {"public_url": "http://shop.lan"}),
        ("proxies", {"trusted_proxies": 1}),
        ("proxies", {**PUBLIC, "host": "0.0.0.0"}),
        ("demo", {"demo": True, "public_url": "http://127.0.0.1:8000"}),
    ],
)
def test_settings_that_are_advice(doctor: Doctor, sets: Sets, name: str, values: dict[str, Any]) -> None:
    sets(**values)
    assert doctor("settings", name)[1] == ["advice"]


def test_a_kept_key_that_others_can_read_is_a_fault(doctor: Doctor) -> None:
    secret_key(current())
    made = current().instance_dir / "secret_key"
    assert doctor("settings", "secret key")[:2] == (0, ["ok"])
    made.chmod(0o644)
    try:
        told = doctor("settings", "secret key")
        assert told[:2] == (1, ["FAULT"])
        assert f"chmod 600 {made}" in told.words
    finally:
        made.chmod(0o600)


# ---- the database ----


def test_a_database_that_is_behind_is_a_fault_and_what_needs_its_tables_says_so(doctor: Doctor, app: Flask) -> None:
    newest = one("SELECT version_num FROM alembic_version")
    assert doctor("database", "schema")[1] == ["ok"]
    sql("UPDATE alembic_version SET version_num = '0009'")
    try:
        told = doctor("database", "schema")
        assert (told.code, told.levels) == (1, ["FAULT"])
        assert f"(at 0009, not {newest})" in told.words
        assert "Run `flask db upgrade`." in told.words
        assert doctor("invariants", "rows").is_fault  # they were not asked, which is not "all hold"
    finally:
        sql("UPDATE alembic_version SET version_num = %s", newest)


def test_a_database_that_is_away_is_a_fault_in_one_sentence(tmp_path: Path) -> None:
    away = environment(tmp_path, DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/nowhere")
    told = flask(away, "doctor", "database", "scheduler")
    assert told.returncode == 1
    assert "FAULT   database: answer: It does not answer (connection to server" in told.stdout
    assert "FAULT   database: version: It cannot be asked: the database does not answer." in told.stdout
    assert "FAULT   scheduler: polls: It cannot be asked: the database does not answer." in told.stdout
    assert "Traceback" not in told.stdout + told.stderr


def flask(within: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *words],
        cwd=ROOT,
        env=within,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_too_few_connections_are_a_fault(doctor: Doctor, sets: Sets) -> None:
    assert doctor("database", "connections")[1] == ["ok"]
    sets(workers=8)
    assert doctor("database", "connections")[1] == ["ok"]
    database = one("SELECT current_database()")
    sql(f"ALTER DATABASE {database} CONNECTION LIMIT 150")
    try:
        told = doctor("database", "connections")
        assert (told.code, told.levels) == (1, ["FAULT"])
        assert "150 connections, and WORKERS=8 may take 178" in told.words
    finally:
        sql(f"ALTER DATABASE {database} CONNECTION LIMIT -1")


def test_a_server_that_does_not_survive_a_power_cut_is_a_fault(doctor: Doctor) -> None:
    told = doctor("database", "durability")  # the tests' own is one
    assert (told.code, told.levels) == (1, ["FAULT"])
    assert "fsync" in told.words


@pytest.mark.parametrize(("major", "level"), [(14, "FAULT"), (15, "ok"), (18, "ok"), (19, "advice")])
def test_versions_are_told_apart(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, major: int, level: str) -> None:
    monkeypatch.setattr(
        "favorites.cli.doctor.database.server", lambda _: PostgreSQL(major, f"{major}.1", True, True, 200)
    )
    assert doctor("database", "version")[1] == [level]


@pytest.mark.parametrize(("seconds", "level"), [(-3, "FAULT"), (-1, "ok"), (1, "ok"), (3, "FAULT")])
def test_a_clock_that_is_off_is_a_fault(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, seconds: int, level: str
) -> None:
    monkeypatch.setattr(
        "favorites.cli.doctor.database.database_time", lambda _: datetime.now(UTC) + timedelta(seconds=seconds)
    )
    told = doctor("database", "clock")
    assert told.levels == [level]
    assert ("3 s ahead of" in told.words or "3 s behind" in told.words) is (level == "FAULT")


# ---- this machine ----


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [(0.9, 5, "FAULT"), (50, 1000, "FAULT"), (2, 5, "ok"), (150, 1000, "ok")],
)
def test_a_disk_without_room_is_a_fault(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, free: float, total: float, level: str
) -> None:
    usage = SimpleNamespace(total=int(total * GIGABYTE), free=int(free * GIGABYTE))
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage)
    told = doctor("disk", "room")
    assert told.levels == [level, level]  # of INSTANCE_DIR, and of the database's files, which are here
    assert f"{free:.1f} of {total:.1f} GB are free" in told.words


def test_the_room_of_a_directory_that_is_not_made_yet_is_that_of_its_parent(tmp_path: Path, sets: Sets) -> None:
    sets(instance_dir=tmp_path / "not" / "yet")
    (space,) = disk.spaces(current(), None)
    assert space.total > 0


# ---- mail ----


class Smtp(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as is asked for; takes no password, or nothing at all."""

    daemon_threads = True
    says_nothing = False


class _Talk(socketserver.StreamRequestHandler):
    server: Smtp

    def handle(self) -> None:
        if self.server.says_nothing:
            self.rfile.read()
            return
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line.split()[0].upper()
            answers = {b"EHLO": b"250-here\r\n250 AUTH PLAIN", b"AUTH": b"535 no", b"QUIT": b"221 bye"}
            self.wfile.write(answers.get(word, b"250 ok") + b"\r\n")


@pytest.fixture
def smtp(sets: Sets) -> Iterator[Smtp]:
    with Smtp(("127.0.0.1", 0), _Talk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        sets(mail_backend="smtp", mail_server="127.0.0.1", mail_port=server.server_address[1])
        yield server
        server.shutdown()
        thread.join()


def test_a_mail_server_that_answers_is_well(doctor: Doctor, smtp: Smtp, sets: Sets) -> None:
    assert doctor("mail", "server")[:2] == (0, ["ok"])
    assert doctor("mail", "sender")[1] == ["advice"]
    sets(mail_default_sender="Book Again <hello@book.example>")
    assert doctor("mail", "sender")[1] == ["ok"]


def test_a_mail_server_that_is_not_there_is_a_fault(doctor: Doctor, sets: Sets) -> None:
    sets(mail_backend="smtp", mail_server="127.0.0.1", mail_port=free_port())
    told = doctor("mail", "server")
    assert (told.code, told.levels) == (1, ["FAULT"])
    assert "takes no mail" in told.words


def test_a_mail_server_that_says_nothing_is_a_fault_after_a_while(
    doctor: Doctor, smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp.says_nothing = True
    monkeypatch.setattr("favorites.cli.doctor.mail.PATIENCE", 0.2)
    assert doctor("mail", "server")[1] == ["FAULT"]


def test_a_password_that_the_mail_server_does_not_take_is_a_fault(doctor: Doctor, smtp: Smtp, sets: Sets) -> None:
    sets(mail_username="olga", mail_password=SecretStr("wrong"))
    told = doctor("mail", "server")
    assert told.levels == ["FAULT"]
    assert "535" in told.words
    assert "wrong" not in told.words


def test_a_mail_server_without_tls_is_a_fault_where_tls_is_asked_for(doctor: Doctor, smtp: Smtp, sets: Sets) -> None:
    sets(mail_use_tls=True)
    assert doctor("mail", "server")[1] == ["FAULT"]


def test_console_mail_is_advice(doctor: Doctor, sets: Sets) -> None:
    sets(mail_backend="console")
    assert doctor("mail", "server")[:2] == (0, ["advice"])


# ---- push ----


def test_push_keys(doctor: Doctor, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from favorites.webpush import keys

    sets(instance_dir=tmp_path)
    assert doctor("push", "keys")[1] == ["ok"]
    sets(push_hosts=[])
    assert doctor("push", "keys")[1] == ["advice"]
    sets(push_hosts=["*.push.example"])
    keys.public.cache_clear()
    keys.pair.cache_clear()
    (tmp_path / "vapid_key").write_text("half a key")
    try:
        assert doctor("push", "keys")[:2] == (1, ["FAULT"])
    finally:
        keys.pair.cache_clear()
    monkeypatch.setattr("os.access", lambda *_: False)
    (tmp_path / "vapid_key").unlink()
    assert doctor("push", "keys")[1] == ["advice"]


def test_push_from_plain_http_is_advice(doctor: Doctor, sets: Sets) -> None:
    assert doctor("push", "browsers")[1] == ["ok"]
    sets(public_url="http://shop.lan")
    assert doctor("push", "browsers")[1] == ["advice"]


# ---- payments ----

LIVE, TEST, HOOK = SecretStr("sk_live_x"), SecretStr("rk_test_x"), SecretStr("whsec_x")
HTTPS = {"public_url": "https://book.example"}
PAYMENTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no key": ("keys", {}, "ok", "nobody pays online"),
    "a key that is none": ("keys", {"stripe_secret_key": SecretStr("pk_live_x")}, "FAULT", "sk_test_"),
    "real money without https": ("keys", {"stripe_secret_key": LIVE}, "FAULT", "PUBLIC_URL is not https"),
    "real money": ("keys", {"stripe_secret_key": LIVE, **HTTPS}, "ok", "the live mode"),
    "no money in public": ("keys", {"stripe_secret_key": TEST, **HTTPS}, "advice", "no money moves"),
    "no money at home": ("keys", {"stripe_secret_key": TEST}, "ok", "no money moves"),
    "no webhook": ("webhook", {"stripe_secret_key": TEST, **HTTPS}, "FAULT", "https://book.example/webhooks/stripe"),
    "a secret that is none": (
        "webhook",
        {"stripe_secret_key": TEST, "stripe_webhook_secret": LIVE},
        "FAULT",
        "whsec_",
    ),
    "a webhook": ("webhook", {"stripe_secret_key": TEST, "stripe_webhook_secret": HOOK}, "ok", "is set"),
    "no clock to look at": ("clock", {}, "ok", "not asked"),
}


@pytest.mark.parametrize("what", PAYMENTS)
def test_payments_keys_and_webhook(doctor: Doctor, sets: Sets, what: str) -> None:
    name, values, level, words = PAYMENTS[what]
    sets(stripe_api_url="http://127.0.0.1:9", **values)
    told = doctor("payments", name)
    assert told.levels == [level]
    assert words in told.words


def test_payments_a_key_without_the_library(doctor: Doctor, sets: Sets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("favorites.providers.find_spec", lambda _: None)
    sets(stripe_secret_key=TEST)
    told = doctor("payments", "keys")
    assert told.is_fault
    assert "pip install '.[stripe]'" in told.words


@pytest.mark.parametrize(
    ("ahead", "level"), [(0, "ok"), (290, "advice"), (-290, "advice"), (360, "FAULT"), (-360, "FAULT")]
)
def test_payments_our_clock_against_stripe_s(doctor: Doctor, stripe: FakeStripe, ahead: int, level: str) -> None:
    stripe.clock_is_ahead = ahead
    assert doctor("payments", "clock").levels == [level]


def test_payments_stripe_does_not_answer_or_does_not_know_the_key(
    doctor: Doctor, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.is_down = True
    assert "APIConnectionError" in doctor("payments", "clock").words
    stripe.is_down = False
    monkeypatch.setattr("tests.fake_stripe.KEY", "sk_test_another")
    told = doctor("payments", "clock")
    assert told.is_fault
    assert "AuthenticationError" in told.words


def test_payments_refunds_that_fail_and_events_of_nobody(
    ana: Customer,
    doctor: Doctor,
    started: UUID,
    stripe: FakeStripe,
    tell: Callable[..., int],
    settle: Callable[[], None],
) -> None:
    tell(stripe.pays())
    assert doctor("payments", "refunds").levels == ["ok"]
    ana.does(one("SELECT id FROM session_requests"), "cancel")
    stripe.is_down = True
    for _ in range(2):
        settle()
        is_over(minutes=5)
    assert doctor("payments", "refunds").levels == ["ok"]
    settle()
    is_over(minutes=10)
    told = doctor("payments", "refunds")
    assert told.is_fault
    assert "Refunds not confirmed (APIConnectionError): 1" in told.words
    assert doctor("payments", "events").levels == ["ok"]
    stripe.is_down = False
    tell(stripe.told("charge.refunded", {"id": "ch_of_nobody", "amount_refunded": 5, "refunded": True}))
    is_over(minutes=11)
    assert "Events of Stripe's that belong to no payment of ours: 1." in doctor("payments", "events").words
    settle()
    assert doctor("payments", "refunds").levels == ["ok"]
    assert started


# ---- what stands in front ----


class Holding(ThreadingHTTPServer):
    """A proxy that reads an answer whole before it passes it on; `squeezes`: and compresses it."""

    daemon_threads = True
    squeezes = False
    behind = 0


class _Held(BaseHTTPRequestHandler):
    server: Holding

    def do_GET(self) -> None:
        with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{self.server.behind}{self.path}") as answer:
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if self.server.squeezes:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[int]:
    """Its port, while it serves."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_proxy_that_passes_streams_on_is_well(doctor: Doctor, sets: Sets, port: int) -> None:
    with proxy_to(("127.0.0.1", port)) as proxy:
        sets(public_url=f"http://127.0.0.1:{proxy.port}")
        assert doctor("proxy", "streams")[:2] == (0, ["ok"])


@pytest.mark.parametrize(("squeezes", "words"), [(False, "holds streams back"), (True, "compresses streams (gzip)")])
def test_a_proxy_that_holds_streams_back_or_compresses_them_is_a_fault(
    doctor: Doctor, sets: Sets, port: int, squeezes: bool, words: str
) -> None:
    holding = Holding(("127.0.0.1", 0), _Held)
    holding.behind, holding.squeezes = port, squeezes
    with served(holding) as front:
        sets(public_url=f"http://127.0.0.1:{front}")
        told = doctor("proxy", "streams")
        assert (told.code, told.levels) == (1, ["FAULT"])
        assert words in told.words


def test_no_proxy_and_no_server_are_advice(doctor: Doctor, sets: Sets, port: int) -> None:
    sets(port=port)
    told = doctor("proxy", "streams")
    assert told[:2] == (0, ["advice"])
    assert "no proxy" in told.words
    for where in ({"port": free_port()}, {"public_url": f"https://127.0.0.1:{free_port()}"}):
        sets(**where)
        told = doctor("proxy", "streams")
        assert told[:2] == (0, ["advice"])
        assert "not reached" in told.words


def test_another_site_at_our_address_is_a_fault(
    doctor: Doctor, sets: Sets, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "ticket", lambda _: "of-another-key")
    sets(port=port)
    assert doctor("proxy", "streams")[1] == ["advice"]  # it may be anything that listens there
    sets(public_url=f"http://127.0.0.1:{port}")
    told = doctor("proxy", "streams")
    assert told[:2] == (1, ["FAULT"])
    assert "answers 404" in told.words


def test_a_certificate_that_nobody_believes_is_a_fault(doctor: Doctor, sets: Sets, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Held)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # the handshake fails, as it should
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with served(server) as front:
        sets(public_url=f"https://127.0.0.1:{front}")
        told = doctor("proxy", "streams")
    assert told[:2] == (1, ["FAULT"])
    assert "certificate" in told.words


def self_signed(place: Path) -> Path:
    """A certificate with its key, by nobody anybody knows."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (place / "pem").write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return place / "pem"


def test_the_probe_is_nobodys_without_a_young_ticket(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    good = probe.ticket(current())
    answer = client.get(f"/healthz/stream?ticket={good}")
    assert (answer.status_code, answer.text.count("event: ping")) == (200, 2)
    assert answer.headers["X-Accel-Buffering"] == "no"
    for bad in ("", "x", good[:-1], good + "x"):
        assert client.get(f"/healthz/stream?ticket={bad}").status_code == 404
    monkeypatch.setattr(probe, "HOLDS", -1)
    assert client.get(f"/healthz/stream?ticket={good}").status_code == 404


# ---- the engine ----


@pytest.mark.usefixtures("silent")
def test_a_scheduler_that_is_silent_is_a_fault(doctor: Doctor) -> None:
    assert doctor("scheduler", "polls")[1] == ["advice"]  # none was ever made
    beat = (
        "INSERT INTO engine_beats (at, leader, lapsed, expired) VALUES (clock_timestamp() - %s::interval, 'x:1', 0, 0)"
    )
    sql(beat, "2 minutes")
    assert doctor("scheduler", "polls")[:2] == (0, ["ok"])
    sql("UPDATE engine_beats SET at = at - interval '2 minutes'")
    told = doctor("scheduler", "polls")
    assert told[:2] == (1, ["FAULT"])
    assert "The last poll is 24" in told.words  # seconds


@pytest.mark.usefixtures("silent")
def test_a_process_that_does_not_tell_what_happens_is_a_fault(doctor: Doctor, ana: Customer) -> None:
    newest = one("SELECT coalesce(max(id), 0) FROM request_events")
    sql("INSERT INTO engine_processes (name, kind, streams, told) VALUES ('far:1', 'hub', 7, %s)", newest)
    assert not doctor("scheduler", "streams").is_fault
    request_id = ana.books()
    sql(
        "INSERT INTO request_events (session_request_id, kind, audience)"
        " SELECT %s, 'request_extended', 'record' FROM generate_series(1, 200)",
        request_id,
    )
    sql("UPDATE engine_processes SET seen_at = seen_at + interval '5 s'")
    try:
        found = doctor("scheduler", "streams")
        assert found[:2] == (1, ["FAULT"])
        assert "far:1 has 20" in found.words
    finally:
        ana.does(request_id, "cancel")
        sql("DELETE FROM request_events WHERE session_request_id = %s", request_id)
        sql("DELETE FROM session_requests")


@pytest.mark.usefixtures("silent")
def test_what_was_not_sent_is_advice(doctor: Doctor, ana: Customer, nadia: Mechanic) -> None:
    assert doctor("scheduler", "sendings")[1] == ["ok"]
    nadia.accepts(ana.books())
    sql(
        "INSERT INTO mails (event_id, user_id, tries, next_try_at) SELECT id, %s, 4, clock_timestamp()"
        " FROM request_events WHERE kind = 'request_accepted' AND audience = 'customer'",
        ana.user_id,
    )
    assert doctor("scheduler", "sendings")[:2] == (0, ["advice"])


@pytest.mark.planted
def test_a_row_that_breaks_an_invariant_is_a_fault(doctor: Doctor, ana: Customer) -> None:
    assert doctor("invariants", "rows")[:2] == (0, ["ok"])
    sql("INSERT INTO credit_entries (customer_id, kind, credits) VALUES (%s, 'correction', -1000)", ana.id)
    told = doctor("invariants", "rows")
    assert told[:2] == (1, ["FAULT"])
    assert f"Look at {ana.id}." in told.words


# ---- before going live ----


def test_who_is_missing_before_going_live_is_advice(doctor: Doctor, flag_on: None) -> None:
    told = doctor("going-live", "people")
    assert told[:2] == (0, ["advice", "advice"])
    assert "no owner" in told.words
    assert "No mechanic is approved" in told.words


def test_with_an_owner_a_mechanic_and_the_flag_it_may_go_live(
    doctor: Doctor, flag_on: None, olga: Owner, marco: Mechanic
) -> None:
    assert doctor("going-live", "people")[1] == ["ok"]
    sql("UPDATE feature_flags SET is_enabled = false")
    assert "flask flag on" in doctor("going-live", "people").words


def test_favorites_who_are_reached_by_an_open_board_only_or_not_at_all_are_named(
    doctor: Doctor, sets: Sets, ana: Customer, ben: Customer, marco: Mechanic, nadia: Mechanic, omar: Mechanic
) -> None:
    assert doctor("going-live", "favorites")[:2] == (0, ["ok"])
    for customer in (ana, ben):
        customer.favors(marco)
    ana.favors(nadia)
    for mechanic in (marco, nadia, omar):
        mechanic.leaves()
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp() - interval '6 days' WHERE id = %s", marco.id)
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp() - interval '8 days' WHERE id = %s", nadia.id)
    sql("UPDATE users SET confirmed_at = NULL WHERE id = %s", nadia.user_id)
    told = doctor("going-live", "favorites")
    assert told[:2] == (0, ["advice", "advice"])
    assert "Marco Rossi (2 customers): only when the board is open." in told.words
    assert "Nadia Haddad (1 customer): not at all: no board was open in 7 days. Their e-mail address" in told.words
    assert "Omar" not in told.words  # nobody favors him

    answer = marco.client.post("/mechanic/push", json=subscription(f"http://{NOWHERE}/phone"))
    assert answer.status_code == 200
    told = doctor("going-live", "favorites")
    assert told.levels == ["advice"]
    assert "Marco" not in told.words
    sql("UPDATE mechanics SET takes_favorites = false WHERE id = %s", nadia.id)
    assert doctor("going-live", "favorites")[1] == ["ok"]
    sets(push_hosts=[])  # then a subscription helps nobody
    assert "Marco" in doctor("going-live", "favorites").words
    sets(push_hosts=[NOWHERE])
    sql("UPDATE sign_ins SET ended_at = clock_timestamp() WHERE user_id = %s", marco.user_id)
    assert "Marco" in doctor("going-live", "favorites").words


# ---- all of it ----


def test_every_check_stands_in_a_section_that_is_told() -> None:
    assert {each.section for each in CHECKS} == {part.SECTION for part in PARTS}
    assert len({(each.section, each.name) for each in CHECKS}) == len(CHECKS)


def test_on_a_running_demo_it_finds_no_fault_and_then_the_one_that_is_planted() -> None:
    instance = new_instance()
    try:
        with Server(instance, DEMO="1") as server:
            server.ready()
            here = environment(instance, PORT=str(server.port), PUSH_HOSTS='["*.push.example"]')
            told = flask(here, "doctor")
            assert told.returncode == 0, told.stdout + told.stderr
            lines = told.stdout.splitlines()
            assert {line.split()[0] for line in lines[:-1]} == {"ok", "advice"}
            assert lines[-1].startswith("Faults: 0. Advice: ")
            assert "advice  proxy: streams: Streams flow; there is no proxy." in told.stdout
            assert "ok      scheduler: streams: 0 are open in 1 processes" in told.stdout
            assert "Marco Rossi (1 customer): only when the board is open." in told.stdout

            database = flask(here, "database-url").stdout.strip()
            sql_at(database, "ALTER SYSTEM SET synchronous_commit = off")
            sql_at(database, "SELECT pg_reload_conf()")
            hang_up(database)
            told = flask(here, "doctor", "database", "--json")
            assert told.returncode == 1
            (planted,) = [each for each in json.loads(told.stdout)["findings"] if each["level"] == "FAULT"]
            assert planted["check"] == "durability"
            assert "synchronous_commit" in planted["sentence"]
    finally:
        clear(instance)
