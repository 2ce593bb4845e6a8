"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = ("latency", "sweep", "empty_poll", "accept", "analytics", "board", "retention")
