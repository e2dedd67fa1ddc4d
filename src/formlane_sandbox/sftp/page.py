"""The page of the SFTP server: which files arrived, what clients did, buttons to be odd."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from formlane_sandbox.pages import page
from formlane_sandbox.pages.buttons import press_route
from formlane_sandbox.sftp.behaviour import Behaviour
from formlane_sandbox.sftp.events import Events
from formlane_sandbox.sftp.files import Disk
from formlane_sandbox.sftp.listing import Stored

_FILES, _EVENTS = 50, 50
_PREVIEW = 4_000
_BUTTONS = {
    "good": ("Be a good server", Behaviour()),
    "no-posix-rename": ("No posix-rename", Behaviour(posix_rename=False)),
    "no-rename": ("Refuse every rename", Behaviour(rename=False)),
    "no-fsync": ("No fsync", Behaviour(fsync=False)),
    "read-only": ("Read only", Behaviour(read_only=True)),
    "full": ("Disk full", Behaviour(full_after=0)),
    "slow": ("One second per request", Behaviour(delay=1.0)),
}


class _Shown(Protocol):
    disk: Disk
    events: Events
    host: str
    port: int

    @property
    def fingerprint(self) -> str: ...

    def files(self) -> list[Stored]: ...

    def behave(self, behaviour: Behaviour) -> None: ...


def page_routes(simulator: _Shown) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""

    async def show(request: Request) -> Response:
        files = sorted(simulator.files(), key=lambda file: file.time, reverse=True)
        return page(
            request,
            "sftp.html",
            host=simulator.host,
            port=simulator.port,
            fingerprint=simulator.fingerprint,
            behaviour=_described(simulator.disk.behaviour),
            choices=[(key, label) for key, (label, _) in _BUTTONS.items()],
            count=len(files),
            files=[_file(file) for file in files[:_FILES]],
            events=[_event(event.document()) for event in simulator.events.latest(_EVENTS)],
        )

    behaviours = {name: partial(simulator.behave, known) for name, (_, known) in _BUTTONS.items()}
    return (Route("/", show), press_route(behaviours))


def _described(behaviour: Behaviour) -> str:
    for label, known in _BUTTONS.values():
        if known == behaviour:
            return "" if known == Behaviour() else label
    return msgspec.json.encode(behaviour).decode()


def _file(stored: Stored) -> dict[str, object]:
    return {
        "path": stored.name,
        "size": stored.size,
        "time": stored.time.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
        "start": stored.start(_PREVIEW).decode(errors="replace"),
        "cut": stored.size > _PREVIEW,
    }


def _event(fields: dict[str, object]) -> dict[str, object]:
    return {**fields, "time": str(fields["time"]).replace("T", " ")[:19]}
