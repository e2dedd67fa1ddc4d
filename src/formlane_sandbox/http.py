"""Base of every simulator that speaks HTTP: the simulated system, its faults, its control API, its page."""

from __future__ import annotations

import ssl
from abc import abstractmethod
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from formlane_sandbox.clock import Clock
from formlane_sandbox.control import Controlled, control_app, own_request
from formlane_sandbox.faults import Faults
from formlane_sandbox.misbehave import misbehave
from formlane_sandbox.server import Listener


class HttpSimulator(Controlled):
    """Routes requests: `/` and `/_control` to the sandbox, all else through the faults to the system.

    A simulator of a vendor gives `system` (any ASGI application) and the methods of its control API.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.url = ""
        self._control: ASGIApp = control_app(self)
        self._listener = Listener(self, clock=self.clock)

    @property
    @abstractmethod
    def system(self) -> ASGIApp:
        """The simulated system."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """URLs it listens on, by word; empty before the start."""
        return {"http": self.url} if self.url else {}

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on `port` (0: a free one); `url` says where."""
        taken = await self._listener.start(host, port, tls=tls)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{taken}"

    async def stop(self) -> None:
        """Break connections and stop listening; harmless when not started."""
        await self._listener.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        path: str = scope["path"]
        if own_request(path):
            await self._control(scope, receive, send)
            return
        fault = self.faults.take(scope["method"], path) if self.faults else None
        if fault is None:
            await self.system(scope, receive, send)
        else:
            await misbehave(fault, self.system, scope, receive, send, clock=self.clock)
