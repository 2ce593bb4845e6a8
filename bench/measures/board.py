"""A mechanic's board with 200 open requests: how long the server takes for a GET, and how many statements."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from statistics import median

from bench.figures import Figure, figure, percentile
from bench.stage import Stage, stage
from tests.server import ROOT

OPEN, GETS = 200, 250
PATH = "/mechanic/dashboard"
PEOPLE = """
WITH person AS (INSERT INTO users (email, role, fs_uniquifier)
  SELECT 'open' || n || '@bench.test', 'customer', 'open' || n FROM generate_series(1, %s) AS n RETURNING id, email)
INSERT INTO customers (user_id, first_name) SELECT id, initcap(split_part(email, '@', 1)) FROM person
"""
ASK = """
WITH told AS (INSERT INTO sessions (customer_id, plan_code, session_type, status, price_cents, currency, paid_by)
  SELECT id, 'chat10', 'chat', 'ready', 999, 'USD', 'payment' FROM customers RETURNING id, customer_id),
car AS (INSERT INTO intakes (session_id, name, email, phone, year, make, model, concern)
  SELECT id, 'Open Bench', 'open@bench.test', '+1 555 0100', 2014, 'Volkswagen', 'Golf',
         'The engine light is on after a cold start.' FROM told)
INSERT INTO session_requests (customer_id, session_id, session_type, plan_code, expires_at)
SELECT customer_id, id, 'chat', 'chat10', now() + interval '1 day' FROM told
"""
# The application's own answer in a process of its own: without a socket or a server. Milliseconds of each GET.
INSIDE = """
import json, sys, time
from sqlalchemy import event
from sqlalchemy.engine import Engine
from favorites import create_app
path, cookie, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
client, took, sent = create_app(TESTING=True).test_client(use_cookies=False), [], []
event.listen(Engine, "before_cursor_execute", lambda *_: sent.append(1))
for _ in range(times):
    sent.clear()
    began = time.perf_counter()
    answer = client.get(path, headers={"Cookie": cookie})
    took.append(1000 * (time.perf_counter() - began))
    assert answer.status_code == 200, answer.text
print(json.dumps({"took": took[10:], "statements": len(sent), "cards": answer.text.count("data-card")}))
"""


def measure() -> Iterator[Figure]:
    """Sign-in, rendering and compression of nothing: all that the server does for one GET, one after the other."""
    with stage() as on:
        _, cookie = on.town.mechanic("Marco")
        on.town.rows(PEOPLE, OPEN)
        on.town.rows(ASK)
        on.town.rows("ANALYZE")
        heard = _by_socket(on, cookie)
        inside = _inside(on, cookie)
    took, name = inside["took"], f"the board with {OPEN} open requests"
    note = f"{inside['cards']} cards; p99 {percentile(took, 0.99):.1f} ms"
    yield figure(f"{name}, inside the application, p50", median(took), "ms", most=25, note=note)
    note = f"by one client on loopback; p99 {percentile(heard, 0.99):.1f} ms"
    yield figure(f"{name}, a GET, p50", median(heard), "ms", most=25, note=note)
    yield figure(f"{name}, statements", inside["statements"], "", most=6, note="sign-in included")


def _by_socket(on: Stage, cookie: str) -> list[float]:
    connection, took = HTTPConnection("127.0.0.1", on.port, timeout=30), []
    for _ in range(GETS):
        began = time.perf_counter()
        connection.request("GET", PATH, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status == 200, answer.status
    connection.close()
    return took[10:]


def _inside(on: Stage, cookie: str) -> dict[str, list[float]]:
    command = [sys.executable, "-c", INSIDE, PATH, cookie, str(GETS)]
    environment = os.environ | {"INSTANCE_DIR": str(on.server.instance), "DATABASE_URL": ""}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = json.loads(told.stdout)
    return found
