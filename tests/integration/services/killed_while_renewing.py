"""A process that renews a token and is killed on the way: `dsn port tenant connection place`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from uuid import UUID

from formlane.store.connect import connect_pool
from tests.integration.services.oauth_probe import oauth_of, probe_world


async def main(dsn: str, port: str, tenant: str, connection: str, place: str) -> None:
    def reach(name: str) -> None:
        if name == place:
            os.kill(os.getpid(), signal.SIGKILL)

    pool = await connect_pool(dsn, production=False, largest=2)
    world = probe_world(pool, int(port), reach=reach)
    await (await oauth_of(world, UUID(tenant), UUID(connection))).token()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
