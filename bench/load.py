"""The sender: posts batches over keep-alive connections and says what was acknowledged, as one JSON line.

A process of its own, so that it takes nothing from those that are measured but processor time. Bodies
are made before the first is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import orjson
import uvloop

from bench.job import body, stamp


@dataclass(slots=True)
class Run:
    """One run: what is left to send, and what was answered."""

    head: bytes
    size: int
    starts: Iterator[int]
    rate: float | None
    bodies: dict[int, bytes]
    began: float = 0.0
    first: int = 0
    acknowledged: int = 0
    refused: int = 0
    answered_at: float = 0.0
    waits: list[float] = field(default_factory=list)

    def request(self, start: int, now: float) -> bytes:
        """The bytes of one request, stamped."""
        content = stamp(self.bodies[start] if self.bodies else body(start, self.size), now)
        return b"%sContent-Length: %d\r\n\r\n%s" % (self.head, len(content), content)


class Poster(asyncio.Protocol):
    """One connection: the next request goes out when the last is answered, not before its time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pending = bytearray()
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def send(self) -> None:
        """Sends the next request, now or when its time has come."""
        start = next(self._run.starts, None)
        if start is None:
            assert self._transport is not None
            self._transport.close()
            return
        if self._run.rate is None:
            self._write(start)
            return
        due = self._run.began + (start - self._run.first) / self._run.rate
        asyncio.get_running_loop().call_later(max(0.0, due - time.time()), self._write, start)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        end = self._pending.find(b"\r\n\r\n")
        if end < 0 or len(self._pending) < end + 4 + _length(self._pending[:end]):
            return
        now = time.time()
        self._run.waits.append(now - self._sent_at)
        self._run.answered_at = now
        if self._pending[9:10] == b"2":
            self._run.acknowledged += self._run.size
        else:
            self._run.refused += 1
            if self._run.refused == 1:
                sys.stderr.write(bytes(self._pending[:600]).decode(errors="replace") + "\n")
        self._pending.clear()
        self.send()

    def _write(self, start: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._sent_at = time.time()
        self._transport.write(self._run.request(start, self._sent_at))


def _length(head: bytes | bytearray) -> int:
    low = bytes(head).lower()
    at = low.find(b"content-length:")
    return int(low[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def push(options: argparse.Namespace) -> dict[str, float]:
    """Sends everything; the sums of the run, times as seconds since the epoch."""
    where = urlsplit(options.url)
    lines = [f"POST {where.path} HTTP/1.1", f"Host: {where.netloc}", "Content-Type: application/json"]
    lines += options.header
    starts = range(options.start, options.start + options.records, options.size)
    ready = {} if options.lazy else {start: body(start, options.size) for start in starts}
    run = Run(
        head=("\r\n".join(lines) + "\r\n").encode(),
        size=options.size,
        starts=iter(starts),
        rate=options.rate,
        bodies=ready,
        first=options.start,
    )
    loop = asyncio.get_running_loop()
    posters = []
    for _ in range(options.connections):
        _, poster = await loop.create_connection(lambda: Poster(run), where.hostname, where.port)
        posters.append(poster)
    run.began = time.time()
    for poster in posters:
        poster.send()
    await asyncio.gather(*(poster.done for poster in posters))
    waits = sorted(run.waits)
    return {
        "began": run.began,
        "answered_at": run.answered_at,
        "acknowledged": run.acknowledged,
        "refused": run.refused,
        "p50": waits[len(waits) // 2] * 1000 if waits else 0.0,
        "p99": waits[int(len(waits) * 0.99)] * 1000 if waits else 0.0,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--header", action="append", default=[], help="Name: value")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=100, help="records per request")
    parser.add_argument("--start", type=int, default=0, help="number of the first record")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rate", type=float, help="records per second; as fast as answers come if not given")
    parser.add_argument("--lazy", action="store_true", help="make bodies while sending, for very long runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(push(_options()))) + b"\n")
