"""The pages. `register` adds all of them, and what stands in front of and behind each."""

from importlib import import_module

from flask import Flask

from favorites.settings import current

PAGES = (
    "accounts",
    "customer",
    "favorites",
    "vehicles",
    "mail_wish",
    "own_data",
    "privacy",
    "intake",
    "checkout",
    "webhooks",
    "requests",
    "consultations",
    "talk",
    "mechanic",
    "delivery",
    "first_offers",
    "admin",
    "api",
    "health",
    "live",
    "push",
)


def register(app: Flask) -> None:
    """Everything the application answers with; what runs before a request runs in the order of the parts here."""
    from favorites.web import (
        answers,
        csrf,
        facts,
        filters,
        guard,
        headers,
        limits,
        request_id,
        security,
        static_files,
        time_zone,
        uploads,
    )

    parts = (request_id, uploads, guard, csrf, security, time_zone, limits, answers, filters, facts, static_files)
    for part in (*parts, headers):
        part.init_app(app)
    for page in (*PAGES, *(["metrics"] if current().metrics_token.get_secret_value() else [])):
        app.register_blueprint(import_module(f"favorites.web.{page}").bp)
