"""`flask credits grant`."""

import click
from sqlalchemy import func, select

from favorites.cli.command import command
from favorites.cli.people import customer_of
from favorites.db import db
from favorites.dispatch.money import grant_credits
from favorites.models import CreditEntry


@click.group("credits")
def group() -> None:
    """The customers' credits."""


@group.command("grant")
@click.argument("email")
@click.argument("credits", type=click.IntRange(1, 100_000))
@click.option("--note", default="", help="Why; the owner reads it.")
@command
def grant(email: str, credits: int, note: str) -> None:
    """Give a customer credits."""
    customer = customer_of(email)
    customer_id, name = customer.id, customer.name
    grant_credits(db.session, customer_id, credits, note)
    balance = select(func.sum(CreditEntry.credits)).where(CreditEntry.customer_id == customer_id)
    click.echo(f"{name} has {db.session.scalar(balance)} credits.")
