"""The pages. `register` adds all of them, and what stands in front of and behind each."""

from importlib import import_module

from flask import Flask

PAGES = (
    "accounts",
    "customer",
    "favorites",
    "intake",
    "checkout",
    "requests",
    "consultations",
    "mechanic",
    "admin",
    "api",
    "health",
    "live",
)


def register(app: Flask) -> None:
    """Everything the application answers with; what runs before a request runs in the order of the parts here."""
    from favorites.web import answers, csrf, facts, filters, guard, headers, limits, request_id, security, time_zone

    for part in (request_id, guard, csrf, security, time_zone, limits, answers, filters, facts, headers):
        part.init_app(app)
    for page in PAGES:
        app.register_blueprint(import_module(f"favorites.web.{page}").bp)
