"""What surrounds every answer: request id, security headers, metrics, a line in the log, and a net.

Wraps `send` alone; bodies pass untouched.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from functools import lru_cache

import structlog
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formlane.api.problems import http_problem, problem, problem_of
from formlane.api.push.body import Disconnected
from formlane.errors import FormlaneError
from formlane.telemetry.metrics import REQUESTS

SLOW_SECONDS = 5.0
"""An answer that took longer has a line in the log, also when all went well."""

Headers = Sequence[tuple[bytes, bytes]]

_SECURITY: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_API = "/v1/"

_log = structlog.get_logger()
_process = os.urandom(6).hex()
_numbers = itertools.count(1)


class Envelope:
    """The outermost application."""

    def __init__(self, app: ASGIApp, *, base_url: str, secure: bool) -> None:
        self._app = app
        self._base_url = base_url
        self._security = (*_SECURITY, _STRICT_TRANSPORT) if secure else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; whatever escapes the application becomes a problem document."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._security)
        scope["app"] = self  # makes Starlette raise where it would answer in plain text
        scope["state"] = {"request_id": answer.request_id, "base_url": self._base_url}
        structlog.contextvars.bind_contextvars(request_id=answer.request_id)
        try:
            await self._app(scope, receive, answer.send)
        except Disconnected:
            return
        except HTTPException as error:
            await http_problem(error, scope)(scope, receive, answer.send)
        except FormlaneError as error:
            if not answer.status:
                await problem_of(error, scope)(scope, receive, answer.send)
        except Exception:  # noqa: BLE001 - the top: whatever it was, the client gets an answer
            _log.exception("A request failed.", method=scope["method"], route=answer.route())
            if not answer.status:
                detail = "Something went wrong on our side; it was noted."
                await problem("internal_error", detail, scope)(scope, receive, answer.send)
        answer.record()


class _Answer:
    """One answer on its way out; `status` is 0 until it starts."""

    __slots__ = ("_began", "_scope", "_security", "_send", "request_id", "status")

    def __init__(self, scope: Scope, send: Send, security: Headers) -> None:
        self._scope = scope
        self._send = send
        self._security = security
        self._began = time.monotonic()
        self.request_id = f"req_{_process}{next(_numbers):012x}"
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *self._security]
            headers.append((b"x-request-id", self.request_id.encode()))
            if self._scope["path"].startswith(_API) or not _has_policy(headers):
                headers.append(_POLICY)
            message["headers"] = headers
        await self._send(message)

    def route(self) -> str:
        """The route's pattern, never the path itself."""
        route = self._scope.get("route")
        return str(getattr(route, "path", "other"))

    def record(self) -> None:
        """Counts the answer, and notes it unless it was an ordinary success."""
        route, status = self.route(), self.status
        _counter(route, status).inc()
        seconds = time.monotonic() - self._began
        if status >= 400 or seconds > SLOW_SECONDS:
            _log.info(
                "Request answered.",
                method=self._scope["method"],
                route=route,
                status=status,
                milliseconds=round(seconds * 1000),
            )


@lru_cache(maxsize=1024)
def _counter(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, status)


def _has_policy(headers: Headers) -> bool:
    return any(name == b"content-security-policy" for name, _ in headers)
