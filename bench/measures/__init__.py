"""The measures, in the order they are taken; each module has a `measure()` that yields its figures."""

NAMES = ("broadcast", "memory", "pages", "storm", "whole_bookings", "booking", "fallback", "start")
