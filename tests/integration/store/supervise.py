"""A supervisor in a process of its own, for tests that kill it: start, say so, sleep."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from formlane.store.embedded import EmbeddedPostgres

# What runs the tests in the background may have told its children to ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


async def main() -> None:
    server = EmbeddedPostgres(Path(sys.argv[1]))
    sys.stdout.write(await server.start() + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main())
