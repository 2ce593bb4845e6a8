"""`flask backup PATH`, `flask restore PATH`."""

from pathlib import Path

import click

from favorites.backups import archive, making, restoring
from favorites.backups.rows import told
from favorites.cli.command import command
from favorites.db import url
from favorites.settings import current


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--no-check", is_flag=True, help="Do not restore it into a database made for that; for huge ones.")
@click.option("--keep", type=click.IntRange(1), help="PATH is a directory: of the backups there leave so many.")
@command
def backup(path: Path, no_check: bool, keep: int | None) -> None:
    """Write the database and the keys to one file, while the server runs, and prove that it can be restored.

    PATH is a new file, or a directory for one named after the moment. It holds everything: keep it as you keep a key.
    """
    if keep and not path.is_dir():
        raise click.UsageError(f"--keep needs a directory, and {path} is none.")
    made = making.make(url(), path, current().instance_dir, check=not no_check)
    proof = "not checked" if no_check else "restored into a database made for that, every row compared"
    click.echo(f"{made.path}: {told(made.rows)}, {made.path.stat().st_size:,} bytes; {proof}.")
    for old in archive.forget_old(path, keep) if keep else []:
        click.echo(f"{old} is taken away: --keep {keep}.")


@click.command("restore")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--in-use", is_flag=True, help="Although somebody is connected, the server say: connections end.")
@command
def restore(path: Path, in_use: bool) -> None:
    """Put a backup in the place of the database, which is kept under another name."""
    done = restoring.put_back(url(), path, current().instance_dir, in_use=in_use)
    click.echo(f"The backup of {done.at} is restored: {told(done.rows)}, every row compared.")
    if done.kept:
        dropped = f'psql "$(.venv/bin/flask database-url)" -c "DROP DATABASE \\"{done.kept}\\""'
        click.echo(f"What was there is kept as {done.kept}. When nobody misses it, while Book Again runs:\n  {dropped}")
    for key in done.keys:
        click.echo(f"{key} is the backup's now; the former one is kept beside it. Restart the server.")


COMMANDS = (backup, restore)
