"""Faithful stand-ins for the systems Formlane writes to."""
