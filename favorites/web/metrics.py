"""`/metrics`: the engine's figures as Prometheus reads them. Without METRICS_TOKEN there is no such page.

All of them are read from the database when they are asked for, so any worker's answer is the whole house's. None has a
label of a person.
"""

import hmac
import platform
from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Response, make_response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from favorites import disk
from favorites.db import Session, db
from favorites.queries import machine, now, sendings
from favorites.settings import current
from favorites.version import version

bp = Blueprint("metrics", __name__)

MOST = 1000  # of what was given up that is counted
PREFIX = "book_again"


@bp.get("/metrics")
def metrics() -> Response:
    """The figures, for whoever sends the token; 401 for everyone else."""
    token = current().metrics_token.get_secret_value()
    sent = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        return make_response("The token is missing or wrong.\n", 401, {"WWW-Authenticate": "Bearer", **PLAIN})
    registry = CollectorRegistry()
    registry.register(Figures(db.session))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


class Figures(Collector):
    """Reads them when it is asked; see each one's own words."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def describe(self) -> list[Metric]:
        """Nothing beforehand: it would ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them, in ten statements."""
        yield from self._house()
        yield from self._polls()
        yield from self._streams()
        yield from self._given_up()
        yield from self._database()

    def _house(self) -> Iterator[Metric]:
        waiting = now.waiting(self._session)
        stages = {"priority": waiting.priority, "broadcast": waiting.broadcast, "accepted": waiting.accepted}
        yield _by("session_requests", "Open session requests.", "stage", stages)
        yield _one("waiting_too_long", "Of them, asked of everyone for RESCUE_AFTER_MINUTES.", waiting.too_long)
        there = now.helpers(self._session)
        yield _one("mechanics_on_shift", "Approved mechanics on shift.", there.on_shift)
        yield _one("mechanics_present", "Of them, with an open board.", there.present)
        yield _by("offers_day", "Offers of the last day by what became of them.", "outcome", now.offers(self._session))

    def _polls(self) -> Iterator[Metric]:
        poll, day = machine.newest_poll(self._session), machine.day(self._session)
        yield _one("poll_period_seconds", "How often it polls at least.", current().poll_seconds)
        yield _one("poll_age_seconds", "Since the last poll; none without one.", poll.age if poll else None)
        yield _one("polls_day", "Polls of the last day.", day.polls)
        yield _one("windows_lapsed_day", "Windows announced as over in the last day.", day.lapsed)
        yield _one("session_requests_expired_day", "Session requests expired in the last day.", day.expired)
        late = {"0.5": day.p50, "0.95": day.p95, "1": day.longest}
        seconds = {quantile: ms / 1000 for quantile, ms in late.items() if ms is not None}
        yield _by("lateness_seconds", "Windows' announcements after their end, last day.", "quantile", seconds)

    def _streams(self) -> Iterator[Metric]:
        processes = machine.processes(self._session)
        kinds = {kind: [each for each in processes if each.kind == kind] for kind in ("web", "hub")}
        yield _by("processes", "Processes that hold streams.", "kind", {kind: len(of) for kind, of in kinds.items()})
        streams = {kind: sum(each.streams for each in of) for kind, of in kinds.items()}
        yield _by("streams", "Open streams.", "kind", streams)
        behind = max((each.behind for each in processes), default=0)
        yield _one("event_backlog", "Events that the slowest process has yet to tell.", behind)
        events = machine.events(self._session)
        yield _one("events", "Events kept; above 10,000 an estimate.", events.events)
        made = CounterMetricFamily(f"{PREFIX}_events_made", "Events ever made.")
        made.add_metric([], events.newest or 0)
        yield made

    def _given_up(self) -> Iterator[Metric]:
        idle = timedelta(days=current().sign_in_idle_days)
        pushes = sendings.failed_pushes(self._session, idle, MOST)
        yield _one("pushes_failed", "Offers under way that a device was not told of.", len(pushes))
        mails = sendings.failed_mails(self._session, MOST)
        yield _one("mails_failed", "Mails of the last day that no mail server took.", len(mails))
        aside = sendings.set_aside(self._session)
        yield _one("set_aside", "Open session requests on which the poll fails.", len(aside))

    def _database(self) -> Iterator[Metric]:
        database = machine.database(self._session)
        about = {"version": version(), "python": platform.python_version(), "postgresql": database.version.split()[0]}
        info = GaugeMetricFamily(f"{PREFIX}_info", "Versions.", labels=[*about, "schema"])
        info.add_metric([*about.values(), database.revision], 1)
        yield info
        yield _one("database_bytes", "Size of the database.", database.bytes)
        yield _one("database_connections", "Connections to the server.", database.connections)
        yield _one("database_connections_max", "As many as it takes.", database.max_connections)
        yield _one("database_start_seconds", "When the server started, Unix time.", database.started_at.timestamp())
        spaces = disk.spaces(current(), database.directory)
        yield _by("disk_free_bytes", "Free where our files are.", "holds", {each.holds: each.free for each in spaces})
        yield _by("disk_bytes", "All there is.", "holds", {each.holds: each.total for each in spaces})


def _one(name: str, sentence: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", sentence)
    if value is not None:
        family.add_metric([], value)
    return family


def _by(name: str, sentence: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", sentence, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family
