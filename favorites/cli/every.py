"""Every command of ours."""

import click

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

EVERY: tuple[click.Command, ...] = (
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
)
