"""The receiver: answers `{"records": [...]}` with a result per record, and counts what arrived.

A process of its own: `python -m bench.sink PORT`. `GET /stats`, `/reset`, `/delay/<ms>`, `/fail/<0|1>`.
It counts when it writes the answer, so what was cut off before does not count.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import orjson
import uvloop

_END = b"\r\n\r\n"


@dataclass(slots=True)
class Arrivals:
    """What arrived since the last reset. Latencies in seconds from the record's own time of sending."""

    ids: set[str] = field(default_factory=set)
    repeated: int = 0
    requests: int = 0
    largest: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    sample: dict[str, Any] | None = None

    def add(self, records: list[dict[str, Any]], now: float) -> None:
        """Notes the records of one answered request."""
        if not self.requests:
            self.first_at, self.sample = now, records[0]
        self.requests += 1
        self.last_at = now
        self.largest = max(self.largest, len(records))
        before = len(self.ids)
        self.ids.update([record["ExternalId__c"] for record in records])
        self.repeated += before + len(records) - len(self.ids)
        self.latencies.extend([now - record["SentAt__c"] for record in records])

    def stats(self) -> dict[str, Any]:
        """The figures; quantiles in milliseconds."""
        ordered = sorted(self.latencies)

        def quantile(share: float) -> float | None:
            return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else None

        return {
            "records": len(self.ids),
            "repeated": self.repeated,
            "requests": self.requests,
            "largest": self.largest,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "p50": quantile(0.5),
            "p99": quantile(0.99),
            "sample": self.sample,
        }


@dataclass(slots=True)
class State:
    """What all connections share."""

    arrivals: Arrivals = field(default_factory=Arrivals)
    delay: float = 0.0
    failing: bool = False


class Receiver(asyncio.Protocol):
    """One connection. Reads requests with a Content-Length, as our senders write them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pending = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(_END)) >= 0:
            head = bytes(self._pending[:end])
            stop = end + len(_END) + _length(head)
            if len(self._pending) < stop:
                return
            body = bytes(self._pending[end + len(_END) : stop])
            del self._pending[:stop]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if method == b"POST":
            self._take(body)
        elif method == b"OPTIONS":
            self._write(b"200 OK", b"{}")
        else:
            self._control(path.decode())

    def _take(self, body: bytes) -> None:
        if self._state.failing:
            self._write(b"503 Service Unavailable", b'{"error":"unavailable"}')
            return
        records = orjson.loads(body)["records"]
        if self._state.delay:
            asyncio.get_running_loop().call_later(self._state.delay, self._accept, records)
        else:
            self._accept(records)

    def _accept(self, records: list[dict[str, Any]]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._state.arrivals.add(records, time.time())
        results = [{"id": record["ExternalId__c"], "success": True, "errors": []} for record in records]
        self._write(b"200 OK", orjson.dumps(results))

    def _control(self, path: str) -> None:
        if path == "/reset":
            self._state.arrivals = Arrivals()
        elif path.startswith("/delay/"):
            self._state.delay = int(path.removeprefix("/delay/")) / 1000
        elif path.startswith("/fail/"):
            self._state.failing = path.endswith("1")
        answer = (
            self._state.arrivals.stats() if path == "/stats" else {"records": len(self._state.arrivals.ids)}
        )
        self._write(b"200 OK", orjson.dumps(answer))

    def _write(self, status: bytes, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (status, len(body), body)
            )


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Receiver, State()), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
