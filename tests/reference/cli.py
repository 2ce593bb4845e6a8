"""Every command of `flask` that is ours, as click knows it."""

from collections.abc import Iterator

import click
from flask import Flask

from favorites.cli.every import EVERY
from tests.reference.markdown import code, table

HEAD = (
    "Run in the folder of the application, with its environment: `.venv/bin/flask …`. A command that cannot do what it"
    " is asked to says one sentence and ends with 1."
)


def lines(_app: Flask) -> Iterator[str]:
    """The list, then each command with its arguments, options and help."""
    named = sorted((command.name or "", command) for command in EVERY)
    found = [one for name, command in named for one in _leaves((name,), command)]
    yield from (HEAD, "")
    yield from table(("command", "does"), ((code(_usage(*one)), one[1].get_short_help_str(200)) for one in found))
    for path, command in found:
        yield from (f"## flask {' '.join(path)}", "", f"`{_usage(path, command)}`", "", *_help(command), "")
        if options := [one for one in command.params if isinstance(one, click.Option)]:
            yield from table(("option", "default", "what it does"), map(_option, options))


def _leaves(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, one in sorted(command.commands.items()):
        yield from _leaves((*path, name), one)


def _usage(path: tuple[str, ...], command: click.Command) -> str:
    named = [one.make_metavar(click.Context(command)) for one in command.params if isinstance(one, click.Argument)]
    options = ["[OPTIONS]"] if any(isinstance(one, click.Option) for one in command.params) else []
    return " ".join(("flask", *path, *options, *named))


def _help(command: click.Command) -> list[str]:
    return [line.strip() for line in (command.help or "").split("\f")[0].strip().splitlines()]


def _option(option: click.Option) -> tuple[str, str, str]:
    names = " / ".join((*option.opts, *option.secondary_opts))
    has_default = not option.is_flag and option.default not in (None, "") and not callable(option.default)
    return code(names), code(option.default if has_default else ""), option.help or ""
