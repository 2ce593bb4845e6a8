"""`flask …`: what the owner does from the terminal. Nothing here starts the live threads."""

import click
from flask import Flask
from flask.cli import AppGroup

from favorites import db
from favorites.settings import ROOT


class Commands(AppGroup):
    """Ours, imported when somebody asks for one: a server asks for none, and is made an eighth sooner."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app, self._is_loaded = app, False

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """As in `click.Group`."""
        self.load()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As in `click.Group`."""
        self.load()
        return super().list_commands(ctx)

    def load(self) -> None:
        """Imports all of them, and the migrations' settings."""
        if self._is_loaded:
            return
        self._is_loaded = True
        from flask_migrate import Migrate

        from favorites.cli.every import EVERY

        Migrate(self._app, db.db, directory=str(ROOT / "migrations"))
        for command in EVERY:
            self.add_command(command)


def init_app(app: Flask) -> None:
    """Adds the commands to `flask`."""
    app.cli = commands = Commands(app)
    if click.get_current_context(silent=True):  # `flask db` asks nobody for ours, and needs its settings
        commands.load()
