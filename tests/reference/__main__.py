"""`make reference`: writes the pages, on a throw-away PostgreSQL."""

from favorites import create_app
from tests.database import cluster
from tests.reference import DOCS, pages

with cluster():
    for path, text in pages(create_app(TESTING=True)).items():
        (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / path).write_text(text)
