"""The shared HTTP client against servers that misbehave, one byte at a time if need be."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import struct

import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.http import Answer, Failure, HttpClients, NetworkFault
from tests.contract.destinations.receivers import OK, Receiver, Reply, ask, receiving, saying, serving


async def test_an_answer_is_read_whole() -> None:
    async with receiving(
        saying(b"HTTP/1.1 422 No\r\nX-Why: a\r\nContent-Length: 3\r\n\r\nbad", close=False)
    ) as receiver:
        answer = await ask(receiver, body='{"é":1}'.encode())
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["x-WHY"], answer.body, answer.truncated) == (
        422,
        "a",
        b"bad",
        False,
    )
    assert receiver.bodies == ['{"é":1}'.encode()]
    assert b"accept-encoding: identity" in receiver.heads[0].lower()
    assert b"cookie" not in receiver.heads[0].lower()


WHOLE = {
    "HTTP/1.0 until the end": (b"HTTP/1.0 200 OK\r\n\r\nbody", b"body"),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "continue first": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "early hints first": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, b"ok"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
}


@pytest.mark.parametrize("case", WHOLE)
async def test_unusual_but_correct_answers_are_read(case: str) -> None:
    raw, body = WHOLE[case]
    async with receiving(saying(raw)) as receiver:
        answer = await ask(receiver)
    assert isinstance(answer, Answer)
    assert answer.body == body


BROKEN = {
    "nothing": (b"", NetworkFault.RESET),
    "half a status line": (b"HTTP/1.1 20", NetworkFault.RESET),
    "half a header": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", NetworkFault.RESET),
    "early close": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", NetworkFault.RESET),
    "chunks without an end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        NetworkFault.RESET,
    ),
    "a bad chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        NetworkFault.PROTOCOL_ERROR,
    ),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", NetworkFault.PROTOCOL_ERROR),
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        NetworkFault.PROTOCOL_ERROR,
    ),
    "a header of 100 KiB": (
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 102_400 + b"\r\n\r\n",
        NetworkFault.RESPONSE_TOO_LARGE,
    ),
    "60 headers of 1 KiB": (
        b"HTTP/1.1 200 OK\r\n"
        + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 1024) for n in range(60))
        + b"Content-Length: 0\r\n\r\n",
        NetworkFault.RESPONSE_TOO_LARGE,
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_answer_is_a_word_and_may_have_arrived(case: str) -> None:
    raw, fault = BROKEN[case]
    async with receiving(saying(raw)) as receiver:
        result = await ask(receiver)
    assert isinstance(result, Failure)
    assert result.fault is fault
    assert result.may_have_arrived
    assert "127.0.0.1" not in result.text


async def test_a_reset_after_the_request_may_have_arrived() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with receiving(reset) as receiver:
        result = await ask(receiver)
    assert isinstance(result, Failure)
    assert (result.fault, result.may_have_arrived) == (NetworkFault.RESET, True)


def endless(head: bytes, part: bytes, pause: float = 0) -> Reply:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return reply


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10000000000\r\n\r\n",
    ],
)
async def test_an_endless_body_is_cut_at_the_limit_and_the_connection_closed(head: bytes) -> None:
    async with receiving(endless(head, b"a" * 8192)) as receiver:
        answer = await ask(receiver)
        await receiver.hung_up.wait()
    assert isinstance(answer, Answer)
    assert (answer.body, answer.truncated) == (b"a" * 65536, True)


async def test_a_compressed_body_stays_compressed() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with receiving(saying(head, bomb, close=False)) as receiver:
        answer = await ask(receiver)
    assert isinstance(answer, Answer)
    assert answer.body == bomb[:65536]


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
async def test_dripping_is_cut_by_the_total_time(head: bytes) -> None:
    drip = b"H" if not head else b"a"
    async with receiving(endless(head, drip, pause=0.02)) as receiver:
        result = await ask(receiver, timeout=0.3)
        await receiver.hung_up.wait()
    assert isinstance(result, Failure)
    assert result.may_have_arrived
    assert result.fault in {NetworkFault.TIMED_OUT, NetworkFault.PROTOCOL_ERROR}


async def test_silence_is_cut_by_the_total_time() -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with receiving(silence) as receiver:
        result = await ask(receiver, timeout=0.2)
        await receiver.hung_up.wait()
    assert isinstance(result, Failure)
    assert (result.fault, result.may_have_arrived) == (NetworkFault.TIMED_OUT, True)


async def test_an_answer_before_the_body_was_read_is_used_or_uncertain() -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        while await reader.read(65536):
            pass

    async with serving(meet) as port:
        answer = await ask(Receiver(saying(), port), body=bytes(4_000_000))
    assert isinstance(answer, Answer)
    assert answer.status == 413


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
async def test_a_request_on_a_connection_that_breaks_is_not_sent_again(method: str) -> None:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(receiver.heads) > 1:
            writer.close()
        else:
            writer.write(OK)

    async with receiving(reply) as receiver:
        clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]))
        client = await clients.client("a")
        first = await client.request(method, receiver.url, timeout=5)
        second = await client.request(method, receiver.url, timeout=5)
        await clients.close()
    assert isinstance(first, Answer)
    assert isinstance(second, Failure)
    assert second.may_have_arrived
    assert (len(receiver.heads), receiver.connections) == (2, 1)


async def test_cancelling_closes_the_connection() -> None:
    asked = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with receiving(silence) as receiver:
        clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]))
        client = await clients.client("a")
        task = asyncio.create_task(client.request("POST", receiver.url, body=b"{}", timeout=60))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(receiver.hung_up.wait(), 5)
        assert client.busy == 0
        await clients.close()


async def test_accounts_share_neither_connections_nor_cookies() -> None:
    async with receiving(
        saying(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", close=False)
    ) as receiver:
        clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]))
        for account in ("alice", "charlie", "alice"):
            await (await clients.client(account)).request("POST", receiver.url, body=b"{}", timeout=5)
        assert receiver.connections == 2
        assert not any(b"cookie" in head.lower() for head in receiver.heads)
        await clients.forget("alice")
        await (await clients.client("alice")).request("POST", receiver.url, body=b"{}", timeout=5)
        assert receiver.connections == 3
        await clients.close()


async def test_the_pool_that_was_unused_for_longest_makes_room() -> None:
    async with receiving(saying(OK, close=False)) as receiver:
        clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]), most=2)
        for account in ("a", "b", "a", "c", "a", "b"):
            client = await clients.client(account)
            assert isinstance(await client.request("POST", receiver.url, body=b"{}", timeout=5), Answer)
        await clients.forget("nobody")
        await clients.close()
    assert receiver.connections == 4


async def test_a_busy_pool_is_not_closed_to_make_room() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await go.wait()
        writer.write(OK)

    async with receiving(late) as receiver:
        clients = HttpClients(Guard(allow=[("127.0.0.1", receiver.port)]), most=1)
        client = await clients.client("a")
        task = asyncio.create_task(client.request("POST", receiver.url, body=b"{}", timeout=30))
        await asked.wait()
        await clients.client("b")
        go.set()
        assert isinstance(await task, Answer)
        await clients.close()


async def test_what_fails_before_the_request_has_certainly_not_arrived() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = await ask(Receiver(saying(), port=unused.getsockname()[1]))
    assert isinstance(refused, Failure)
    assert (refused.fault, refused.may_have_arrived) == (NetworkFault.CONNECTION_REFUSED, False)

    async def nobody(_: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        raise socket.gaierror(socket.EAI_NONAME, "no address")

    clients = HttpClients(Guard(lookup=nobody))
    unknown = await (await clients.client("a")).request("GET", "https://nowhere.example.com/", timeout=5)
    await clients.close()
    assert isinstance(unknown, Failure)
    assert (unknown.fault, unknown.may_have_arrived) == (NetworkFault.DNS_LOOKUP_FAILED, False)
