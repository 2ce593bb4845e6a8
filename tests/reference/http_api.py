"""What stands for other programs, by the OpenAPI document; and every address there is, with who may ask for it."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from favorites.dispatch.errors import Refusal
from favorites.web.api import spec
from tests.matrix import COLUMNS, Route, Row, matrix, routes
from tests.reference.markdown import code, sentence, table

Schema = dict[str, Any]

HEAD = """The same addresses serve people and programs. A program signs in as a browser does and keeps the cookie,
sends `X-CSRFToken` (the `data-csrf` of any page's body) with every POST, and asks with `Accept: application/json`: then
a POST answers `{"ok": true, "next": address}` instead of 303, and what goes wrong is JSON. Streams are told in
[events](events.md).

| status | what it means |
|---|---|
| 303 | done, go on there (a page); not signed in, sign in there (a page) |
| 400 | what was sent cannot be read; or `STALE_FORM`, please send again |
| 401 | not signed in: `{"error", "code": "SIGN_IN"}` |
| 403, 404 | not yours, or not there: nobody learns which of somebody else's |
| 409 | a rule said no: `{"error": sentence, "code": code}`, one of the refusals below |
| 422 | a field is wrong: `{"error", "fields": {name: sentence}}` |
| 429, 503 | too often, or back in a moment: `Retry-After` says when |
"""
NAMES = {"string": "text", "integer": "a whole number", "boolean": "true or false", "null": "nothing"}
# What libraries answer.
LIBRARIES = {
    "static": "Style sheets, scripts, pictures.",
    "security.login": "Sign in.",
    "security.logout": "Sign out in this browser.",
    "security.verify": "The password once more.",
    "security.change_password": "Change the password; every other sign-in ends.",
    "security.forgot_password": "Have a link mailed by which to choose a new password.",
    "security.reset_password": "Choose a new password by that link.",
    "security.send_confirmation": "Have the link mailed that confirms the address.",
    "security.confirm_email": "Confirm the address, by one press; that the link is opened changes nothing.",
}
TYPES = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "minimum": "from {}"}
TYPES |= {"maximum": "to {}", "pattern": "like `{}`", "format": "{}"}


def lines(app: Flask) -> Iterator[str]:
    """The conventions, the API, the refusals, and all routes."""
    with app.test_request_context():
        document = spec.spec
    yield HEAD
    yield from ("## For programs", "", "The same as an OpenAPI document, for the owner: `GET /api/openapi.json`.", "")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(document, f"{method.upper()} {path}", operation)
    yield from ("## Refusals", "")
    yield from table(("code", "status", "sentence"), sorted(_refusals()))
    yield from ("## Every address", "")
    yield from table(("method", "address", "for whom", "what it is"), _addresses(app))


def _operation(document: Schema, title: str, operation: Schema) -> Iterator[str]:
    yield from (f"### {title}", "", operation["summary"], "", operation.get("description", ""), "")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        rows = _fields(document, body["schema"])
        yield from table(("field", "needed", "what it takes"), rows)
    answers = [(status, one["description"], _shape(document, one)) for status, one in operation["responses"].items()]
    yield from table(("status", "meaning", "JSON"), sorted(answers))


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _fields(document: Schema, schema: Schema) -> Iterator[tuple[str, str, str]]:
    found = _resolved(document, schema)
    for name, field in found["properties"].items():
        yield code(name), "yes" if name in found.get("required", []) else "no", _type(field)


def _type(field: Schema) -> str:
    if "anyOf" in field:
        return ", or ".join(_type(one) for one in field["anyOf"])
    limits = [words.format(field[name]) for name, words in TYPES.items() if field.get(name)]
    return ", ".join((NAMES.get(field["type"], field["type"]), *limits))


def _shape(document: Schema, answer: Schema) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return ""
    found = _resolved(document, schema)
    shapes = [_resolved(document, one) for one in found.get("anyOf", [found])]
    return ", or ".join(code(", ".join(one["properties"])) if "properties" in one else "a list" for one in shapes)


def _refusals() -> Iterator[tuple[str, int, str]]:
    for refusal in Refusal.__subclasses__():
        yield code(refusal.code), refusal.status, sentence(refusal.__doc__)


def _addresses(app: Flask) -> Iterator[tuple[str, str, str, str]]:
    rows: dict[tuple[str, str], tuple[set[str], str]] = {}
    for route, rule in routes(app).items():
        allowed, what = rows.setdefault((_path(rule), route.method), (set(), _what(app, route)))
        allowed |= _allowed(matrix()[str(route)])
    for (path, method), (allowed, what) in sorted(rows.items()):
        yield method, code(path), _whom(allowed), what


def _path(rule: Rule) -> str:
    choices = re.sub(r"<any\(([^)]*)\):\w+>", lambda found: "{" + found[1].replace(", ", ",") + "}", rule.rule)
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", choices)


def _what(app: Flask, route: Route) -> str:
    return LIBRARIES.get(route.endpoint) or sentence(app.view_functions[route.endpoint].__doc__)


def _allowed(row: Row) -> set[str]:
    """The columns that are not refused in every state."""
    return {column for column in COLUMNS for cells in row.states.values() if cells[column][1] < 400}


def _whom(allowed: set[str]) -> str:
    """The columns of tests/rights.toml in words."""
    if "–" in allowed:
        return "everybody"
    if allowed >= set(COLUMNS[1:]):
        return "whoever is signed in"
    customers = "customers" if "C'" in allowed else "its customer" if "C" in allowed else ""
    mechanics = "mechanics" if allowed & {"M'", "Mw"} else "its mechanic" if "M" in allowed else ""
    owners = "owners" if "A" in allowed else ""
    return ", ".join(filter(None, (customers, mechanics, owners)))
