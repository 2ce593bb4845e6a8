"""Which Book Again this is."""

import tomllib
from functools import cache

from favorites.settings import ROOT


@cache
def version() -> str:
    """As pyproject.toml has it."""
    told: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return told
