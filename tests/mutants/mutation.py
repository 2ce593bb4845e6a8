"""A mistake somebody could make."""

import re
from typing import NamedTuple


class Mutation(NamedTuple):
    """In `file` (below favorites/) `old`, which stands there exactly once, becomes `new`; `tests` must fail then.

    `tests` are pytest's node ids without "tests/test_" and "test_": "fallback::b6_at_most_once_also_with_…".
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> str:
        """The file, from the root of the repository."""
        return f"favorites/{self.file}"

    @property
    def nodes(self) -> list[str]:
        """The tests, as pytest takes them."""
        parts = (test.split("::") for test in self.tests)
        return [f"tests/test_{file}.py::test_{name}" for file, name in parts]

    @property
    def row(self) -> str:
        """The acceptance row or rule that must not hold any more, or the file of a test that has neither."""
        file, name = self.tests[0].split("::")
        row = re.match(r"rule_\d+|[a-z]\d+(?=_)", name)
        return row[0].replace("_", " ").upper() if row else file

    @property
    def words(self) -> str:
        """The change, on one line."""
        return " ".join(f"{self.old} → {self.new or '(nothing)'}".split())

    def applied(self, source: str) -> str | None:
        """The source with the mistake in it; None when it does not fit any more."""
        return source.replace(self.old, self.new) if source.count(self.old) == 1 else None
