"""Log lines: the message word for word, then its fields; one line an entry, whatever a value holds."""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from gunicorn.glogging import Logger

QUIET = ("apscheduler", "alembic")  # their every step is no news
STEERING = ("exc_info", "stack_info", "stacklevel")  # what the standard library's loggers take beside the message


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at the moment; tests exchange it."""

    @property
    def stream(self) -> TextIO:
        """Read at every entry."""
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        """The base class insists on giving us one."""


def configure(*, as_json: bool) -> None:
    """Sends structlog and the standard library's loggers to stderr, as text or as one JSON object a line."""
    handler = Stderr()
    handler.setFormatter(AsJson() if as_json else AsText())
    root = logging.getLogger()
    root.handlers = [*(old for old in root.handlers if not isinstance(old, Stderr)), handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[_hand_over],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def say(sentence: str) -> None:
    """A sentence for whoever started us: as it is, or as a line of the log where each is to be JSON."""
    if any(isinstance(handler.formatter, AsJson) for handler in logging.getLogger().handlers):
        logging.getLogger(__name__).error(sentence)
    else:
        print(sentence, file=sys.stderr)


class Server(Logger):  # type: ignore[misc] # gunicorn ships no types
    """gunicorn's own lines among ours, and without the address of who asked or of what was asked for."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn once a process and after each reload."""
        self.error_log.propagate = True
        self.error_log.handlers = []
        self.error_log.setLevel(cfg.loglevel.upper())

    def warning(self, msg: str, *args: object, **more: Any) -> None:
        super().warning(msg.partition(" from ip=")[0], *args, **more)

    def exception(self, msg: object, *args: object, **more: Any) -> None:
        if str(msg).startswith("Error handling request"):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **more)


def _hand_over(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Structlog's entry as the standard library takes it: the words stay the record's message."""
    steering = {name: event.pop(name) for name in STEERING if name in event}
    return {"msg": event.pop("event"), "extra": {"fields": dict(event)}, **steering}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {**getattr(record, "fields", {}), **structlog.contextvars.get_contextvars()}


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class AsText(logging.Formatter):
    """`2026-11-22T10:00:00Z info [Priority] … key=value`; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback's."""
        words = [_at(record), record.levelname.lower(), _one_line(record.getMessage())]
        words += [f"{name}={_value(value)}" for name, value in _fields(record).items()]
        return " ".join(words) + self._traceback(record)

    def _traceback(self, record: logging.LogRecord) -> str:
        if not record.exc_info:
            return ""
        # Indented, so that no value in it can pass for an entry of its own.
        return "".join(f"\n  {line}" for line in self.formatException(record.exc_info).splitlines())


class AsJson(logging.Formatter):
    """One object a line: at, level, logger, message, its fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; JSON escapes what would break it."""
        entry = {
            **_fields(record),
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _value(value: object) -> str:
    text = str(value)
    is_plain = text and " " not in text and '"' not in text
    return _one_line(text if is_plain else json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
