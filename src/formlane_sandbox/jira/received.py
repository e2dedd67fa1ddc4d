"""A request as it came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.types import Receive, Scope

_BODY_MOST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """`words` are the parts of the path, decoded; `base` is scheme and host; HEAD counts as GET."""

    method: str
    path: str
    words: list[str]
    query: str
    headers: Mapping[bytes, bytes]
    content: bytes
    base: str

    @property
    def authorization(self) -> str:
        """The Authorization header, empty without one."""
        return self.headers.get(b"authorization", b"").decode("latin-1").strip()


def received(scope: Scope, content: bytes) -> Received:
    """The request of an ASGI scope and its body."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    headers = dict(scope["headers"])
    return Received(
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        path=scope["path"],
        words=[unquote(word) for word in raw.partition(b"?")[0].decode("latin-1").split("/") if word],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        content=content,
        base=f"{scope['scheme']}://{headers.get(b'host', b'').decode('latin-1')}",
    )


async def read(receive: Receive) -> bytes | None:
    """The whole body; None if the client left, or sends more than 32 MiB."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > _BODY_MOST:
            return None
        if not message.get("more_body", False):
            return b"".join(pieces)
