"""Forged forms: every unsafe request carries the token of its session."""

from flask import Flask
from flask_wtf import CSRFProtect

csrf = CSRFProtect()  # csrf.exempt(view) for webhooks, which prove themselves by a signature


def init_app(app: Flask) -> None:
    """Registers the check."""
    csrf.init_app(app)
