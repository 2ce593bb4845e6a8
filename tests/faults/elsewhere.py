"""Faults of the reliability list that are not provoked here, and why."""

ELSEWHERE = {
    "K20": ("pgbouncer in transaction mode", "speaks of a server that this product does not run"),
    "K21": ("A replica used for reads", "there is one DATABASE_URL, and no setting for a second"),
    "K54": ("gunicorn's sync worker", "the worker class is no setting: serve.py says gthread"),
    "K55": ("gevent with an unpatched psycopg2", "there is no gevent here"),
}
