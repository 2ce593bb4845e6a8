"""`flask vapid-keys`: the keys by which push services know us, for several hosts that must share them."""

import click

from favorites.settings import current
from favorites.webpush import keys


@click.command("vapid-keys")
def vapid_keys() -> None:
    """Print new keys for Web Push, as lines of an environment file. Browsers that know others subscribe anew."""
    click.echo(f"VAPID_PRIVATE_KEY={keys.new()}")
    click.echo(f"VAPID_SUBJECT={keys.subject(current())}")
