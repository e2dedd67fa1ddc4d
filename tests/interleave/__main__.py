"""`python -m tests.interleave`: runs schedules on a server of its own (docs/contributing/interleaving.md)."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time

from formlane.store.embedded import EmbeddedPostgres
from formlane.store.embedded.configuration import ADMIN
from tests.database import TestServer, make_short_dir
from tests.interleave.scenarios import SCENARIOS, Scenario
from tests.interleave.schedules import Interleaver, Plan, Ran, open_interleaver, prepare


def main() -> int:
    """The number of failing schedules, at most 1."""
    arguments = _arguments()
    chosen = [one for one in SCENARIOS if arguments.only in one.name]
    if not chosen:
        _tell(f"No scenario has {arguments.only!r} in its name.")
        return 2
    return asyncio.run(_serve(chosen, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.interleave", description=__doc__)
    parser.add_argument("--full", action="store_true", help="three preemptions instead of two")
    parser.add_argument("--preemptions", type=int, help="how often a session is stopped")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--plan", type=Plan.parse, help="one schedule, as a report names it")
    parser.add_argument("--keep-going", action="store_true", help="do not end with the first failure")
    return parser.parse_args()


async def _serve(chosen: list[Scenario], arguments: argparse.Namespace) -> int:
    state = make_short_dir()
    embedded = EmbeddedPostgres(state)
    await embedded.start()
    try:
        server = TestServer(embedded.dsn(ADMIN))
        await server.renew_template()
        database = await server.create("interleave", template="formlane_template")
        async with open_interleaver(database, await prepare(database)) as one:
            return await _run(one, chosen, arguments)
    finally:
        await embedded.stop()
        shutil.rmtree(state)


async def _run(one: Interleaver, chosen: list[Scenario], arguments: argparse.Namespace) -> int:
    if arguments.plan:
        ran = await one.run(chosen[0], arguments.plan)
        _tell(str(ran))
        return bool(ran.violations)
    preemptions = arguments.preemptions or (3 if arguments.full else 2)
    failures = total = 0
    for scenario in chosen:
        began, runs = time.monotonic(), list[Ran]()
        await one.explore(scenario, preemptions, runs.append)
        failed = [ran for ran in runs if ran.violations]
        total, failures = total + len(runs), failures + len(failed)
        took = time.monotonic() - began
        _tell(f"{scenario.name}: {len(runs)} schedules, {len(failed)} fail, {took:.1f} s")
        if failed:
            _tell(str(min(failed, key=lambda ran: len(ran.steps))))
            if not arguments.keep_going:
                break
    _tell(f"{total} schedules, {failures} fail")
    return int(failures > 0)


def _tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
