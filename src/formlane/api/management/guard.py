"""Reads and checks JSON bodies before FastAPI sees them: bounded, UTF-8, no surprises inside."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formlane.api.headers import read_headers
from formlane.api.problems import Refused
from formlane.api.push.body import Body, Budget
from formlane.api.push.decoding import MOST_VALUES, check_nesting, load_json

LARGEST_BODY = 2 * 1024 * 1024
"""A flow of a thousand mapping lines has some 300 kB."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class JsonBodies:
    """Hands on requests whose body is absent or JSON that is safe to keep."""

    def __init__(self, app: ASGIApp, *, budget_bytes: int) -> None:
        self._app = app
        self._budget = Budget(budget_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `Refused` for a body that cannot be taken."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = read_headers(scope)
        body = Body(self._budget, LARGEST_BODY)
        try:
            raw = await body.read(receive, announced=headers.announced, encoding=headers.encoding)
            if raw:
                _check(raw, headers.content_type)
            await self._app(scope, _again(raw), send)
        finally:
            body.release()


def _check(raw: bytes, content_type: str | None) -> None:
    name = (content_type or "").partition(";")[0].strip().lower()
    if name != "application/json":
        raise Refused(
            "unsupported_media_type", "Send application/json.", headers={"accept": "application/json"}
        )
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MOST_VALUES // 10:
        raise Refused("too_large", f"The body holds more than {MOST_VALUES // 10:,} values.")
    value = load_json(raw)
    check_nesting([value])
    if b"\\u0000" in raw and _holds_nul(value):
        raise Refused("invalid_input", "A text holds the character U+0000, which cannot be kept.")


def _holds_nul(value: object) -> bool:
    """Whether a text or a name in it has U+0000, which PostgreSQL's jsonb refuses."""
    match value:
        case str():
            return "\0" in value
        case dict():
            return any("\0" in key or _holds_nul(item) for key, item in value.items())
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def _again(raw: bytes) -> Receive:
    """The body once more, then nothing until the client leaves."""
    messages: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
