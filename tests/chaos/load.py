"""The generator: an open loop of requests, each repeated with its key until its fate is known."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from tests.chaos.cast import Cast, Source
from tests.chaos.records import Record
from tests.chaos.sent import Sent, numbered

REQUEST_SECONDS = 15.0
RETRY_SECONDS = 0.1
BUSY = frozenset({429, 502, 503, 504})


@dataclass(slots=True)
class Load:
    """Sends on behalf of all sources. Each sender owns keys and has one request out, so order is defined.

    `rate` is in records per second over all sources; None sends as fast as answers come. `addresses` may be
    changed at any time; each try picks one. `complaints`: answers that no well-formed request deserves;
    `examples`: the first of each status.
    """

    cast: Cast
    sent: Sent
    addresses: list[str]
    chance: random.Random
    senders: int = 4
    rate: float | None = None
    statuses: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    examples: dict[int, str] = field(default_factory=dict)
    latest: float = 0.0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _queues: list[tuple[Source, Iterator[list[Record]]]] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    def start(self, rate: float | None) -> None:
        """Begins to send at a rate; counters go on where an earlier run ended."""
        self.rate = rate
        self._stop.clear()
        if not self._queues:
            for source in self.cast.sources:
                for sender in range(self.senders):
                    keys = [f"k{number}" for number in range(sender, source.keys, self.senders)]
                    self._queues.append((source, numbered(source, keys)))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._tasks = [
            asyncio.create_task(self._send_all(source, requests)) for source, requests in self._queues
        ]

    async def stop(self, *, seconds: float = 60.0) -> None:
        """Makes no new request; returns when the fate of all is known, or after so many seconds."""
        self._stop.set()
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        failures = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.complaints += [repr(one) for one in failures if isinstance(one, Exception)]
        assert self._session is not None
        await self._session.close()

    async def _send_all(self, source: Source, requests: Iterator[list[Record]]) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            if self.rate is not None:
                # Poisson arrivals: the time of a request depends on no answer.
                mean = source.size * self.senders / (self.rate * source.share / self._shares())
                due += self.chance.expovariate(1 / mean)
                await self._until(due)
                if self._stop.is_set():
                    return
            await self._deliver(source, next(requests))

    async def _until(self, due: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(due - time.monotonic()):
                await self._stop.wait()
        self.latest = max(self.latest, time.monotonic() - due)

    def _shares(self) -> float:
        return sum(source.share for source in self.cast.sources)

    async def _deliver(self, source: Source, records: Sequence[Record]) -> None:
        body = orjson.dumps([one.fields() for one in records])
        key = uuid.UUID(int=self.chance.getrandbits(128), version=4).hex
        while True:
            try:
                status, answer = await self._post(source, body, key)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.statuses[type(error).__name__] += 1
                self.sent.lose_sight(source, records)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.statuses[str(status)] += 1
            if status == 202:
                self._note(source, records, orjson.loads(answer))
                return
            self.examples.setdefault(status, answer[:500].decode(errors="replace"))
            if status not in BUSY:
                self.complaints.append(f"{status} for {source.path}: {answer[:300]!r}")
                if status < 500:
                    return
            if status >= 500:
                self.sent.lose_sight(source, records)
            await asyncio.sleep(RETRY_SECONDS)

    def _note(self, source: Source, records: Sequence[Record], receipt: dict[str, object]) -> None:
        if receipt["accepted"] == len(records):
            self.sent.acknowledge(source, records, str(receipt["batch"]))
        else:
            self.complaints.append(f"Valid records were refused: {str(receipt)[:500]}")

    async def _post(self, source: Source, body: bytes, key: str) -> tuple[int, bytes]:
        assert self._session is not None
        headers = {
            "Authorization": f"Bearer {source.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        url = self.chance.choice(self.addresses) + source.path
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with self._session.post(url, data=body, headers=headers, timeout=timeout) as answer:
            return answer.status, await answer.read()
