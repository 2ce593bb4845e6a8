"""`flask credits grant|correct`."""

from uuid import UUID

import click
from sqlalchemy import func, select

from favorites.cli.command import command
from favorites.cli.people import customer_of
from favorites.db import db
from favorites.dispatch.actors import SYSTEM
from favorites.dispatch.money import correct_credits, grant_credits
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
    grant_credits(db.session, customer_id, credits, SYSTEM, note)
    _tell(customer_id, name)


@group.command("correct", context_settings={"ignore_unknown_options": True})
@click.argument("email")
@click.argument("credits", type=click.IntRange(-100_000, 100_000))
@click.option("--note", required=True, help="Why; the owner reads it.")
@command
def correct(email: str, credits: int, note: str) -> None:
    """Put a balance right by one more entry of the ledger: 5 more, or -5 less."""
    customer = customer_of(email)
    customer_id, name = customer.id, customer.name
    if credits == 0:
        raise click.ClickException("0 corrects nothing.")
    correct_credits(db.session, customer_id, credits, SYSTEM, note)
    _tell(customer_id, name)


def _tell(customer_id: UUID, name: str) -> None:
    balance = select(func.sum(CreditEntry.credits)).where(CreditEntry.customer_id == customer_id)
    click.echo(f"{name} has {db.session.scalar(balance)} credits.")
