"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = ("latency", "whole_bookings", "sweep", "empty_poll", "accept")
