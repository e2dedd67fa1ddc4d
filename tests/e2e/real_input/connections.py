"""Connections to the systems beside the product."""

from __future__ import annotations

from tests.e2e.product import Customer
from tests.sshd import Sshd

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def server(customer: Customer, sshd: Sshd) -> str:
    """A connection to the SFTP server."""
    settings = {
        "host": sshd.host,
        "port": sshd.port,
        "username": sshd.user,
        "host_keys": list(sshd.host_keys),
        "base_dir": str(sshd.root),
        "create_dirs": True,
    }
    return await customer.connection("sftp", settings, {"private_key": sshd.client_key.read_text()})


async def endpoint(
    customer: Customer, url: str, *, secrets: dict[str, str] | None = None, **settings: object
) -> str:
    """A connection to a receiver; signs with `SECRET` unless secrets are given."""
    return await customer.connection(
        "webhook", {"url": url, "allow_http": True, **settings}, secrets or {"signing_secret": SECRET}
    )
