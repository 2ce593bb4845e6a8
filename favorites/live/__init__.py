"""What is live in a process: hub, feed, ticker, push, post and settling, started once and never before a fork."""

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask, current_app

from favorites import crash, patience
from favorites.live.admission import Admission
from favorites.live.far import FarHub
from favorites.live.feed import Feed
from favorites.live.hub import Hub
from favorites.live.mortal import MortalHub
from favorites.live.pusher import Pusher
from favorites.live.seat import Seat, near
from favorites.post import Post
from favorites.scheduler import Ticker
from favorites.settings import Settings, current
from favorites.settling import Settling
from favorites.webpush import services

LetIn = Callable[[Flask, list[dict[str, Any]]], None]


class Live:
    """Starts and stops them together. Nothing runs before `start`; a forked child starts its own."""

    def __init__(self, app: Flask, let_in: LetIn) -> None:
        self._app = app
        self._admission = Admission(app.wsgi_app, current().streams_max, partial(let_in, app))
        app.wsgi_app = self._admission  # type: ignore[method-assign] # Flask's own way to wrap it
        self._lock = threading.Lock()
        self._pid: int | None = None

    def start(self) -> None:
        """Starts them in this process, unless they run already. For server hooks; else the first request does it."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            settings = current()
            self._hub = hub_of(settings)
            self._ticker = Ticker(settings.poll_seconds, settings.heartbeat_url, settings.event_retention_days)
            self._pusher = Pusher(settings.sign_in_idle_days) if services.are_known() else None
            self._feed = Feed(self._hub, self._ticker.wake, self._pusher.wake if self._pusher else lambda: None)
            self._hub.each_second += [self._feed.watch, patience.watch]
            if self._pusher:
                self._hub.each_second.append(self._pusher.watch)
            self._post = Post(self._app, lambda: self._ticker.is_leader)
            self._settling = Settling(lambda: self._ticker.is_leader)
            self._far = FarHub(settings, self._hub) if settings.hub_process else None
            parts = (self._hub, self._ticker, self._feed, self._pusher, self._post, self._settling, self._far)
            for part in parts:
                if part:
                    part.start()
            self._pid = os.getpid()
            self._admission.start()

    def stop(self) -> None:
        """Stops what this process runs, the ticker first; its streams end and come back to whoever serves next."""
        with self._lock:
            if self._pid == os.getpid():
                self._admission.stop()
                parts = (self._ticker, self._post, self._settling, self._feed, self._pusher, self._hub, self._far)
                for part in parts:
                    if part:
                        part.stop()
            self._pid = None

    def seat(self, user_id: UUID) -> Seat:
        """A place for one more stream of this person: in the hub's process if there is one and it answers, or here."""
        self.start()
        return (self._far and self._far.seat(user_id)) or near(self._hub, self._feed, user_id)

    def feeds_are_well(self) -> bool:
        """Whether all that streams hear is read in time, in the hub's process, too."""
        is_read_here = self.feed.is_ready.is_set() and not self.feed.is_late()
        return is_read_here and (self._far is None or self._far.is_well)

    @property
    def hub(self) -> Hub:
        """The running hub of this process."""
        self.start()
        return self._hub

    @property
    def feed(self) -> Feed:
        """The running feed."""
        self.start()
        return self._feed

    @property
    def ticker(self) -> Ticker:
        """The running ticker."""
        self.start()
        return self._ticker


def hub_of(settings: Settings) -> Hub:
    """A hub as the settings have it."""
    hub = MortalHub if crash.SWITCH else Hub
    return hub(per_user=settings.streams_per_user, most=settings.streams_max)


def init_app(app: Flask, let_in: LetIn) -> None:
    """Registers `app.extensions["live"]`. No thread starts here: a command or a fork may follow.

    `let_in` opens the streams of many at once (WSGI environments).
    """
    live = app.extensions["live"] = Live(app, let_in)

    @app.before_request
    def start_live() -> None:
        if not app.testing:
            live.start()


def live_of(app: Flask | None = None) -> Live:
    """The live part of `app`, or of the current application."""
    live: Live = (app or current_app).extensions["live"]
    return live
