"""Runs the sandbox's two servers as children: `python -m formlane.cli.demo_sandbox STATE RECEIVER SFTP PAGE`.

The sandbox shares no code with the product, so it is reached by its command line alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from formlane.cli.children import Program
from formlane.cli.supervisor import Supervisor, until_told_to_end

STOP_SECONDS = 5.0


def main(arguments: Sequence[str]) -> None:
    """Runs both until told to end."""
    state, receiver, sftp, page = arguments
    _be_quiet()
    secret = os.environ.get("FORMLANE_DEMO_SECRET", "")
    asyncio.run(
        _run(
            Program(
                name="receiver",
                arguments=(*_SANDBOX, "webhook", "--port", receiver, "--secret", secret),
            ),
            Program(
                name="file server",
                arguments=(*_SANDBOX, "sftp", "--port", sftp, "--page-port", page, "--state", state),
            ),
        )
    )


async def _run(*programs: Program) -> None:
    supervisor = Supervisor(shutdown_seconds=STOP_SECONDS)
    told = asyncio.ensure_future(until_told_to_end())
    for program in programs:
        supervisor.start(program)
    await told
    await supervisor.stop()


def _be_quiet() -> None:
    """`serve` tells the addresses itself, better than each server would in the midst of it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


_SANDBOX = ("-m", "formlane_sandbox")

if __name__ == "__main__":
    main(sys.argv[1:])
