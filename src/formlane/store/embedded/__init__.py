"""The PostgreSQL that comes with the product, for installations without a `DATABASE_URL`."""

from formlane.store.embedded.supervisor import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
