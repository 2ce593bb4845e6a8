"""What nobody sends by accident: addresses, fields, headers and bodies; and how the answers are read."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from werkzeug.routing import Rule

from tests.cast import NOBODY
from tests.database import TABLES, sql

# What stands in an address where an id should.
PLACES = [
    NOBODY,
    "1",
    "%00",
    "%ff",
    "%ed%a0%80",
    "x" * 3000,
    "../../admin",
    "%2e%2e%2fadmin",
    "%F0%9F%9A%97",
    "{7*7}",
]

LONG = "x" * 100_000

# What is typed into one field.
VALUES = [
    "\0",
    "\ufffe\u202e\u2028\x1b[31m",
    "9" * 31,
    "-1e308",
    "NaN",
    LONG,
    "[]",
    "' OR 1=1 --",
    "%s{0}{{7*7}}",
]

HEADERS: list[dict[str, str]] = [
    {"Origin": "http://[::1"},
    {"Origin": "\xff"},
    {"Referer": "http://[::1"},
    {"Accept": "application/json;q=x,\xff/*;q=9e999"},
    {"Cookie": 'session="\\377\\000; session=.; csrf_token=x'},
    {"Content-Length": "-1"},
    {"Content-Length": "x"},
    {"Content-Length": "1" * 40},
    {"Content-Length": "99"},
    {"Last-Event-ID": "9" * 40},
    {"Last-Event-ID": "\xb2"},
    {"Range": "bytes=9-1,-,0-" + "9" * 40},
    {"If-Modified-Since": "x", "If-None-Match": "\xff", "If-Range": '"'},
    {"HX-Request": "\xff", "HX-Current-URL": "http://[::1"},
    {"User-Agent": "\xff\x01" * 3000},
    {"X-CSRFToken": "\xff"},
    {"Authorization": "Basic =", "Authentication-Token": "x"},
    {"X-Forwarded-For": "\xff, x", "X-Forwarded-Host": "evil.test"},
    {"Sec-Fetch-Site": "\xff"},
    {"Transfer-Encoding": "chunked"},
    {"X-HTTP-Method-Override": "DELETE"},
]

FORM, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
PART = b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
BODIES: list[tuple[str, bytes]] = [
    (FORM, b"name=%00&email=%00"),
    (FORM, b"name=%ed%a0%80&email=%ff\xff&=&&==&%=%"),
    (FORM, b"&".join(b"name=%d&email=%d" % (number, number) for number in range(500))),
    (FORM, b'{"email": "a JSON where a form is due"}'),
    (f"{FORM}; charset=no-such", b"name=+AAA-"),
    (MULTIPART, b"no boundary"),
    (f"{MULTIPART}; boundary=x", b"--y\r\n\r\nanother boundary\r\n--y--"),
    (f"{MULTIPART}; boundary=x", PART % (b"email", b"", b"never ended")),
    (f"{MULTIPART}; boundary=x", PART % (b"email", b'; filename="a\0b"', b"a file") + b"--x--"),
    (f"{MULTIPART}; boundary=x", PART % (b"email", b'; filename="../../x.php"', b"\xff" * 99) + b"--x--"),
    (f"{MULTIPART}; boundary=x", b"".join(PART % (b"f%d" % number, b"", b"") for number in range(1500)) + b"--x--"),
    (JSON, b'{"email": ["a"], "reason": ["x"], "name": {"a": 1}, "next": null, "password": 5}'),
    (JSON, b'{"reason": {"a": 1}, "year": 1e400, "odometer": NaN, "urgent": [], "form_key": {}}'),
    (JSON, b'{"name": "\\ud800"}'),
    (JSON, b'{"a":' * 30_000),
    (JSON, b'{"year": ' + b"9" * 5000 + b"}"),
    (JSON, b"email=a@x.test&password=a+form+where+JSON+is+due"),
    (JSON, b'\xef\xbb\xbf{"name": "x"}'),
    (f"{JSON}; charset=utf-16", '{"name": "x"}'.encode("utf-16")),
    ("application/problem+json", b"{}"),
    ("application/octet-stream", bytes(range(256))),
    ("application/xml", b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>'),
    ("\xff/;=", b"x"),
    ("", b"x"),
]

# What must never lead to another site, whoever reads it: a browser, Werkzeug or a proxy.
ELSEWHERE = [
    *("//evil.test", "///evil.test", "////evil.test", "//evil.test/%2f..", "//evil.test:80", "//evil.test?x"),
    *("//@evil.test", "//localhost@evil.test", "//evil%E3%80%82test", "//\u0435vil.test", "//[", "//[::1"),
    *("//[::1]@evil.test", "//0x7f.1", "/\\evil.test", "/\\/evil.test", "\\\\evil.test", "\\/evil.test"),
    *("\\evil.test", "/a\\..\\..\\evil.test", "/%09\\evil.test", "/\t/evil.test", "/\n/evil.test", "/\r/evil.test"),
    *("\t//evil.test", "\n//evil.test", " //evil.test", "\x00//evil.test", "\x19//evil.test", "\u00a0//evil.test"),
    *("\u200b//evil.test", "\ufeff//evil.test", "/\u200b/evil.test", "\u2215\u2215evil.test", "https://evil.test"),
    *("http://evil.test", "HTTPS://evil.test", "https:evil.test", "https:/evil.test", "https:\\\\evil.test"),
    *("http://[", "http://[::1", "http://localhost@evil.test", "http://localhost.evil.test"),
    *("http://localhost:80@evil.test", "http:\t//evil.test", "ht\ntps://evil.test", "ftp://evil.test"),
    *("ws://evil.test", "blob:https://evil.test/x", "javascript:alert(1)", "JaVaScRiPt:alert(1)"),
    *("java\nscript:alert(1)", "\x01javascript:alert(1)", "javascript://%0aalert(1)"),
    *("data:text/html,<script>alert(1)</script>", "vbscript:x", "about:blank", "mailto:a@evil.test"),
    *("view-source:x", "/ok\r\nLocation: //evil.test", "/ok\nSet-Cookie: x=y", "evil.test", "./evil", "../evil"),
    *("%2f%2fevil.test", "@evil.test", "?next=//evil.test", "#//evil.test", ".evil.test", ":80"),
    *("http://localhost//evil.test", "x" * 5000),
]


def address(rule: Rule, ids: Mapping[str, Any] | str) -> str:
    """An address of that route: each place filled by its name, or all with the same."""
    path = re.sub(r"<any\('?(\w+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda place: _in(place, ids), path)


def _in(place: re.Match[str], ids: Mapping[str, Any] | str) -> str:
    """What stands there; where a number must, no word is an address at all."""
    if isinstance(ids, str):
        return "1" if place[0].startswith("<int:") else ids
    return str(ids[place[1]])


def state() -> dict[str, Any]:
    """All that is stored of people and their doings, but when they were last seen."""
    tables = (set(TABLES) - {"engine_beats", "engine_processes"}) | {
        "request_events",
        "intakes",
        "waivers",
        "feature_flags",
    }
    rows = "to_jsonb(t) - 'board_seen_at' - 'updated_at'"
    return {table: sql(f"SELECT {rows} FROM {table} t ORDER BY t::text") for table in sorted(tables)}


class Read(HTMLParser):
    """A page as a browser takes it in: its fields with what stands in them, its ids, and what would run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.attributes: dict[str, dict[str, str]] = {}
        self.ids: set[str] = set()
        self.texts: list[str] = []
        self.runs: list[str] = []
        self._open: str | None = None
        self.feed(page)
        self.close()
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        for name, value in found.items():
            if name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.runs.append(f"{tag} {name}={value}")
        if tag in {"script", "iframe", "object", "embed", "base"} and not found.get("src", "").startswith("/static/"):
            self.runs.append(tag)
        if "name" in found and tag in {"input", "textarea", "select"}:
            self._field(tag, found)
        if tag == "option" and self._open and "selected" in found:
            self.fields[self._open] = found.get("value", "")

    def _field(self, tag: str, found: dict[str, str]) -> None:
        name = found["name"]
        self._open = None if tag == "input" else name
        self.attributes[name] = found
        if tag == "select" or (found.get("type") in {"checkbox", "radio"} and "checked" not in found):
            self.fields.setdefault(name, "")
        else:
            self.fields[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"textarea", "select"}:
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open and self.attributes[self._open].get("rows"):
            self.fields[self._open] += data
        self.texts.append(data)
