"""`/admin/requests`: every open session request, what has happened to one, and putting it right."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import abort, flash, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import answers, errors, refunding
from favorites.queries import owner_board
from favorites.queries.money.cost import cost
from favorites.queries.owner_choices import candidates, choices
from favorites.queries.sentences import REASONS
from favorites.queries.story import Story, story
from favorites.web.admin.forms import assignment, why
from favorites.web.admin.looking import STAGES, carried, looked
from favorites.web.admin.room import bp, owner, page
from favorites.web.answers import done, is_part, wants_json
from favorites.web.people import admins_only

REQUEST_VERBS: dict[str, tuple[Callable[..., Any], str]] = {
    "open": (answers.open_to_everyone, "Everyone is asked now."),
    "cancel": (answers.cancel, "Cancelled; what was paid is given back."),
    "release": (answers.release, "Released; everyone else is asked."),
    "complete": (answers.complete, "Completed."),
    "assign": (answers.assign, "Assigned; all who wait for it are told."),
    "refund": (refunding.refund, "What was paid goes back; the steps below say when it is there."),
}
HINDRANCES = (errors.NotEligible, errors.SaidNo, errors.OnAJob)  # another mechanic may do
# What each is called, and what comes of it.
ACTS = {
    "assign": ("Assign", "They have the job at once, and are told; the customer is told, too."),
    "open": ("Open to everyone", "Everyone who can help is asked now, and the first to accept has it."),
    "release": ("Release", "It is taken from its mechanic, who is not asked again, and everyone else is asked."),
    "complete": ("Complete", "The consultation is over for both."),
    "cancel": ("Cancel", "The customer is told, and gets back what was paid. Nobody is asked any more."),
    "refund": (
        "Give back what was paid",
        "The customer gets back what was paid, once. Nothing else changes: to call it off, too, cancel it instead.",
    ),
}


@bp.get("/admin/requests")
@admins_only
def requests() -> ResponseReturnValue:
    """Session requests: what is open, or what the address asks for."""
    sought = looked(request.args)
    return page(
        "admin/requests/index.html",
        board=owner_board.board(db.session, sought),
        sought=sought,
        filters=carried(request.args),
        choices=choices(db.session),
        stages=STAGES,
        acts=ACTS,
    )


@bp.get("/admin/requests/<uuid:request_id>")
@admins_only
def one_request(request_id: UUID) -> ResponseReturnValue:
    """All that happened to one, for a dispute; as JSON for who asks for that."""
    found = story(db.session, request_id) or abort(404)
    return _as_json(found) if wants_json() else page("admin/requests/show.html", story=found, acts=ACTS)


def _as_json(found: Story) -> ResponseReturnValue:
    row = found.row.request
    columns = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key != "room"}
    told = [{key: value for key, value in step._asdict().items() if value} for step in found.told]
    names = {"stage": found.row.stage, "routing_reason": found.reason, "events_are_kept": found.is_kept}
    return jsonify({**columns, **names, "steps": told})


VERBS = "<any(open, cancel, release, complete, assign, refund):verb>"


@bp.get(f"/admin/requests/<uuid:request_id>/{VERBS}")
@admins_only
def ask_why(request_id: UUID, verb: str) -> ResponseReturnValue:
    """The form of an act: why, and to whom."""
    return _form(request_id, verb)


def _form(
    request_id: UUID, verb: str, typed: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    found = owner_board.row(db.session, request_id) or abort(404)
    shown: dict[str, Any] = {
        "found": found,
        "verb": verb,
        "acts": ACTS,
        "reasons": REASONS,
        "mechanics": candidates(db.session, request_id) if verb == "assign" else [],
    }
    if verb == "refund":
        shown["cost"] = cost(db.session, found.request.session_id)
    if is_part() and not wrong:
        return render_template("admin/requests/dialog.html", typed={}, errors={}, **shown)
    return page("admin/requests/act.html", typed, wrong, **shown)


@bp.post(f"/admin/requests/<uuid:request_id>/{VERBS}")
@admins_only
def rescue(request_id: UUID, verb: str) -> ResponseReturnValue:
    """Move a session request on that is stuck, with a reason."""
    reason = why(request.form)
    to = assignment(request.form) if verb == "assign" else None
    mistakes = {name: text for part in (reason, to) if isinstance(part, dict) for name, text in part.items()}
    if mistakes:
        return _form(request_id, verb, request.form, mistakes)
    act, sentence = REQUEST_VERBS[verb]
    try:
        act(db.session, request_id, *([to] if to else []), owner(), reason)
    except HINDRANCES as refusal:
        if wants_json():
            raise
        return _form(request_id, verb, request.form, {"mechanic_id": refusal.sentence})
    flash(sentence, "success")
    return done("admin.one_request", request_id=request_id) if verb == "refund" else done("admin.requests")
