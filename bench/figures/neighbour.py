"""A hundred thousand batches behind a dead webhook, and what another tenant's flow notices of it.

Two installations, one of them with the backlog; only the measured one runs, the other is frozen. Each
pair is measured together with a control: the clean one against itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from statistics import median

import asyncpg
import orjson

from bench import processes
from bench.figure import Figure, told
from bench.installation import Installation, Prepared, installation, prepare
from bench.job import record
from bench.latencies import p99
from bench.options import Options
from bench.processes import Sink
from formlane.bootstrap.hub import Hub

PAIRS = 10
SUBMITTERS = 1024
MOST_BUFFERS = 100
FACTOR = 2.0
"""How many times the control's own shift a shift may be."""

SETTLE_SECONDS = 1.0

WARM_UP = 5
"""The first leases of a session read the catalogue as well."""

_LEASE = "SELECT * FROM formlane.lease('bench', 32, '-infinity', interval '15 seconds', 16777216, '{}', '{}')"


async def measure(options: Options) -> list[Figure]:
    """The live flow's shift of p99 against the control's, and what the lease statement reads."""
    folder = options.below("neighbour")
    backlog = options.scaled(100_000, 5_000)
    pairs = options.scaled(PAIRS, 3)
    seconds = options.scaled(3, 2)
    with ExitStack() as stack:
        sink = stack.enter_context(processes.sink(folder))
        dead = Sink(processes.free_port())
        clean = stack.enter_context(installation(folder / "clean", sink))
        laden = stack.enter_context(installation(folder / "laden", sink, dead))
        async with clean.hub() as hub:
            undisturbed = await prepare(hub, clean.base_url, sink)
        async with laden.hub() as hub:
            disturbed = await prepare(hub, laden.base_url, sink)
            other = await prepare(hub, laden.base_url, dead, name="Dead", check=False)
            await fill(hub, other, backlog)
        processes.stop_all(laden.child.tree)
        starts = count(0, 10**6)
        shifts, controls = [], []
        for _ in range(pairs):
            first = await p99(undisturbed.target, seconds=seconds, start=next(starts))
            again = await p99(undisturbed.target, seconds=seconds, start=next(starts))
            async with _only(laden, clean):
                with_backlog = await p99(disturbed.target, seconds=seconds, start=next(starts))
            shifts.append(with_backlog - (first + again) / 2)
            controls.append(abs(again - first))
        buffers = [await lease_buffers(laden)]
        async with laden.hub() as hub:
            await hub.intake.accept(disturbed.tenant, disturbed.flow, [record(next(starts))])
        buffers.append(await lease_buffers(laden))
        processes.go_on(laden.child.tree)
    noise = median(controls)
    return [
        Figure(
            name="neighbour.shift",
            value=median(shifts),
            unit="ms",
            target=FACTOR * noise,
            sign="<=",
            note=f"of p99, median of {pairs} pairs, {backlog:,} batches behind a dead webhook",
        ),
        told("neighbour.control", controls, "ms", note="p99 of the same installation, twice"),
        Figure(
            name="neighbour.lease_buffers",
            value=max(buffers),
            unit="pages",
            target=MOST_BUFFERS,
            sign="<=",
            note="that one lease reads, the more of: nothing to do, one lane ready",
        ),
    ]


async def fill(hub: Hub, dead: Prepared, batches: int) -> None:
    """Takes in so many batches of one record for a flow whose receiver is not there."""
    await hub.intake.start()
    numbers: Iterator[int] = iter(range(batches))

    async def submit() -> None:
        for number in numbers:
            await hub.intake.accept(dead.tenant, dead.flow, [record(number)])

    await asyncio.gather(*(submit() for _ in range(SUBMITTERS)))
    await hub.intake.stop()


async def lease_buffers(laden: Installation) -> float:
    """Pages that a full look for ready lanes finds or reads, and leasing those; leases nothing for good."""
    connection = await asyncpg.connect(laden.postgres.admin_dsn)
    try:
        pages = 0
        for _ in range(WARM_UP):
            transaction = connection.transaction()
            await transaction.start()
            plan = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_LEASE}")
            await transaction.rollback()
            [node] = orjson.loads(plan)
            pages = node["Plan"]["Shared Hit Blocks"] + node["Plan"]["Shared Read Blocks"]
        return float(pages)
    finally:
        await connection.close()


@asynccontextmanager
async def _only(running: Installation, frozen: Installation) -> AsyncIterator[None]:
    """Lets one installation run, with the other one frozen, while the block runs."""
    _change_over(running, frozen)
    await asyncio.sleep(SETTLE_SECONDS)
    yield
    _change_over(frozen, running)
    await asyncio.sleep(SETTLE_SECONDS)


def _change_over(running: Installation, frozen: Installation) -> None:
    processes.stop_all(frozen.child.tree)
    processes.go_on(running.child.tree)
