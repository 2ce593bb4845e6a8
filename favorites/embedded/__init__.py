"""The parts of the embedded PostgreSQL; favorites/postgres.py puts them together."""
