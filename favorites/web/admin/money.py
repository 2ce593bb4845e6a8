"""`/admin/money`: what came in and went back, by day and by mechanic, and each payment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import refunding
from favorites.queries.analytics.report import TakesTooLong, begin
from favorites.queries.analytics.span import Span
from favorites.queries.money import payments
from favorites.queries.money.books import Book, Sums, books
from favorites.queries.owner_choices import mechanics
from favorites.queries.sentences import WENT_BACK_BECAUSE
from favorites.web import filters
from favorites.web.admin import charts
from favorites.web.admin.analytics import TOO_LONG
from favorites.web.admin.figures import day_name, step_name
from favorites.web.admin.forms import Mistakes
from favorites.web.admin.room import bp, number_of_page, owner, page
from favorites.web.admin.spans import DAYS, kept, span_of
from favorites.web.admin.wanted import wanted_payments
from favorites.web.answers import done, is_part
from favorites.web.choice import printable
from favorites.web.people import admins_only
from favorites.web.reader import reader_zone

WHICH = (
    ("", "All of them"),
    ("paid", "Paid"),
    ("refunding", "On the way back"),
    ("refunded", "Given back"),
    ("disputed", "Disputed"),
    ("started", "Started, not paid yet"),
    ("failed", "Not paid"),
)
NARROWED = ("which", "mechanic", "q")

Row = tuple[str, str | None, Sums]  # its name, the address behind it, and what it comes to


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    span: Span
    wanted: payments.Wanted
    kept: dict[str, str]  # the time, as a link says it
    narrowed: dict[str, str]  # to which payments


@bp.get("/admin/money")
@admins_only
def money() -> ResponseReturnValue:
    """The books of a time, its payments, and what of any time needs the owner; htmx gets that part alone."""
    if is_part():
        return render_template("admin/money/_needs.html", **_always())
    asked = read_asked()
    if isinstance(asked, dict):
        return mistaken_time(asked)
    try:
        return page("admin/money/index.html", **_shown(asked))
    except TakesTooLong:
        return mistaken_time({"from": TOO_LONG})


@bp.post("/admin/money/refunds/retry")
@admins_only
def retry_refunds() -> ResponseReturnValue:
    """Ask the provider again now for every refund that it does not confirm."""
    if number := refunding.retry_refunds(db.session, owner()):
        flash(f"The provider is asked again for {number} {'refund' if number == 1 else 'refunds'}.", "success")
    else:
        flash("No refund has a problem any more.", "info")
    return done("admin.money")


def read_asked() -> Asked | Mistakes:
    """The time and the payments that the address asks for."""
    span = span_of(request.args, begin(db.session), reader_zone())
    if isinstance(span, dict):
        return span
    narrowed = {name: text for name in NARROWED if (text := printable(request.args.get(name)))}
    return Asked(span, wanted_payments(request.args), kept(request.args, span), narrowed)


def mistaken_time(mistakes: Mistakes) -> ResponseReturnValue:
    """The page without its books, what is wrong at its field."""
    return page("admin/money/index.html", request.args, mistakes, span=None, **_always())


def _always() -> dict[str, Any]:
    return {
        "needs": payments.needs(db.session),
        "limit": payments.LIMIT,
        "because": WENT_BACK_BECAUSE,
        "which": WHICH,
        "days": DAYS,
    }


def _shown(asked: Asked) -> dict[str, Any]:
    span = asked.span
    return {
        "span": span,
        "kept": asked.kept,
        "narrowed": asked.narrowed,
        "asked": asked.kept | asked.narrowed,
        "books": books(db.session, span),
        "found": payments.listed(db.session, span, asked.wanted, number_of_page()),
        "mechanics": mechanics(db.session),
        "day_name": day_name,
        "by_mechanic": lambda book: _by_mechanic(book, asked),
        "by_step": lambda book: _by_step(book, span),
        "courses": lambda book: _courses(book, span),
        "typed": {"from": span.first, "to": span.last},
        **_always(),
    }


def _by_mechanic(book: Book, asked: Asked) -> list[Row]:
    """Each with the way to their payments."""
    return [(name, _payments(asked.kept, mechanic=id_ or payments.NOBODY), sums) for id_, name, sums in book.mechanics]


def _by_step(book: Book, span: Span) -> list[Row]:
    """A day leads to its payments."""
    is_day = span.unit == "day"
    return [
        (step_name(step, span.unit), _payments({"from": step, "to": step}) if is_day else None, sums)
        for step, sums in book.steps
    ]


def _payments(time: Mapping[str, Any], **narrowed: Any) -> str:
    return url_for("admin.money", _anchor="payments", **time, **narrowed)


def _courses(book: Book, span: Span) -> Iterator[tuple[str, charts.Chart]]:
    names, sums = [step_name(step, span.unit, is_short=True) for step, _ in book.steps], [of for _, of in book.steps]
    courses = {"received": ("Received", [of.received for of in sums])}
    if book.all.given_back:
        courses["given-back"] = ("Given back", [of.given_back for of in sums])
    for key, (title, values) in courses.items():
        yield key, charts.bars(f"{title} by {span.unit}, {book.currency}", names, values, _teller(book.currency))


def _teller(currency: str) -> Callable[[float | None], str]:
    return lambda cents: filters.money(round(cents or 0), currency)
