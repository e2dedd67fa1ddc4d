"""The PUSH API: the routes that take records."""
