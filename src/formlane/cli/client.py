"""The HTTP API as commands use it: an address, a key, JSON in and out, faults in plain words."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar, cast

import aiohttp
import orjson
import typer
from yarl import URL

from formlane.cli.faults import ServerRefused
from formlane.cli.output import warn
from formlane.destinations.retry_after import read_retry_after
from formlane.domain.types import Json
from formlane.errors import ConfigurationError, Problem, Unavailable

Answer = TypeVar("Answer")

DEFAULT_URL: Final = "http://127.0.0.1:8080"
SECONDS: Final = 60.0
"""Time limit of one request."""

LARGEST_PAGE: Final = 200

Url = Annotated[str, typer.Option(help="Address of the installation.", envvar="FORMLANE_URL")]
Key = Annotated[
    str,
    typer.Option(
        help="API key. Better in the environment: other users can see what a command was given.",
        envvar="FORMLANE_API_KEY",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OnlyId = Annotated[bool, typer.Option("--only-id", help="Print its id alone, for scripts.")]
Limit = Annotated[int, typer.Option(min=1, help="Most entries to list.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A successful answer. `etag` names the revision that was read."""

    body: Json
    etag: str | None = None
    repeated: bool = False


class ApiClient:
    """Requests to one installation with one key. Redirects are not followed: the key stays here."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def get(self, path: str, **query: str | int | None) -> Json:
        """What is at an address below `/v1`."""
        return (await self.request("GET", path, query=query)).body

    async def post(self, path: str, body: Json = None) -> Json:
        """The answer to something sent."""
        return (await self.request("POST", path, body=body)).body

    async def all(self, path: str, *, limit: int, **query: str | int | None) -> list[Json]:
        """Entries of a list, page after page, at most `limit`."""
        found: list[Json] = []
        cursor: str | None = None
        while len(found) < limit:
            size = min(LARGEST_PAGE, limit - len(found))
            page = await self.get(path, limit=size, cursor=cursor, **query)
            assert isinstance(page, Mapping)
            found += cast("list[Json]", page["data"])
            cursor = cast("str | None", page.get("next_cursor"))
            if cursor is None:
                break
        return found

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | bytes = None,
        query: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends one request; bytes go out as they are. Raises `ServerRefused` and `Unavailable`."""
        sent = {"content-type": "application/json"} if body is not None else {}
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        address = URL(f"{self._url}/v1{path}")
        chosen = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            async with self._session.request(
                method,
                address.with_query(chosen) if chosen else address,
                data=data,
                headers={**sent, **(headers or {})},
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        except TimeoutError:
            raise Unavailable(f"{self._url} did not answer within {SECONDS:.0f} seconds.") from None
        except aiohttp.ClientError as failure:
            reason = str(failure) or type(failure).__name__
            raise Unavailable(f"{self._url} cannot be reached: {reason}.") from None
        if response.status >= 300:
            raise _refusal(response, raw)
        return Reply(
            body=_read(raw),
            etag=response.headers.get("etag"),
            repeated=response.headers.get("idempotent-replayed") == "true",
        )


@asynccontextmanager
async def open_client(url: str, key: str) -> AsyncIterator[ApiClient]:
    """A client; raises `ConfigurationError` for an address or a key that cannot be one."""
    _check_address(url)
    key = key.strip()
    if not key:
        raise ConfigurationError("An API key is needed: set FORMLANE_API_KEY, or give --key.")
    if not re.fullmatch(r"[!-~]+", key):
        raise ConfigurationError("What was given as API key is none: a key is one word, as fl_live_….")
    async with aiohttp.ClientSession(
        headers={"authorization": f"Bearer {key}", "user-agent": "formlane-cli"},
        timeout=aiohttp.ClientTimeout(total=SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield ApiClient(session, url)


def ask(url: str, key: str, question: Callable[[ApiClient], Awaitable[Answer]]) -> Answer:
    """Asks the server, for a command."""

    async def asked() -> Answer:
        async with open_client(url, key) as client:
            return await question(client)

    return asyncio.run(asked())


def _check_address(url: str) -> None:
    try:
        address = URL(url)
    except ValueError:
        address = URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ConfigurationError(f"{url!r} is no address such as {DEFAULT_URL}. Set FORMLANE_URL, or --url.")
    if address.scheme == "http" and not _is_here(address.host):
        warn(f"Warning: {address.host} is reached without encryption; the key can be read on the way.")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(raw: bytes) -> Json:
    try:
        return cast(Json, orjson.loads(raw)) if raw else None
    except orjson.JSONDecodeError:
        raise Unavailable("The answer is not JSON. Is the address that of a Formlane installation?") from None


def _refusal(response: aiohttp.ClientResponse, raw: bytes) -> ServerRefused:
    """The fault in an answer, also of a proxy that knows no problem documents."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        document = None
    said = document if isinstance(document, dict) else {}
    wait = read_retry_after(response.headers.get("retry-after"), now=dt.datetime.now(dt.UTC))
    detail = said.get("detail") or said.get("title") or f"The server answered {response.status}."
    return ServerRefused(
        str(detail),
        status=response.status,
        code=str(said.get("code", "")),
        problems=tuple(_problems(said.get("errors"))),
        retryable=said.get("retryable") is True,
        retry_after=None if wait is None else wait.total_seconds(),
    )


def _problems(errors: object) -> list[Problem]:
    listed = errors if isinstance(errors, list) else []
    return [
        Problem(str(one.get("pointer", "")), str(one.get("code", "")), str(one.get("message", "")))
        for one in listed
        if isinstance(one, dict)
    ]
