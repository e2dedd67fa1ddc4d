"""Those who do the job, and a run of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import processes
from bench.job import mapped_by_hand, record
from bench.processes import BenchError, Target, push

CONNECTIONS: Final = 4


@contextmanager
def bare_loop(folder: Path, *, other: Path | None = None) -> Iterator[Target]:
    """Our bare loop with a receiver of its own; `other`: the folder of another one, `bare_peer.py`."""
    port = processes.free_port()
    arguments = processes.uvicorn_arguments("bench.bare:app", port)
    if other is not None:
        arguments = processes.uvicorn_arguments("bare_peer:app", port, lifespan="on")
        arguments += ["--app-dir", str(other)]
    with (
        processes.sink(folder) as sink,
        processes.running(
            arguments,
            log=folder / f"bare-{port}.log",
            port=port,
            environment={"SINK": sink.url},
        ),
    ):
        yield Target(url=f"http://127.0.0.1:{port}/push", sink=sink)


async def rate(target: Target, *, records: int, start: int, size: int = 100) -> float:
    """Records per second from the first byte pushed to the last record's arrival."""
    assert target.sink is not None
    target.sink.get("/reset")
    sent = await push(target, records=records, start=start, size=size, connections=CONNECTIONS)
    stats = await target.sink.drained(records)
    if stats["repeated"] or stats["records"] != records:
        raise BenchError(f"Of {records} records {stats['records']} arrived, {stats['repeated']} again.")
    taken: float = stats["last_at"] - sent["began"]
    return records / taken


def fair_sample(target: Target) -> None:
    """Fails unless the first record that arrived is what the hand-written mapping makes of it."""
    assert target.sink is not None
    seen = target.sink.get("/stats")["sample"]
    number = int(seen["ExternalId__c"].split("-")[0], 16)
    expected = mapped_by_hand(record(number)) | {"SentAt__c": seen["SentAt__c"]}
    if seen != expected:
        different = sorted(
            name for name in expected.keys() | seen.keys() if seen.get(name) != expected.get(name)
        )
        raise BenchError(f"{target.url} does another job: {', '.join(different)} differ.")
