"""Processor seconds of `send` alone per record, against a bare client that does as much."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import orjson

from bench import processes
from bench.figure import Figure
from bench.options import Options
from bench.vendors import JOBS

TARGET = 2.5


async def measure(options: Options) -> list[Figure]:
    """A ratio per vendor, in calls of the sizes that the product makes."""
    folder = options.below("vendors")
    figures = []
    for kind, job in JOBS.items():
        with ExitStack() as stack:
            port = processes.free_port()
            more = {option: str(processes.free_port()) for option in job.ports}
            arguments = ["-m", "formlane_sandbox", kind, "--port", str(port), "--state", str(folder / kind)]
            arguments += [word for pair in more.items() for word in pair]
            stack.enter_context(processes.running(arguments, log=folder / f"{kind}.log", port=port))
            url = f"http://127.0.0.1:{port}"
            if job.pace:
                processes.put_json(f"{url}/_control/settings", job.pace)
            words = ["-m", "bench.vendors", kind, url, "--rounds", str(options.rounds)]
            words += [word for number in more.values() for word in ("--port", number)]
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, cwd=processes.ROOT, stdout=asyncio.subprocess.PIPE
            )
            said, _ = await process.communicate()
            if process.returncode:
                raise processes.BenchError(f"The comparison of {kind} failed.")
            told = orjson.loads(said)
            figures.append(_figure(kind, told["ours"], told["bare"]))
    return figures


def _figure(kind: str, ours: Sequence[float], bare: Sequence[float]) -> Figure:
    ratios = [mine / other for mine, other in zip(ours, bare, strict=True)]
    medians = f"{statistics.median(ours):.0f} µs a record against {statistics.median(bare):.0f}"
    return Figure(
        name=f"send.{kind}",
        value=statistics.median(ratios),
        unit="ratio",
        target=TARGET,
        sign="<=",
        note=f"of a bare client's processor time; {medians}; {min(ratios):.2f} to {max(ratios):.2f}",
    )
