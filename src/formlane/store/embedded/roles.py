"""The service's database and login role in the embedded server."""

from __future__ import annotations

import asyncpg

from formlane.store.embedded.configuration import SERVICE

DATABASE = "formlane"


async def create_service(admin_dsn: str) -> None:
    """Create login role and database if missing. Idempotent; the caller is the only supervisor.

    The migrations make the role a member of `formlane_app`, which it must then choose to be.
    """
    connection = await asyncpg.connect(admin_dsn, ssl=False)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", SERVICE):
            await connection.execute(f"CREATE ROLE {SERVICE} LOGIN NOINHERIT")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.execute(
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;"
            f" GRANT CONNECT ON DATABASE {DATABASE} TO {SERVICE}"
        )
    finally:
        await connection.close()
