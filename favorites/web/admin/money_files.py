"""The payments as CSV, a line each, and all of the money page as JSON: the same as on the page."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.queries.analytics.report import TakesTooLong
from favorites.queries.analytics.span import Span
from favorites.queries.money import payments
from favorites.queries.money.books import Book, Sums, books
from favorites.queries.money.payments import Line
from favorites.web.admin.analytics import TOO_LONG
from favorites.web.admin.analytics_files import harmless
from favorites.web.admin.money import Asked, mistaken_time, read_asked
from favorites.web.admin.room import bp
from favorites.web.answers import mistaken
from favorites.web.people import admins_only

MOMENTS = ("created_at", "paid_at", "refunded_at", "disputed_at")


class Flat(NamedTuple):
    """A payment; instants by the reader's clock, money in hundredths of its currency."""

    created_at: str | None
    paid_at: str | None
    refunded_at: str | None
    disputed_at: str | None
    status: str
    asked_cents: int
    currency: str
    received_cents: int | None
    received_currency: str | None
    fee_cents: int | None
    refund_reason: str | None
    refund_problem: str | None
    customer: str
    mechanic: str | None
    plan: str
    provider: str
    reference: str
    charge: str | None
    session_request: UUID | None


@bp.get("/admin/money.csv")
@admins_only
def money_csv() -> ResponseReturnValue:
    """A line for each payment that the address asks for."""
    asked = read_asked()
    if isinstance(asked, dict):
        return mistaken_time(asked)
    try:
        return _csv(asked.span, list(_flat(asked)))
    except TakesTooLong:
        return mistaken_time({"from": TOO_LONG})


@bp.get("/admin/money.json")
@admins_only
def money_json() -> ResponseReturnValue:
    """The time, the sums of each currency, the payments, and what needs the owner."""
    asked = read_asked()
    if isinstance(asked, dict):
        return mistaken(asked)
    try:
        return jsonify(_told(asked))
    except TakesTooLong:
        return mistaken({"from": TOO_LONG})


def _flat(asked: Asked) -> Iterator[Flat]:
    return (_line(line, asked.span) for line in payments.every(db.session, asked.span, asked.wanted))


def _line(line: Line, span: Span) -> Flat:
    row = line.payment
    known = {name: getattr(row, name) for name in Flat._fields if hasattr(row, name)}
    moments = {name: _instant(known[name], span) for name in MOMENTS}
    named = {"customer": line.customer, "mechanic": line.mechanic, "plan": line.plan, "asked_cents": row.amount_cents}
    return Flat(**known | moments | named, session_request=line.request_id)


def _instant(at: datetime | None, span: Span) -> str | None:
    return at.astimezone(span.zone).isoformat(timespec="seconds") if at else None


def _csv(span: Span, lines: list[Flat]) -> Response:
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(Flat._fields)
    rows.writerows([harmless(cell) for cell in line] for line in lines)
    headers = {"Content-Disposition": f'attachment; filename="book-again-money-{span.first}-to-{span.last}.csv"'}
    return Response(written.getvalue(), mimetype="text/csv", headers=headers)


def _told(asked: Asked) -> dict[str, Any]:
    span, needs = asked.span, payments.needs(db.session)
    return {
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "zone": span.zone.key,
        "currencies": [_book(book, span) for book in books(db.session, span)],
        "payments": [line._asdict() for line in _flat(asked)],
        "going_back": [_line(line, span)._asdict() for line in needs.going_back],
        "disputed": [_line(line, span)._asdict() for line in needs.disputed],
        "unmatched": [
            {"id": event.id, "kind": event.kind, "reference": event.reference, "is_kept": event.applied_at is None}
            for event in needs.unmatched
        ],
    }


def _book(book: Book, span: Span) -> dict[str, Any]:
    return {
        "currency": book.currency,
        **_sums(book.all),
        span.unit + "s": [{span.unit: step.isoformat()} | _sums(sums) for step, sums in book.steps],
        "mechanics": [{"mechanic": name} | _sums(sums) for _, name, sums in book.mechanics],
    }


def _sums(sums: Sums) -> dict[str, int]:
    return asdict(sums) | {"left": sums.left}
