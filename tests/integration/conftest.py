"""Fixtures of the database are in `tests/database.py`."""
