"""`/metrics`: who may read it, that every figure is right, and that the alert rules ask for figures that are there."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from favorites.cli.every import EVERY
from favorites.settings import ROOT, Settings, current
from tests.cast import Customer, Mechanic
from tests.database import fast_forward, one, sql
from tests.test_mechanic_pages import counted

TOKEN = "sixteen-letters!"
RULES = ROOT / "deploy" / "prometheus-alerts.yml"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Figures = dict[str, float]


@pytest.fixture(scope="module")
def watched(app: Flask) -> Iterator[Flask]:
    """The application as it is made where a token is configured."""
    from favorites import create_app
    from favorites.db import db

    kept = current().metrics_token
    current().metrics_token = SecretStr(TOKEN)
    made = create_app(TESTING=True, RATELIMIT_ENABLED=False, MAIL_BACKEND="locmem")
    yield made
    current().metrics_token = kept
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def figures(watched: Flask) -> Callable[[], Figures]:
    """What Prometheus reads: `name{label}` to its value."""

    def read() -> Figures:
        answer = watched.test_client().get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.text)
        samples = [sample for family in families for sample in family.samples]
        return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}

    return read


def test_without_a_token_configured_it_is_an_address_like_any_unknown_one(app: Flask) -> None:
    client = app.test_client()
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT"):
        asked, unknown = (client.open(path, method=method, headers=BEARER) for path in ("/metrics", "/nowhere"))
        assert (asked.status_code, asked.text) == (404, unknown.text)


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer sixteen-letters", "Bearer sixteen-letters!!", "Basic sixteen-letters!", TOKEN, "é"]
)
def test_without_the_right_token_nothing_is_told(watched: Flask, sent: str) -> None:
    answer = watched.test_client().get("/metrics", headers={"Authorization": sent} if sent else {})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "book_again" not in answer.text


def test_nor_to_an_owner_who_is_signed_in(watched: Flask, olga: Any) -> None:
    assert watched.test_client().get("/metrics", headers={"Cookie": olga.cookie}).status_code == 401


def test_a_token_that_can_be_guessed_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="16 characters or more"):
        Settings(metrics_token=SecretStr("short"))
    assert Settings(metrics_token=SecretStr(TOKEN))


def test_prometheus_understands_it(watched: Flask) -> None:
    answer = watched.test_client().get("/metrics", headers=BEARER)
    assert answer.content_type.startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation.endswith(".") for family in families)
    assert all(family.name.startswith("book_again_") for family in families)


def test_on_a_fresh_machine_nothing_is_made_up(figures: Callable[[], Figures]) -> None:
    told = figures()
    assert "book_again_poll_age_seconds" not in told
    assert not [name for name in told if name.startswith("book_again_lateness_seconds")]
    assert told["book_again_polls_day"] == 0
    assert told["book_again_session_requests priority"] == told["book_again_pushes_failed"] == 0
    assert told["book_again_disk_free_bytes instance"] > 0


@pytest.mark.usefixtures("flag_on")
def test_open_session_requests_are_counted_by_stage(
    figures: Callable[[], Figures], ana: Customer, ben: Customer, chloe: Customer, marco: Mechanic, nadia: Mechanic
) -> None:
    ana.favors(marco)
    chloe.favors(marco)
    ana.books_again(marco)
    ben.books()
    nadia.accepts(chloe.books())
    told = figures()
    assert [told[f"book_again_session_requests {stage}"] for stage in ("priority", "broadcast", "accepted")] == [1] * 3
    assert told["book_again_waiting_too_long"] == 0
    fast_forward(minutes=current().rescue_after_minutes)
    assert figures()["book_again_waiting_too_long"] == 1  # Ben; Ana's favorite still has time
    fast_forward(minutes=6)
    told = figures()
    assert told["book_again_session_requests priority"] == 0  # by the clock, whatever the poll does
    assert told["book_again_session_requests broadcast"] == 2
    assert told["book_again_waiting_too_long"] == 1


def test_who_is_there_to_help_is_counted(figures: Callable[[], Figures], marco: Mechanic, nadia: Mechanic) -> None:
    sql("UPDATE mechanics SET shift_started_at = clock_timestamp()")
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp() - interval '1 minute' WHERE id = %s", nadia.id)
    sql("UPDATE mechanics SET board_seen_at = clock_timestamp() WHERE id = %s", marco.id)
    nadia.leaves()
    told = figures()
    assert told["book_again_mechanics_on_shift"] == 2
    assert told["book_again_mechanics_present"] >= 1
    sql("UPDATE mechanics SET shift_started_at = NULL")
    assert figures()["book_again_mechanics_on_shift"] == 0


@pytest.fixture
def cast(marco: Mechanic, nadia: Mechanic, omar: Mechanic) -> list[Mechanic]:
    return [marco, nadia, omar]


@pytest.mark.usefixtures("flag_on")
def test_a_days_offers_are_counted_by_what_became_of_them(
    figures: Callable[[], Figures], ana: Customer, ben: Customer, chloe: Customer, cast: list[Mechanic], sweep: Any
) -> None:
    marco, nadia, omar = cast
    for customer, mechanic in zip((ana, ben, chloe), cast, strict=True):
        customer.favors(mechanic)
    marco.accepts(ana.books_again(marco))
    nadia.declines(ben.books_again(nadia))
    lapsed = chloe.books_again(omar)
    fast_forward(minutes=10)
    sweep()
    assert one("SELECT fallback_reason FROM session_requests WHERE id = %s", lapsed) == "preferred_mechanic_no_response"
    told = figures()
    day = {outcome: told[f"book_again_offers_day {outcome}"] for outcome in ("won", "lapsed", "declined", "open")}
    assert day == {"won": 1, "lapsed": 1, "declined": 1, "open": 0}
    sql("UPDATE session_requests SET priority_notified_at = priority_notified_at - interval '1 day'")
    assert figures()["book_again_offers_day won"] == 0


def test_polls_streams_and_the_database_are_told(figures: Callable[[], Figures], ana: Customer) -> None:
    sql("INSERT INTO engine_beats (leader, lapsed, expired, lateness_ms) VALUES ('x', 2, 1, 250)")
    sql("INSERT INTO engine_processes (name, kind, streams, told) VALUES ('far:1', 'hub', 1000, 2^62)")
    ana.does(ana.books(), "cancel")
    told = figures()
    assert 0 <= told["book_again_poll_age_seconds"] < 60
    assert told["book_again_lateness_seconds 0.95"] == 0.25
    assert (told["book_again_windows_lapsed_day"], told["book_again_session_requests_expired_day"]) == (2, 1)
    assert (told["book_again_streams hub"], told["book_again_processes hub"]) == (1000, 1)
    assert told["book_again_events_made_total"] == one("SELECT max(id) FROM request_events")
    assert told["book_again_events"] == one("SELECT count(*) FROM request_events")
    assert told["book_again_database_bytes"] > 1_000_000
    assert 0 < told["book_again_database_connections"] < told["book_again_database_connections_max"]
    (info,) = [name for name in told if name.startswith("book_again_info")]
    assert {"0.1.0", one("SELECT version_num FROM alembic_version")} <= set(info.split())


def test_it_names_nobody(figures: Callable[[], Figures], watched: Flask, ana: Customer, marco: Mechanic) -> None:
    ana.books()
    sql("UPDATE session_requests SET attempts = 3")
    text = watched.test_client().get("/metrics", headers=BEARER).text
    assert figures()["book_again_set_aside"] == 1
    for word in ("Ana", "Castillo", "Marco", str(ana.id), str(marco.id), "demo.test"):
        assert word not in text
    sql("UPDATE session_requests SET attempts = 0")


def test_it_takes_few_statements_however_much_there_is(watched: Flask, ana: Customer) -> None:
    def statements() -> int:
        with counted() as told:
            assert watched.test_client().get("/metrics", headers=BEARER).status_code == 200
        return len(told)

    statements()  # the first asks for the schema, too
    before = statements()
    ana.books()
    assert statements() == before <= 13


# ---- the alert rules ----


def rules() -> list[dict[str, Any]]:
    told = yaml.safe_load(RULES.read_text())
    (group,) = told["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_rule_is_whole_and_says_what_to_do() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"BookAgain[A-Za-z]+", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "todo"}
        assert all(sentence.endswith(".") for sentence in rule["annotations"].values())
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_every_rule_asks_for_figures_and_labels_that_are_there(watched: Flask) -> None:
    sql("INSERT INTO engine_beats (leader, lapsed, expired, lateness_ms) VALUES ('x', 2, 1, 250)")
    text = watched.test_client().get("/metrics", headers=BEARER).text
    known = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    for rule in rules():
        asked = set(re.findall(r"\bbook_again_\w+", rule["expr"]))
        assert asked <= known, rule["alert"]
        assert asked or rule["expr"].startswith("up{"), rule["alert"]
        for label, values in re.findall(r'(\w+)=~?"([^"]+)"', rule["expr"]):
            assert label == "job" or all(f'{label}="{value}"' in text for value in values.split("|")), rule["alert"]


def test_every_page_and_command_that_a_rule_names_is_there(watched: Flask) -> None:
    paths = {str(rule) for rule in watched.url_map.iter_rules()}
    for todo in (rule["annotations"]["todo"] for rule in rules()):
        assert set(re.findall(r"(?<![\w/])/(?:admin/\w+|readyz)", todo)) <= paths
        for command in re.findall(r"`flask (\w+)", todo):
            assert command in {each.name for each in EVERY}


def test_promtool_takes_the_rules() -> None:
    told = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, env=os.environ)
    assert told.returncode == 0, told.stdout + told.stderr
