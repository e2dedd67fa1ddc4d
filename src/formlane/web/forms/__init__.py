"""The hosted page of a form."""
