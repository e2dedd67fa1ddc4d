"""Records per second taken in, against a bare loop that inserts the same sealed blobs and commits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count

import asyncpg

from bench import processes
from bench.figure import Figure, ratio, told
from bench.installation import installation, prepare
from bench.job import Record, record
from bench.options import Options
from bench.processes import push
from bench.scratch import scratch_dsn
from formlane.bootstrap.hub import Hub
from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import SealKind
from formlane.services.blobs import pack_records

TARGET = 0.3
SUBMITTERS = 64
SIZE = 100
CONNECTIONS = 16
"""Of the bare loop: more does not make it faster on two cores."""


async def measure(options: Options) -> list[Figure]:
    """Batches of 100 from 64 submitters: through the service, over HTTP, and bare inserts."""
    folder = options.below("intake")
    batches = options.scaled(800, 200)
    async with AsyncExitStack() as stack:
        sink = stack.enter_context(processes.sink(folder))
        ours = stack.enter_context(installation(folder / "formlane", sink))
        hub = await stack.enter_async_context(ours.hub())
        made = await prepare(hub, ours.base_url, sink)
        await hub.flows.pause(made.tenant, made.flow)
        pool = await asyncpg.create_pool(await scratch_dsn(ours), min_size=CONNECTIONS, max_size=CONNECTIONS)
        stack.push_async_callback(pool.close)
        await pool.execute("CREATE TABLE batches (id uuid PRIMARY KEY, records int, blob bytea)")
        pieces = [[record(start + n) for n in range(SIZE)] for start in range(0, batches * SIZE, SIZE)]
        blobs = await _sealed(hub, made.tenant, pieces)

        async def accept(number: int) -> None:
            await hub.intake.accept(made.tenant, made.flow, pieces[number])

        async def insert(number: int) -> None:
            await pool.execute("INSERT INTO batches VALUES ($1, $2, $3)", new_id(0), SIZE, blobs[number])

        await hub.intake.start()
        rates: dict[str, list[float]] = {"service": [], "http": [], "bare": []}
        starts = count(0, batches * SIZE)
        for number in range(options.rounds + 1):
            taken = {
                "bare": await _timed(batches, insert),
                "service": await _timed(batches, accept),
            }
            sent = await push(
                made.target, records=batches * SIZE, size=SIZE, start=next(starts), connections=SUBMITTERS
            )
            taken["http"] = sent["answered_at"] - sent["began"]
            for name, seconds in taken.items() if number else ():
                rates[name].append(batches * SIZE / seconds)
    return [
        ratio("intake", rates["service"], rates["bare"], TARGET, note="of bare inserts of the same blobs"),
        told("intake.service", rates["service"], "records/s", note="64 submitters, batches of 100"),
        told("intake.http", rates["http"], "records/s", note="64 connections, batches of 100"),
        told("intake.bare", rates["bare"], "records/s", note="one insert and one commit per blob"),
    ]


async def _sealed(hub: Hub, tenant: object, pieces: list[list[Record]]) -> list[bytes]:
    owner = TenantId(tenant)  # type: ignore[arg-type]  # a UUID
    sealer = await hub.vault.sealer(owner)
    return [sealer.seal(SealKind.PAYLOAD, new_id(0), pack_records(piece)) for piece in pieces]


async def _timed(times: int, act: Callable[[int], Awaitable[None]]) -> float:
    """Seconds that the submitters need for so many acts."""
    numbers = iter(range(times))

    async def submit() -> None:
        for number in numbers:
            await act(number)

    began = time.perf_counter()
    await asyncio.gather(*(submit() for _ in range(SUBMITTERS)))
    return time.perf_counter() - began
