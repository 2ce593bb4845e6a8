"""`flask backup` and `flask restore`: one file with all that would be lost, proved by restoring it.

A backup is a zip file: `database.dump` (pg_dump -Fc), the keys below INSTANCE_DIR, and `manifest.json`, which knows how
many rows each table had, and their sum. Why, and at what price: docs/decisions/0021.
"""


class BackupError(Exception):
    """Why there is no backup, or why it was not put back, and what to do: one sentence."""
