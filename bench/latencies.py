"""Latency from sending to arrival, at a rate that leaves the machine time."""

from __future__ import annotations

from typing import Any, Final

from bench.processes import Target, push

RATE: Final = 500
"""Records per second."""


async def p50(target: Target, *, seconds: int, start: int, size: int = 1) -> float:
    """Milliseconds from sending to arrival of half of the records."""
    return float((await _arrived(target, seconds=seconds, start=start, size=size))["p50"])


async def p99(target: Target, *, seconds: int, start: int, size: int = 1) -> float:
    """Milliseconds from sending to arrival of all but one in a hundred."""
    return float((await _arrived(target, seconds=seconds, start=start, size=size))["p99"])


async def _arrived(target: Target, *, seconds: int, start: int, size: int) -> dict[str, Any]:
    assert target.sink is not None
    records = seconds * RATE
    target.sink.get("/reset")
    await push(target, records=records, start=start, size=size, connections=8 if size == 1 else 2, rate=RATE)
    return await target.sink.drained(records)
