"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = (
    "broadcast",
    "workers",
    "memory",
    "pages",
    "saturated",
    "storm",
    "whole_bookings",
    "booking",
    "fallback",
    "start",
)
