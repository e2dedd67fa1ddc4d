"""Metrics of one process, or of all processes of an installation that share a directory.

No metric carries a tenant, a value or a path of a request.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Named by prometheus_client; read when it is imported, so `serve` sets it before children start."""

RECORDS = Counter("formlane_records", "Records settled, by what became of them.", ["status"])
ACCEPTED = Counter("formlane_records_accepted", "Records accepted at intake.")
CALLS = Counter("formlane_calls", "Calls to destinations, by kind and outcome.", ["kind", "outcome"])
CALL_SECONDS = Histogram(
    "formlane_call_seconds",
    "How long calls to destinations took.",
    ["kind"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LANES = Gauge("formlane_lanes_active", "Lanes being worked now.", multiprocess_mode="livesum")
REQUESTS = Counter("formlane_requests", "HTTP requests, by route and status.", ["route", "status"])
MISBALANCES = Gauge(
    "formlane_misbalances", "Differences between books and recount; 0 is right.", multiprocess_mode="livemax"
)


def prepare_directory(directory: Path) -> None:
    """An empty directory for the metrics of an installation's processes."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in directory.glob("*.db"):
        file.unlink()


def render_metrics() -> bytes:
    """The text exposition of this process, or of all that share the directory."""
    registry = CollectorRegistry()
    if os.environ.get(DIRECTORY_VARIABLE):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest()
