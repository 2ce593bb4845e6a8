"""`flask …`: what the owner does from the terminal. Nothing here starts the live threads."""

from flask import Flask

from favorites.cli import credits, data, doctor, flag, mechanic, owner, workshop


def init_app(app: Flask) -> None:
    """Adds the commands to `flask`."""
    for command in (
        *data.COMMANDS,
        doctor.doctor,
        flag.group,
        owner.group,
        mechanic.group,
        credits.group,
        workshop.group,
    ):
        app.cli.add_command(command)
