"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = ("start", "whole_bookings", "booking", "fallback", "sweep", "empty_poll", "accept")
