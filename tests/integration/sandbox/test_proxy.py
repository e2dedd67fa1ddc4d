"""The proxy that loses requests and answers for other tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pytest

from tests.integration.sandbox.test_sshd import connected
from tests.proxy import End, Plan, Proxy, running_proxy
from tests.sshd import Sshd


class Echo:
    """Answers every line with the same line in capitals and remembers what came."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.arrived = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.lines.append(line)
                self.arrived.set()
                writer.write(line.upper())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def echo_behind(plan: Plan) -> AsyncIterator[tuple[Echo, Proxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    try:
        async with running_proxy("127.0.0.1", server.sockets[0].getsockname()[1], plan=plan) as proxy:
            yield echo, proxy
    finally:
        server.close()
        await server.wait_closed()


async def say(proxy: Proxy, *lines: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        writer.write(b"".join(lines))
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("plan", [Plan(), Plan(slice_bytes=1), Plan(latency=0.001)])
async def test_carries_everything(plan: Plan) -> None:
    async with echo_behind(plan) as (echo, proxy):
        assert await say(proxy, b"one\n", b"two\n") == b"ONE\nTWO\n"
    assert echo.lines == [b"one\n", b"two\n"]
    assert (proxy.accepted, proxy.requests, proxy.replies) == (1, 8, 8)


async def test_refuses() -> None:
    async with echo_behind(Plan(refuse=True)) as (echo, proxy):
        with pytest.raises(ConnectionResetError):
            await say(proxy, b"one\n")
    assert echo.lines == []


async def test_request_is_cut() -> None:
    async with echo_behind(Plan(cut_requests_after=6, slice_bytes=4)) as (_, proxy):
        with pytest.raises(ConnectionResetError):
            await say(proxy, b"one\ntwo\n")
    assert proxy.requests == 6


async def test_reply_is_truncated_and_closed() -> None:
    async with echo_behind(Plan(cut_replies_after=2, then=End.CLOSE)) as (_, proxy):
        assert await say(proxy, b"one\n") == b"ON"


async def test_the_server_acts_and_its_answer_is_lost() -> None:
    async with echo_behind(Plan(drop_replies_after=0)) as (echo, proxy):
        with pytest.raises(ConnectionResetError):
            await say(proxy, b"one\n")
        assert proxy.spoiled.is_set()
    assert echo.lines == [b"one\n"]


async def test_half_open() -> None:
    async with echo_behind(Plan(drop_replies_after=0, then=End.SILENCE)) as (echo, proxy):
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writer.write(b"one\n")
        await proxy.spoiled.wait()
        answer = asyncio.create_task(reader.read())
        done, _ = await asyncio.wait([answer], timeout=0.05)

        assert not done
        assert echo.lines == [b"one\n"]
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            await answer
        writer.close()


async def test_a_rename_happens_though_its_answer_is_lost(sshd: Sshd) -> None:
    (sshd.root / "old").write_bytes(b"content")
    async with running_proxy(sshd.host, sshd.port) as proxy:
        trusted = f"[{proxy.host}]:{proxy.port} {sshd.host_keys[0]}\n"
        async with connected(sshd, known_hosts=trusted, port=proxy.port) as client:
            proxy.plan = Plan(drop_replies_after=0)
            with pytest.raises((asyncssh.Error, OSError)):
                await client.posix_rename(str(sshd.root / "old"), str(sshd.root / "new"))

    assert (sshd.root / "new").read_bytes() == b"content"
    assert not (sshd.root / "old").exists()
