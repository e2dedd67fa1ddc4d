"""The figures: one file per subject, each with `measure(options)` that gives a list of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from bench.figure import Figure
from bench.figures import end_to_end, intake, latency, memory, micro, neighbour, singles, vendors
from bench.options import Options

FIGURES: Final[dict[str, Callable[[Options], Awaitable[list[Figure]]]]] = {
    "micro": micro.measure,
    "end_to_end": end_to_end.measure,
    "intake": intake.measure,
    "singles": singles.measure,
    "latency": latency.measure,
    "neighbour": neighbour.measure,
    "memory": memory.measure,
    "vendors": vendors.measure,
}
