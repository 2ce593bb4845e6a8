"""`/admin/engine`: whether the machine is well, and sending again what could not be sent."""

import platform
from datetime import timedelta
from uuid import UUID

from flask import flash
from flask.typing import ResponseReturnValue

from favorites.db import db
from favorites.dispatch import retries
from favorites.dispatch.push import Key
from favorites.dispatch.retries import MailKey
from favorites.queries import engine as alive
from favorites.queries import machine, sendings
from favorites.settings import current
from favorites.version import version
from favorites.web.admin.room import bp, owner, page
from favorites.web.answers import done
from favorites.web.people import admins_only


@bp.get("/admin/engine")
@admins_only
def engine() -> ResponseReturnValue:
    """Polls, streams, what was not sent, what is set aside, the database."""
    session = db.session
    return page(
        "admin/engine/index.html",
        poll=machine.newest_poll(session),
        day=machine.day(session),
        is_late=alive.beat_is_late(session),
        processes=machine.processes(session),
        events=machine.events(session),
        database=machine.database(session),
        tables=machine.biggest_tables(session),
        pushes=sendings.failed_pushes(session, _idle()),
        mails=sendings.failed_mails(session),
        set_aside=sendings.set_aside(session),
        limit=sendings.LIMIT,
        versions={"version": version(), "python": platform.python_version()},
        settings=current(),
    )


def _idle() -> timedelta:
    return timedelta(days=current().sign_in_idle_days)


@bp.post("/admin/engine/pushes/retry")
@admins_only
def retry_pushes() -> ResponseReturnValue:
    """Send every offer again that was given up."""
    return _told(retries.retry_pushes(db.session, owner(), _idle()))


@bp.post("/admin/engine/pushes/<uuid:request_id>/<uuid:subscription_id>/retry")
@admins_only
def retry_push(request_id: UUID, subscription_id: UUID) -> ResponseReturnValue:
    """Send one offer again to one browser."""
    return _told(retries.retry_pushes(db.session, owner(), _idle(), Key(request_id, subscription_id)))


@bp.post("/admin/engine/mails/retry")
@admins_only
def retry_mails() -> ResponseReturnValue:
    """Send every mail again that was given up."""
    return _told(retries.retry_mails(db.session, owner()))


@bp.post("/admin/engine/mails/<int:event_id>/<uuid:user_id>/retry")
@admins_only
def retry_mail(event_id: int, user_id: UUID) -> ResponseReturnValue:
    """Send one mail again."""
    return _told(retries.retry_mails(db.session, owner(), MailKey(event_id, user_id)))


def _told(number: int) -> ResponseReturnValue:
    if number:
        flash(f"{number} {'is' if number == 1 else 'are'} being sent again.", "success")
    else:
        flash("Nothing was left to send: it is sent meanwhile, or nobody needs it any more.", "info")
    return done("admin.engine")
