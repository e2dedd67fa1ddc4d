"""Formlane: an integration hub for form data."""
