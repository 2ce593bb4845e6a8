"""The list of decisions in docs/README.md, by their own titles."""

import re
from pathlib import Path

LIST = re.compile(r"(?<=<!-- decisions -->\n).*?(?=<!-- /decisions -->)", re.S)


def text(docs: Path) -> str:
    """The index as it should be."""
    entries = "".join(f"- [{_title(path)}](decisions/{path.name})\n" for path in sorted((docs / "decisions").iterdir()))
    return LIST.sub(lambda _: entries, (docs / "README.md").read_text())


def _title(path: Path) -> str:
    """`0011. What it says`, however the page writes its number."""
    words = re.sub(r"^#\s*\d*[.:]?\s*", "", path.read_text().splitlines()[0])
    return f"{path.name[:4]}: {words}"
