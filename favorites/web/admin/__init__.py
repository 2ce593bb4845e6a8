"""The owner's room: a page for what waits, for the people, for the settings, for the figures, for the engine."""

from favorites.web.admin import (
    analytics,
    analytics_files,
    analytics_requests,
    customers,
    data,
    engine,
    mechanics,
    money,
    money_files,
    overview,
    requests,
    settings,
    workshops,
)
from favorites.web.admin.room import bp

__all__ = [
    "analytics",
    "analytics_files",
    "analytics_requests",
    "bp",
    "customers",
    "data",
    "engine",
    "mechanics",
    "money",
    "money_files",
    "overview",
    "requests",
    "settings",
    "workshops",
]
