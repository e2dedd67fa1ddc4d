"""Nothing reaches a listener on loopback, whatever address is written, answered or redirected to.

`Wired` makes each socket that passes the guard lead to the canary, so that an escape to any address
would be seen, and nothing ever leaves this machine. The control runs the same corpus without the guard.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from formlane.destinations.egress import (
    BLOCKED,
    Address,
    AddressRefused,
    Guard,
    SystemLookup,
    connected_socket,
)
from formlane.destinations.egress.blocked import Row
from formlane.destinations.egress.guard import AddrInfo
from formlane.destinations.http import Answer, Failure, HttpClients, NetworkFault

PORT = 8443
"""The port written in the corpus; a web port that the policy allows."""


@dataclass
class Canary:
    """A listener that counts who comes."""

    port: int = 0
    visits: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        await reader.readline()
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    canary = Canary()
    async with await asyncio.start_server(canary.meet, "127.0.0.1", 0) as server:
        canary.port = server.sockets[0].getsockname()[1]
        yield canary


class ToCanary(socket.socket):
    """A socket that connects to the canary, whatever it is told."""

    canary: tuple[str, int]

    def connect(self, address: object) -> None:
        super().connect(self.canary)


class Wired(Guard):
    """The guard, with every socket that passes it led to the canary."""

    def __init__(self, canary: Canary, *answers: str, rebound: bool = False) -> None:
        self.canary = canary
        self.answers = [ipaddress.ip_address(text) for text in answers]
        self.rebound = rebound
        super().__init__(lookup=self.answer)

    async def answer(self, name: str) -> list[Address]:
        if not self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if self.rebound and len(self.answers) > 1:
            return [self.answers.pop(0)]
        return list(self.answers)

    def socket_for(self, info: AddrInfo, low_ports: frozenset[int]) -> socket.socket:
        super().socket_for(info, low_ports).close()
        return self.led(info)

    def led(self, info: AddrInfo) -> socket.socket:
        sock = ToCanary(socket.AF_INET, socket.SOCK_STREAM)
        sock.canary = ("127.0.0.1", self.canary.port)
        return sock


class Unguarded(Wired):
    """The control: the same wires without the guard."""

    def permits(self, address: Address, port: int) -> bool:
        return True

    async def resolve(self, host: str, port: int) -> list[Address]:
        return await self.answer(host)

    def socket_for(self, info: AddrInfo, low_ports: frozenset[int]) -> socket.socket:
        return self.led(info)


def spellings4(address: ipaddress.IPv4Address) -> Iterator[str]:
    """One IPv4 address in the notations that some resolver, parser or network reads as it."""
    number, parts = int(address), str(address).split(".")
    a, b, c, d = (int(part) for part in parts)
    yield str(address)
    yield f"{address}."
    yield f"{number}"
    yield f"0x{number:08x}"
    yield f"0{number:o}"
    yield ".".join(f"0x{int(part):x}" for part in parts)
    yield ".".join(f"0{int(part):03o}" for part in parts)
    yield ".".join(f"{int(part):03d}" for part in parts)
    yield f"{a}.{(b << 16) | (c << 8) | d}"
    yield f"0x{a:x}.{b}.{(c << 8) | d}"
    yield "".join(chr(0xFF10 + int(mark)) if mark.isdigit() else mark for mark in str(address))
    yield str(address).replace(".", "。")
    yield str(address).replace("1", "①").replace("2", "②").replace("9", "⑨")
    yield "%3" + "%3".join(str(address)[:1]) + str(address)[1:]
    for prefix in ("::ffff:", "::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::"):
        yield f"[{prefix}{address}]"
    yield f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]"
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"
    yield f"[2001:0:{number >> 16:x}:{number & 0xFFFF:x}::{number ^ 0xFFFFFFFF:x}]".replace("::f", ":0:0:f")


def spellings6(address: ipaddress.IPv6Address) -> Iterator[str]:
    yield f"[{address}]"
    yield f"[{address.exploded}]"
    yield f"[{address.exploded.upper()}]"
    yield f"[{address}%25eth0]"


def corpus() -> list[str]:
    hosts: list[str] = []
    for row in BLOCKED:
        for address in {row.network[0], row.network[-1], row.network[row.network.num_addresses // 2]}:
            if isinstance(address, ipaddress.IPv4Address):
                hosts += spellings4(address)
            else:
                hosts += spellings6(address)
    hosts += [
        *spellings4(ipaddress.IPv4Address("127.0.0.1")),
        *spellings4(ipaddress.IPv4Address("169.254.169.254")),
    ]
    hosts += [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "metadata.google.internal",
        "x.local",
        "db",
    ]
    return [f"{scheme}://{host}:{PORT}/hook" for host in dict.fromkeys(hosts) for scheme in ("https", "http")]


async def visits_of(guard: Guard, texts: list[str]) -> list[Answer | Failure | None]:
    """Each text sent past the check at save, straight to the client; None if no URL can be made of it."""
    clients = HttpClients(guard)
    client = await clients.client("account")
    results: list[Answer | Failure | None] = []
    for text in texts:
        try:
            results.append(await client.request("POST", URL(text), body=b"{}", timeout=5))
        except ValueError:
            results.append(None)
    await clients.close()
    return results


def redirect(status: int, location: str) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n"
    return f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


def test_the_corpus_is_large() -> None:
    assert len(corpus()) >= 1000


def test_the_corpus_is_refused_at_save() -> None:
    guard = Guard()
    for text in corpus():
        with pytest.raises(AddressRefused):
            guard.check_url(text, allow_http=True)


async def test_nothing_of_the_corpus_reaches_the_canary(canary: Canary) -> None:
    # names get an answer that is bad as well, so that every entry gets as far as it can
    results = await visits_of(Wired(canary, "127.0.0.1"), corpus())
    faults = [result.fault for result in results if isinstance(result, Failure)]
    assert canary.visits == 0
    assert set(faults) == {NetworkFault.ADDRESS_NOT_ALLOWED}
    assert len(faults) + results.count(None) == len(results)


async def test_control_without_the_guard_the_corpus_reaches_the_canary(canary: Canary) -> None:
    texts = [text for text in corpus() if text.startswith("http:")]
    await visits_of(Unguarded(canary, "127.0.0.1"), texts)
    assert canary.visits >= 400


async def test_control_a_public_address_passes_the_guard(canary: Canary) -> None:
    results = await visits_of(Wired(canary, "8.8.8.8"), ["http://hooks.example.com/", "http://1.1.1.1:8443/"])
    assert [type(result) for result in results] == [Answer, Answer]
    assert canary.visits == 2


@pytest.mark.parametrize("row", BLOCKED, ids=lambda row: str(row.network))
async def test_a_name_that_turns_bad_after_the_check_is_refused(canary: Canary, row: Row) -> None:
    network = row.network
    guard = Wired(canary, "8.8.8.8", str(network[1 if network.num_addresses > 1 else 0]), rebound=True)
    assert [str(found) for found in await guard.resolve("hooks.example.com", 443)] == ["8.8.8.8"]
    (result,) = await visits_of(guard, ["http://hooks.example.com/"])
    assert isinstance(result, Failure)
    assert result.fault is NetworkFault.ADDRESS_NOT_ALLOWED
    assert not result.may_have_arrived
    assert canary.visits == 0


async def test_a_port_that_is_not_for_the_web_is_not_dialled(canary: Canary) -> None:
    results = await visits_of(
        Wired(canary, "8.8.8.8"), [f"http://hooks.example.com:{port}/" for port in (22, 25, 5432, 6379)]
    )
    assert {result.fault for result in results if isinstance(result, Failure)} == {
        NetworkFault.ADDRESS_NOT_ALLOWED
    }
    assert canary.visits == 0


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
async def test_a_redirect_inside_is_not_followed(canary: Canary, status: int) -> None:
    inside = f"http://127.0.0.1:{canary.port}/admin"
    outside = Canary(answer=redirect(status, inside))
    async with await asyncio.start_server(outside.meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        clients = HttpClients(Guard(allow=[("127.0.0.1", port)]))
        answer = await (await clients.client("a")).request(
            "POST", f"http://127.0.0.1:{port}/", body=b"{}", timeout=5
        )
        await clients.close()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["location"]) == (status, inside)
    assert (outside.visits, canary.visits) == (1, 0)


async def test_control_a_client_that_follows_redirects_reaches_the_canary(canary: Canary) -> None:
    inside = f"http://127.0.0.1:{canary.port}/admin"
    outside = Canary(answer=redirect(302, inside))
    async with await asyncio.start_server(outside.meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 200
    assert canary.visits == 1


async def test_proxies_of_the_environment_are_not_used(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    guard = Guard(lookup=Wired(canary).answer)
    results = await visits_of(guard, ["http://nowhere.example.com/"])
    assert [result.fault for result in results if isinstance(result, Failure)] == [
        NetworkFault.DNS_LOOKUP_FAILED
    ]
    assert canary.visits == 0


async def test_the_system_answers_a_name_once_for_all_who_ask() -> None:
    lookup = SystemLookup()
    answers = await asyncio.gather(*(lookup("localhost") for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert ipaddress.ip_address("127.0.0.1") in answers[0]
    guard = Guard(lookup=lookup)
    with pytest.raises(AddressRefused):
        await guard.resolve("localhost", 443)
    guard.close()
    with pytest.raises(RuntimeError):
        await lookup("localhost")


async def test_sftp_tries_the_addresses_of_a_host_in_turn(canary: Canary) -> None:
    listed = [("127.0.0.2", canary.port), ("127.0.0.1", canary.port)]
    guard = Guard(listed, lookup=Wired(canary, "127.0.0.2", "127.0.0.1").answer)
    with await connected_socket(guard, "sftp.example.com", canary.port, timeout=5) as sock:
        assert sock.getpeername() == ("127.0.0.1", canary.port)
    nowhere = Guard(listed, lookup=Wired(canary, "127.0.0.2").answer)
    with pytest.raises(ConnectionRefusedError):
        await connected_socket(nowhere, "sftp.example.com", canary.port, timeout=5)


async def test_sftp_dials_through_the_same_guard(canary: Canary) -> None:
    for host in (
        "127.0.0.1",
        "::1",
        "0x7f.1",
        "169.254.169.254",
        "sftp.example.com",
        "[::1]",
        "fe80::1%eth0",
    ):
        with pytest.raises(AddressRefused, match="address not allowed"):
            await connected_socket(Wired(canary, "127.0.0.1"), host, 22, timeout=5)
    for port in (25, 443, 5432):
        with pytest.raises(AddressRefused):
            await connected_socket(Wired(canary, "8.8.8.8"), "sftp.example.com", port, timeout=5)
    assert canary.visits == 0
    with await connected_socket(Wired(canary, "8.8.8.8"), "sftp.example.com", 22, timeout=5) as sock:
        assert sock.getpeername() == ("127.0.0.1", canary.port)
    listed = Guard(allow=[("127.0.0.1", canary.port)])
    with await connected_socket(listed, "127.0.0.1", canary.port, timeout=5) as sock:
        assert sock.getpeername() == ("127.0.0.1", canary.port)
