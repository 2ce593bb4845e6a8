"""`flask workshop add|join`."""

import re

import click
from sqlalchemy import select

from favorites.cli.command import command
from favorites.cli.people import mechanic_of
from favorites.db import db
from favorites.dispatch import people
from favorites.models import Workshop

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@click.group("workshop")
def group() -> None:
    """Businesses whose own mechanics are asked through their link."""


@group.command("add")
@click.argument("slug")
@click.argument("name")
@command
def add(slug: str, name: str) -> None:
    """Add a workshop; its link ends in /w/SLUG."""
    if not SLUG.fullmatch(slug):
        raise click.ClickException(
            f"{slug} cannot be a link's last part: use small letters, digits and hyphens, at most 63."
        )
    if people.add_workshop(db.session, slug, name) is None:
        raise click.ClickException(f"There is a workshop {slug} already.")
    click.echo(f"{name} is added; its link is /w/{slug}.")


@group.command("join")
@click.argument("slug")
@click.argument("mechanic_email")
@command
def join(slug: str, mechanic_email: str) -> None:
    """Make a mechanic one of a workshop's."""
    workshop = _workshop(slug)
    if workshop is None:
        raise click.ClickException(f"There is no workshop {slug}.")
    mechanic = mechanic_of(mechanic_email)
    sentence = f"{mechanic.name} is of {workshop.name} now."
    people.join_workshop(db.session, mechanic.id, workshop.id)
    click.echo(sentence)


def _workshop(slug: str) -> Workshop | None:
    return db.session.scalar(select(Workshop).where(Workshop.slug == slug))
