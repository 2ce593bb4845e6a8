"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = (
    "broadcast",
    "workers",
    "memory",
    "pages",
    "saturated",
    "storm",
    "herd",
    "booking",
    "whole_bookings",
    "fallback",
    "sweep",
    "empty_poll",
    "accept",
    "retention",
    "analytics",
    "board",
    "start",
)
