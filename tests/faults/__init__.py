"""Faults that are provoked, and what was looked at afterwards."""
