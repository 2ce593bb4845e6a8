"""A small application with a hub, for real servers: gunicorn loads it by name."""

from uuid import uuid4

from flask import Flask, Response, session

from favorites.live.frames import Frame, render
from favorites.live.hub import Hub
from favorites.live.reader import Reader
from favorites.live.stream import StreamResponse
from favorites.queries.standing import Standing

app = Flask(__name__)
app.secret_key = "of no use elsewhere"
hub = Hub(per_user=1000, most=1000)
next_id = 0


@app.before_request
def start() -> None:
    if "hub" not in app.extensions:
        app.extensions["hub"] = hub
        hub.start()  # the tests' first request is alone: two threads would start it twice


@app.after_request
def protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


@app.get("/events")
def events() -> Response:
    session["seen"] = True
    return StreamResponse(hub, Reader(Standing(uuid4(), uuid4(), "mechanic"), frozenset({"all"})))


@app.get("/publish")
def publish() -> str:
    global next_id
    next_id += 1
    hub.publish([Frame(next_id, render("news", {}, next_id), ("all",), (), uuid4(), False, False)])
    return str(next_id)


@app.get("/open")
def count() -> str:
    return str(hub.open_streams())
