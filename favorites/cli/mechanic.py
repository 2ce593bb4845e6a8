"""`flask mechanic approve|suspend|list`."""

import click
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from favorites.cli.command import command
from favorites.cli.people import mechanic_of
from favorites.db import db
from favorites.dispatch import people
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.errors import NotFound
from favorites.models import Mechanic


@click.group("mechanic")
def group() -> None:
    """Who may help."""


@group.command("approve")
@click.argument("email")
@command
def approve(email: str) -> None:
    """Let a mechanic help."""
    mechanic = mechanic_of(email)
    name = mechanic.name
    people.approve_mechanic(db.session, mechanic.id, SYSTEM)
    click.echo(f"{name} is approved.")


@group.command("suspend")
@click.argument("email")
@command
def suspend(email: str) -> None:
    """Stop a mechanic from helping: open windows go to everyone, a job not started is taken back."""
    mechanic = mechanic_of(email)
    name = mechanic.name
    try:
        people.suspend_mechanic(db.session, mechanic.id, SYSTEM)
    except NotFound:
        raise click.ClickException(f"{name} is not approved, so there is nothing to suspend.") from None
    click.echo(f"{name} is suspended.")


@group.command("list")
@command
def show() -> None:
    """Show every mechanic: state, e-mail, name, workshop."""
    everyone = (
        select(Mechanic).options(joinedload(Mechanic.user), joinedload(Mechanic.workshop)).order_by(Mechanic.created_at)
    )
    for mechanic in db.session.scalars(everyone):
        workshop = mechanic.workshop.name if mechanic.workshop else "independent"
        click.echo(f"{mechanic.status:<10} {mechanic.user.email:<30} {mechanic.name}, {workshop}")
