"""The schema's history. Each revision runs a file of `sql/` that psql can run, too."""

import re
from pathlib import Path

from alembic import op
from sqlalchemy import text

SQL = Path(__file__).parent / "sql"


def run(name: str) -> None:
    """Run `sql/<name>.sql`, each part that begins with a line `-- Step …` as a statement of its own."""
    for step in re.split(r"^(?=-- Step )", (SQL / f"{name}.sql").read_text(), flags=re.M):
        if re.search(r"^(?!--|\s*$)", step, flags=re.M):  # more than comments
            op.execute(text(re.sub(r"(?<!:):(?=\w)", r"\\:", step)))
