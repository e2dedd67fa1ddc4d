"""The HTTP client of the destinations: one pool per account, one attempt per call, answers as values.

Cookies are never kept, redirects never followed, compressed answers never unpacked, the environment's
proxies never used. The whole exchange has one deadline, so a server that drips bytes is cut as well.
Whatever the network does wrong is translated here, once, into a word and a single question's answer:
may the request have arrived?
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.http_exceptions import LineTooLong
from yarl import URL

from formlane.destinations.egress import CheckedUrl, Guard, GuardedResolver, socket_factory
from formlane.errors import AddressNotAllowed

RESPONSE_LIMIT: Final = 64 * 1024
"""Bytes of a body that are read before the connection is closed, unless the caller says otherwise."""

HEADER_LIMIT: Final = 32 * 1024
"""Bytes of all header fields of an answer together."""

HEADER_LINE_LIMIT: Final = 16 * 1024
"""Bytes of one header field, or of the status line."""

CONNECT_SECONDS: Final = 10.0
"""Longest wait for a place in the pool, name, connection and TLS handshake together."""

IDLE_SECONDS: Final = 15.0
"""How long an unused connection stays open."""

POOL_SIZE: Final = 64
"""Connections of one account."""

LARGE_BODY: Final = 1024 * 1024
"""Bytes from which on a request's body is written in pieces."""

OPEN_CLIENTS: Final = 512
"""Pools kept per process."""


class NetworkFault(StrEnum):
    """What went wrong below HTTP. Closed list."""

    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    DNS_LOOKUP_FAILED = "dns_lookup_failed"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    CONNECTION_TIMEOUT = "connection_timeout"
    TLS_INVALID = "tls_invalid"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    RESET = "reset"
    PROTOCOL_ERROR = "protocol_error"
    RESPONSE_TOO_LARGE = "response_too_large"


TEXTS: Final[Mapping[NetworkFault, str]] = {
    NetworkFault.ADDRESS_NOT_ALLOWED: "address not allowed",
    NetworkFault.DNS_LOOKUP_FAILED: "the host name has no address",
    NetworkFault.CONNECTION_REFUSED: "the server refused the connection",
    NetworkFault.UNREACHABLE: "the server cannot be reached",
    NetworkFault.CONNECTION_TIMEOUT: "the server did not accept the connection in time",
    NetworkFault.TLS_INVALID: "the server's certificate is not valid for this host",
    NetworkFault.TLS_FAILED: "no TLS connection could be agreed on",
    NetworkFault.TIMED_OUT: "no complete answer in time",
    NetworkFault.RESET: "the connection was closed before a complete answer",
    NetworkFault.PROTOCOL_ERROR: "the answer is not correct HTTP",
    NetworkFault.RESPONSE_TOO_LARGE: "the header of the answer is too large",
}
"""What a person reads. Names no address, so nobody can map a network with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer. Header names are looked up without regard to case.

    `truncated`: the body went on beyond the limit, and the connection was closed. `elapsed` in seconds.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No complete answer. `status` is set when at least its first line came.

    `may_have_arrived` is False only when it is certain that no byte of the request was written.
    `elapsed` in seconds, in steps of 0.1: finer would tell closed from forbidden ports.
    """

    fault: NetworkFault
    may_have_arrived: bool
    text: str
    elapsed: float
    status: int | None = None

    @property
    def sentence(self) -> str:
        """The text with a capital and a full stop."""
        return f"{self.text[:1].upper()}{self.text[1:]}."


class HttpClient:
    """The pool of one account. Made by `HttpClients`."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext) -> None:
        self.busy = 0
        connector = aiohttp.TCPConnector(
            limit=POOL_SIZE,
            ssl=tls,
            resolver=GuardedResolver(guard),
            use_dns_cache=False,
            socket_factory=socket_factory(guard),
            keepalive_timeout=IDLE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            max_line_size=HEADER_LINE_LIMIT,
            max_field_size=HEADER_LINE_LIMIT,
            skip_auto_headers=("Content-Type", "User-Agent"),
            headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Formlane"},
            middlewares=(_once,),
            trace_configs=[_WRITES],
        )

    async def request(
        self,
        method: str,
        url: CheckedUrl | URL | str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float,  # noqa: ASYNC109 - also divides into connecting and the rest
        limit_bytes: int = RESPONSE_LIMIT,
    ) -> Answer | Failure:
        """One attempt, sent at most once. Cancelling it closes the connection.

        `timeout` in seconds bounds everything up to the last byte of the answer. Headers and body go
        out as given.
        """
        trail = _Trail()
        started = asyncio.get_running_loop().time()
        self.busy += 1
        try:
            async with asyncio.timeout(timeout):
                return await self._exchange(
                    method,
                    url.url if isinstance(url, CheckedUrl) else URL(url),
                    trail,
                    headers=headers,
                    body=body,
                    connect=min(CONNECT_SECONDS, timeout),
                    limit_bytes=limit_bytes,
                    started=started,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = _fault(error, trail)
            return Failure(
                fault=fault,
                may_have_arrived=trail.written,
                text=TEXTS[fault],
                elapsed=_coarse(asyncio.get_running_loop().time() - started),
                status=trail.status,
            )
        finally:
            self.busy -= 1

    async def close(self) -> None:
        """Closes the pool and all its connections."""
        await self._session.close()

    async def _exchange(
        self,
        method: str,
        url: URL,
        trail: _Trail,
        *,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        connect: float,
        limit_bytes: int,
        started: float,
    ) -> Answer:
        async with self._session.request(
            method,
            url,
            headers=headers,
            data=_payload(body),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=connect),
            trace_request_ctx=trail,
        ) as response:
            trail.status = response.status
            if sum(len(name) + len(value) for name, value in response.raw_headers) > HEADER_LIMIT:
                response.close()
                raise _HeaderTooLarge
            content, truncated = await _read(response, limit_bytes)
            return Answer(
                status=response.status,
                headers=response.headers,
                body=content,
                truncated=truncated,
                elapsed=asyncio.get_running_loop().time() - started,
            )


class HttpClients:
    """All pools of a process, one per account, so that nothing is shared between tenants.

    `tls` replaces the system's trust store; certificates and host names are always checked. Of more
    than `most` pools the one that was unused for longest is closed.
    """

    def __init__(self, guard: Guard, *, tls: ssl.SSLContext | None = None, most: int = OPEN_CLIENTS) -> None:
        self._guard = guard
        self._most = most
        self._tls = tls or _trust()
        self._clients: dict[str, HttpClient] = {}

    async def client(self, account: str) -> HttpClient:
        """The account's pool, opened if need be; the least recently used idle one may be closed for it."""
        client = self._clients.pop(account, None) or HttpClient(self._guard, self._tls)
        self._clients[account] = client
        if len(self._clients) > self._most:
            await self._close_idle(account)
        return client

    async def forget(self, account: str) -> None:
        """Closes the pool of an account, say after its secret changed."""
        client = self._clients.pop(account, None)
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Closes all pools."""
        for account in list(self._clients):
            await self.forget(account)

    async def _close_idle(self, keep: str) -> None:
        idle = next((name for name, one in self._clients.items() if not one.busy and name != keep), None)
        if idle is not None:
            await self.forget(idle)


@dataclass(slots=True)
class _Trail:
    """How far one request came."""

    written: bool = False
    status: int | None = None


class _HeaderTooLarge(aiohttp.ClientError):
    pass


class _Broken(aiohttp.ClientError):
    """A connection broke under a request. Hides the cause from the library, which would send again."""


async def _once(request: aiohttp.ClientRequest, send: ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken from error


async def _mark_written(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.written = True


_WRITES = aiohttp.TraceConfig()
_WRITES.on_request_headers_sent.append(_mark_written)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body is handed over as a file, which the library writes in pieces between other work."""
    return body if body is None or len(body) <= LARGE_BODY else io.BytesIO(body)


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """The body up to the limit, and whether it went on; then the connection is closed, not drained."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            response.close()
            return b"".join(parts)[:limit], True
    return b"".join(parts), False


def _fault(error: Exception, trail: _Trail) -> NetworkFault:
    """The word for an exception. Order matters: the library's classes inherit from one another."""
    if _is_from(error, AddressNotAllowed, aiohttp.InvalidURL):
        return NetworkFault.ADDRESS_NOT_ALLOWED
    if isinstance(error, TimeoutError):
        return NetworkFault.TIMED_OUT if trail.written else NetworkFault.CONNECTION_TIMEOUT
    if _is_from(error, _HeaderTooLarge, LineTooLong):
        return NetworkFault.RESPONSE_TOO_LARGE
    if not trail.written:
        return _connect_fault(error)
    if isinstance(error, aiohttp.ClientResponseError):
        return NetworkFault.PROTOCOL_ERROR
    return NetworkFault.RESET


def _is_from(error: BaseException | None, *kinds: type[Exception]) -> bool:
    """Whether the exception, or one that it was raised from, is of these kinds."""
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = error.__cause__ or error.__context__
    return False


def _connect_fault(error: Exception) -> NetworkFault:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NetworkFault.DNS_LOOKUP_FAILED
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NetworkFault.TLS_INVALID
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return NetworkFault.TLS_FAILED
    cause = getattr(error, "os_error", error.__cause__ or error)
    if isinstance(cause, ConnectionRefusedError):
        return NetworkFault.CONNECTION_REFUSED
    if isinstance(cause, ConnectionResetError):
        return NetworkFault.TLS_FAILED
    return NetworkFault.UNREACHABLE


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _coarse(seconds: float) -> float:
    """Rounded up to tenths."""
    return -(-seconds * 10 // 1) / 10
