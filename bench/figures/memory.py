"""Memory of all processes besides PostgreSQL, over a million records."""

from __future__ import annotations

import asyncio
from statistics import median

from bench import processes
from bench.figure import Figure
from bench.installation import Installation, installation, prepare
from bench.options import Options
from bench.processes import Sink, proportional_megabytes, push

LIMIT = 300.0
FLAT = 10.0
"""Megabytes that a million records may add: less than the noise of a Python process's arenas."""

EVERY = 2.0
"""Seconds between two looks."""


async def measure(options: Options) -> list[Figure]:
    """The highest sum, and what the second half of the run added, per million records."""
    folder = options.below("memory")
    records = options.scaled(1_000_000, 100_000)
    with processes.sink(folder) as sink, installation(folder / "formlane", sink) as ours:
        async with ours.hub() as hub:
            made = await prepare(hub, ours.base_url, sink)
        looking = asyncio.create_task(_look(ours, sink))
        await push(made.target, records=records, size=100, connections=4, lazy=True)
        await made.target.sink.drained(records, stall=60.0) if made.target.sink else None
        looking.cancel()
        seen = (await asyncio.gather(looking, return_exceptions=True))[0]
        each = {" ".join(one.cmdline()[-1:]): proportional_megabytes([one]) for one in ours.child.tree}
    assert isinstance(seen, list)
    peak = max(size for _, size in seen)
    note = ", ".join(f"{name} {size:.0f}" for name, size in each.items())
    return [
        Figure(name="memory", value=peak, unit="MB", target=LIMIT, sign="<=", note=f"PSS; at the end {note}"),
        Figure(
            name="memory.growth",
            value=growth(seen) * 1_000_000,
            unit="MB/million",
            target=FLAT,
            sign="<=",
            note=f"over the second half of {records:,} records",
        ),
    ]


def growth(seen: list[tuple[int, float]]) -> float:
    """Megabytes per record from the third quarter of the looks to the fourth."""
    quarter = len(seen) // 4
    third, fourth = seen[2 * quarter : 3 * quarter], seen[3 * quarter :]

    def middle(part: list[tuple[int, float]], place: int) -> float:
        return median(look[place] for look in part)

    if not third or middle(fourth, 0) == middle(third, 0):
        return 0.0
    return (middle(fourth, 1) - middle(third, 1)) / (middle(fourth, 0) - middle(third, 0))


async def _look(ours: Installation, sink: Sink) -> list[tuple[int, float]]:
    """Pairs of records that arrived and megabytes, until cancelled."""
    seen: list[tuple[int, float]] = []
    try:
        while True:
            arrived = (await asyncio.to_thread(sink.get, "/count"))["records"]
            seen.append((arrived, await asyncio.to_thread(proportional_megabytes, ours.child.tree)))
            await asyncio.sleep(EVERY)
    except asyncio.CancelledError:
        return seen
