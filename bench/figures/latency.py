"""Latency end to end at a modest rate, against the bare loop's and the price of three commits."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from statistics import median

from bench import processes
from bench.contenders import bare_loop
from bench.figure import Figure, told
from bench.installation import installation, prepare
from bench.latencies import RATE, p50
from bench.options import Options
from bench.scratch import commit_milliseconds, scratch

FACTOR, COMMITS = 3, 3
SHAPES = {"batches": 100, "singles": 1}


async def measure(options: Options) -> list[Figure]:
    """Median latency from sending to arrival, in batches of 100 and one by one."""
    folder = options.below("latency")
    seconds = options.scaled(4, 2)
    with ExitStack() as stack:
        bare = stack.enter_context(bare_loop(folder))
        sink = stack.enter_context(processes.sink(folder))
        ours = stack.enter_context(installation(folder / "formlane", sink))
        async with ours.hub() as hub:
            made = await prepare(hub, ours.base_url, sink)
        starts = count(0, seconds * RATE)
        commits = []
        figures = []
        await p50(made.target, seconds=1, start=10**7, size=100)
        for shape, size in SHAPES.items():
            found: dict[str, list[float]] = {"bare": [], "formlane": []}
            for _ in range(options.rounds):
                async with scratch(ours) as connection:
                    commits.append(await commit_milliseconds(connection))
                for name, target in (("bare", bare), ("formlane", made.target)):
                    found[name].append(await p50(target, seconds=seconds, start=next(starts), size=size))
            limit = FACTOR * median(found["bare"]) + COMMITS * median(commits)
            figures.append(
                Figure(
                    name=f"latency.{shape}",
                    value=median(found["formlane"]),
                    unit="ms",
                    target=limit,
                    sign="<=",
                    note=f"p50 at {RATE} records/s; bare {median(found['bare']):.2f} ms",
                )
            )
    return [*figures, told("latency.commit", commits, "ms", note="p50 of a one-row commit")]
