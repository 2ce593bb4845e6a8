"""`flask workshop add|join|leave|close|reopen|routing|list`."""

import re

import click
from sqlalchemy import select

from favorites.cli.command import command
from favorites.cli.people import mechanic_of
from favorites.db import db
from favorites.dispatch import workshops
from favorites.dispatch.actors import SYSTEM
from favorites.models import Workshop
from favorites.models.people import SLUG, WorkshopRouting


@click.group("workshop")
def group() -> None:
    """Businesses whose own mechanics are asked through their link."""


@group.command("add")
@click.argument("slug")
@click.argument("name")
@command
def add(slug: str, name: str) -> None:
    """Add a workshop; its link ends in /w/SLUG."""
    if not re.fullmatch(SLUG, slug):
        raise click.ClickException(
            f"{slug} cannot be a link's last part: use small letters, digits and hyphens, at most 63."
        )
    if workshops.add_workshop(db.session, slug, name, SYSTEM) is None:
        raise click.ClickException(f"There is a workshop {slug} already.")
    click.echo(f"{name} is added; its link is /w/{slug}.")


@group.command("join")
@click.argument("slug")
@click.argument("mechanic_email")
@command
def join(slug: str, mechanic_email: str) -> None:
    """Make a mechanic one of a workshop's."""
    workshop, mechanic = _workshop(slug), mechanic_of(mechanic_email)
    sentence = f"{mechanic.name} is of {workshop.name} now."
    workshops.join_workshop(db.session, mechanic.id, workshop.id, SYSTEM)
    click.echo(sentence)


@group.command("leave")
@click.argument("mechanic_email")
@command
def leave(mechanic_email: str) -> None:
    """Make a mechanic independent."""
    mechanic = mechanic_of(mechanic_email)
    sentence = f"{mechanic.name} is independent now."
    workshops.join_workshop(db.session, mechanic.id, None, SYSTEM)
    click.echo(sentence)


@group.command("close")
@click.argument("slug")
@command
def close(slug: str) -> None:
    """Take no bookings by its link; who waits for its mechanics is asked of everyone."""
    workshop = _workshop(slug)
    sentence = f"{workshop.name} is closed."
    workshops.close_workshop(db.session, workshop.id, SYSTEM)
    click.echo(sentence)


@group.command("reopen")
@click.argument("slug")
@command
def reopen(slug: str) -> None:
    """Take bookings by its link again."""
    workshop = _workshop(slug)
    sentence = f"{workshop.name} is open."
    workshops.reopen_workshop(db.session, workshop.id, SYSTEM)
    click.echo(sentence)


@group.command("routing")
@click.argument("slug")
@click.argument("routing", type=click.Choice([one.value for one in WorkshopRouting]))
@command
def routing(slug: str, routing: str) -> None:
    """Whom it asks from the next booking on: its own mechanics, or (hybrid) them first and then everyone."""
    workshop = _workshop(slug)
    sentence = f"{workshop.name} is {routing} now."
    workshops.change_workshop(db.session, workshop.id, workshop.name, WorkshopRouting(routing), SYSTEM)
    click.echo(sentence)


@group.command("list")
@command
def show() -> None:
    """Show every workshop: its link, open or closed, routing, name."""
    for one in db.session.scalars(select(Workshop).order_by(Workshop.name)):
        click.echo(f"/w/{one.slug:<30} {'open' if one.is_active else 'closed':<6} {one.routing:<13} {one.name}")


def _workshop(slug: str) -> Workshop:
    found = db.session.scalar(select(Workshop).where(Workshop.slug == slug))
    if found is None:
        raise click.ClickException(f"There is no workshop {slug}.")
    return found
