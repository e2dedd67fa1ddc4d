"""Faults behave on the wire exactly as they were armed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from formlane_sandbox.server import running
from formlane_sandbox.webhook.simulator import WebhookReceiver

REQUEST = b"POST /hook/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nwebhook-id: %s\r\n\r\n" + b'{"id":"r"}'


class Bench:
    """A running receiver, and a client that sees the bytes of an answer."""

    def __init__(self, sim: WebhookReceiver, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def arm(self, **fault: object) -> str:
        async with self.session.post("/_control/faults", json=fault) as response:
            assert response.status == 201, await response.text()
            return str((await response.json())["id"])

    async def raw(self, message: bytes = b"m1", *, until_end: bool = True) -> bytes:
        """The whole answer up to the end of the connection."""
        host, port = self.sim.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(REQUEST % message)
            return await (reader.read() if until_end else reader.readuntil(b"}"))
        finally:
            writer.close()

    async def status(self) -> tuple[int, dict[str, str]]:
        async with self.session.post("/hook/a", data=b'{"id":"r"}') as response:
            return response.status, {name.lower(): value for name, value in response.headers.items()}

    def messages(self) -> int:
        hook = self.sim.receiver.arrivals.hooks.get("a")
        return len(hook.messages) if hook else 0


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running(WebhookReceiver()) as sim, aiohttp.ClientSession(sim.url) as session:
        yield Bench(sim, session)


async def test_a_status_n_times_then_normal(bench: Bench) -> None:
    await bench.arm(kind="status", status=503, times=2, body="away", headers={"X-Why": "test"})
    met = [await bench.status() for _ in range(3)]

    assert [status for status, _ in met] == [503, 503, 200]
    assert met[0][1]["x-why"] == "test"
    assert bench.sim.receiver.arrivals.hooks["a"].counts["requests"] == 1


async def test_a_status_until_cleared(bench: Bench) -> None:
    number = await bench.arm(kind="status", status=500)
    assert [(await bench.status())[0] for _ in range(3)] == [500, 500, 500]
    async with bench.session.delete(f"/_control/faults/{number}") as response:
        assert response.status == 204

    assert (await bench.status())[0] == 200


@pytest.mark.parametrize(
    "status", [*range(200, 210), 300, 301, 304, 307, 400, 410, 413, 429, 500, 502, 504, 599]
)
async def test_any_status(bench: Bench, status: int) -> None:
    await bench.arm(kind="status", status=status, times=1, headers={"location": "/elsewhere"})
    async with bench.session.post("/hook/a", data=b"{}", allow_redirects=False) as response:
        assert response.status == status


async def test_429_without_and_with_retry_after_in_both_forms(bench: Bench) -> None:
    for extra in (
        {},
        {"retry_after": 5},
        {"retry_after": 60, "retry_after_form": "date"},
        {"retry_after": -3},
    ):
        await bench.arm(kind="status", status=429, times=1, **extra)
    answers = [await bench.status() for _ in range(4)]
    date = parsedate_to_datetime(answers[2][1]["retry-after"])

    assert [status for status, _ in answers] == [429] * 4
    assert "retry-after" not in answers[0][1]
    assert answers[1][1]["retry-after"] == "5"
    assert 50 < date.timestamp() - time.time() < 70
    assert answers[3][1]["retry-after"] == "-3"


@pytest.mark.parametrize("commit", [False, True])
async def test_status_before_and_after_commit(bench: Bench, commit: bool) -> None:
    await bench.arm(kind="status", status=502, times=1, commit=commit)
    async with bench.session.post("/hook/a", data=b"{}", headers={"webhook-id": "m1"}) as response:
        assert response.status == 502

    assert bench.messages() == int(commit)


@pytest.mark.parametrize("commit", [False, True])
async def test_reset_before_and_after_commit(bench: Bench, commit: bool) -> None:
    await bench.arm(kind="reset", times=1, commit=commit)
    with pytest.raises(ConnectionResetError):
        await bench.raw()

    assert bench.messages() == int(commit)


@pytest.mark.parametrize("commit", [False, True])
async def test_close_before_and_after_commit(bench: Bench, commit: bool) -> None:
    await bench.arm(kind="close", times=1, commit=commit)

    assert await bench.raw() == b""
    assert bench.messages() == int(commit)


async def test_a_repeat_after_a_lost_answer_is_known(bench: Bench) -> None:
    await bench.arm(kind="reset", times=1, commit=True)
    with pytest.raises(ConnectionResetError):
        await bench.raw(b"m1")

    assert b'"repeat":true' in await bench.raw(b"m1", until_end=False)


async def test_timeout_after_commit_never_answers(bench: Bench) -> None:
    await bench.arm(kind="timeout", times=1, commit=True)
    answer = asyncio.create_task(bench.raw())
    done, _ = await asyncio.wait([answer], timeout=0.1)

    assert not done
    assert bench.messages() == 1
    answer.cancel()
    await asyncio.wait([answer])
    assert (await bench.status())[0] == 200


async def test_timeout_ends_by_reset_when_its_seconds_are_over(bench: Bench) -> None:
    await bench.arm(kind="timeout", times=1, seconds=0.05)
    with pytest.raises(ConnectionResetError):
        await bench.raw()

    assert bench.messages() == 0


async def test_slow_answer_is_the_right_one(bench: Bench) -> None:
    await bench.arm(kind="slow", times=1, seconds=0.05)
    start = time.monotonic()

    assert b'{"records":1,"repeat":false}' in await bench.raw(until_end=False)
    assert time.monotonic() - start >= 0.05


async def test_drip_feeds_the_right_answer(bench: Bench) -> None:
    await bench.arm(kind="slow", times=1, seconds=0.002, piece_bytes=1)

    assert (await bench.raw(until_end=False)).endswith(b'\r\n\r\n{"records":1,"repeat":false}')


async def test_truncated_answer(bench: Bench) -> None:
    await bench.arm(kind="truncate", times=1, keep_bytes=4)
    answer = await bench.raw()

    assert b"content-length: 28" in answer
    assert answer.endswith(b'\r\n\r\n{"re')
    assert bench.messages() == 1


async def test_raw_bytes(bench: Bench) -> None:
    await bench.arm(kind="raw", times=1, raw="SFRUUC8xLjEgMjAwDQoNCg==")

    assert await bench.raw() == b"HTTP/1.1 200\r\n\r\n"


async def test_endless_answer_ends_with_the_client(bench: Bench) -> None:
    await bench.arm(kind="endless", times=1)
    async with bench.session.post("/hook/a", data=b"{}") as response:
        assert len(await response.content.readexactly(1_000_000)) == 1_000_000
        response.close()

    assert (await bench.status())[0] == 200


async def test_early_answer_comes_before_the_body(bench: Bench) -> None:
    await bench.arm(kind="status", status=413, times=1, early=True)
    host, port = bench.sim.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /hook/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n")

    assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_client_that_leaves_in_the_middle_sent_nothing(bench: Bench) -> None:
    host, port = bench.sim.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /hook/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n[1]")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await bench.status())[0] == 200
    assert bench.sim.receiver.arrivals.hooks["a"].counts["requests"] == 1


async def test_stopping_breaks_what_hangs() -> None:
    async with running(WebhookReceiver()) as sim, aiohttp.ClientSession(sim.url) as session:
        bench = Bench(sim, session)
        await bench.arm(kind="timeout", commit=True)
        hanging = asyncio.create_task(bench.raw())
        async with asyncio.timeout(10):
            while not bench.messages():
                await bench.session.get("/_control/stats")
    answer = (await asyncio.gather(hanging, return_exceptions=True))[0]

    assert answer == b"" or isinstance(answer, ConnectionError)
