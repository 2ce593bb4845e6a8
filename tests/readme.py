"""`python -m tests.readme` writes the settings table into README.md; a test fails when it is stale."""

import json
import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from favorites.settings import ROOT, Settings

README = ROOT / "README.md"
TABLE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- /settings -->)", re.S)


def settings_table() -> str:
    """Every setting with its default, its range and its sentence, as Markdown."""
    rows = [_row(name.upper(), field) for name, field in Settings.model_fields.items()]
    return "\n".join(("| variable | default | range | what it is |", "|---|---|---|---|", *rows, ""))


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | {_default(field.default)} | {_range(field)} | {field.description} |"


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = f"./{value.relative_to(ROOT)}"
    if isinstance(value, list) and value:
        value = json.dumps(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if value not in ("", []) else "–"


def _range(field: FieldInfo) -> str:
    least = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), None)
    most = next((rule.le for rule in field.metadata if hasattr(rule, "le")), None)
    return "–" if least is None else f"{least} to {most}"


if __name__ == "__main__":
    README.write_text(TABLE.sub(lambda _: settings_table(), README.read_text()))
