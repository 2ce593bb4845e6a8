"""Book Again. Importing it is light: the guardian of the embedded PostgreSQL does, and needs no web."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


@contextmanager
def _all_is_kept() -> Iterator[None]:
    """What is imported stays: to look through it for garbage meanwhile took a seventh of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_all_is_kept()
def create_app(**config: Any) -> "Flask":
    """The application; `config` overrides Flask's configuration. Starts no thread and leaves no connection open.

    Ends the process with 3 and one sentence when the schema is behind (commands excepted, `flask run` not).
    """
    from flask import Flask

    from favorites import cli, configuration, db, live, log, models, schema, web
    from favorites.settings import ROOT, current
    from favorites.web.let_in import let_in

    settings = current()
    log.configure(as_json=settings.log_json)
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    configuration.configure(app, settings, config)

    db.db.init_app(app)
    schema.init_app(app)

    web.register(app)
    cli.init_app(app)

    live.init_app(app, let_in)
    app.shell_context_processor(lambda: {"db": db.db, **{name: getattr(models, name) for name in models.__all__}})
    return app
