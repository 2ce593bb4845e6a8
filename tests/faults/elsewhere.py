"""Faults of the reliability list that are not provoked here, and why."""

STRIPE = "belongs to the issue “Paid plans by Stripe”, provoked there"
PUSH = "belongs to the issue “Pages that customers and mechanics like to keep open” (Web Push), provoked there"
ELSEWHERE = {
    "K20": ("pgbouncer in transaction mode", "speaks of a server that this product does not run"),
    "K21": ("A replica used for reads", "there is one DATABASE_URL, and no setting for a second"),
    "K42": ("A webhook replayed, reordered, doubled, late, badly signed", STRIPE),
    "K43": ("A webhook before its booking is visible", STRIPE),
    "K44": ("A push service throws, hangs, returns garbage", PUSH),
    "K54": ("gunicorn's sync worker", "the worker class is no setting: serve.py says gthread"),
    "K55": ("gevent with an unpatched psycopg2", "there is no gevent here"),
}
