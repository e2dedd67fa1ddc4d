"""Calls an ASGI application in the same process, with full say over bytes and their timing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} came twice"
        return found[0] if found else None

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    body: bytes | Sequence[bytes] = b"",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    disconnect: bool = False,
) -> Answer:
    """One request; a list of chunks comes one by one, `disconnect` instead of the last."""
    chunks = [body] if isinstance(body, bytes) else list(body)
    parts = urlsplit(path)
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        if not chunks or (disconnect and len(chunks) == 1):
            return {"type": "http.disconnect"}
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Answer(0, [], b"")
    start = sent[0]
    assert start["type"] == "http.response.start"
    return Answer(
        start["status"],
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


async def call_json(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    key: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A request to the management API with a key; `body` None sends none."""
    given = {"authorization": f"Bearer {key}", **(headers or {})}
    if body is None:
        return await call(app, method, path, headers=given)
    given.setdefault("content-type", "application/json")
    return await call(app, method, path, body=json.dumps(body).encode(), headers=given)
