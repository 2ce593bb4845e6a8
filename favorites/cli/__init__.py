"""`flask …`: what the owner does from the terminal. Nothing here starts the live threads."""

from flask import Flask

from favorites.cli import (
    backups,
    credits,
    data,
    doctor,
    flag,
    mechanic,
    owner,
    person,
    setting,
    upgrade,
    vapid_keys,
    workshop,
)


def init_app(app: Flask) -> None:
    """Adds the commands to `flask`."""
    for command in (
        *data.COMMANDS,
        *backups.COMMANDS,
        upgrade.upgrade,
        doctor.doctor,
        flag.group,
        setting.group,
        owner.group,
        person.group,
        mechanic.group,
        credits.group,
        workshop.group,
        vapid_keys.vapid_keys,
    ):
        app.cli.add_command(command)
