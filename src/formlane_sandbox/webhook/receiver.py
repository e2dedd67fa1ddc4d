"""The receiving end: `POST` or `PUT /hook/{name}`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import orjson
from starlette.types import Message, Receive, Scope, Send

from formlane_sandbox.clock import Clock
from formlane_sandbox.webhook.arrivals import Arrival, Arrivals, First
from formlane_sandbox.webhook.bodies import BodyReader, RecordIds, inflated
from formlane_sandbox.webhook.journal import Entry, Journal
from formlane_sandbox.webhook.settings import HookSettings, ReceiverSettings
from formlane_sandbox.webhook.signature import Verdict, Verifier

BODY_MOST = 64 * 1024 * 1024
PREFIX = "/hook/"
_LINES = (b"application/x-ndjson", b"application/jsonl", b"application/x-jsonlines")


class Receiver:
    """Accepts any JSON, checks signatures, knows repeats by their webhook-id, remembers.

    Answers 200 with `{"records": n, "repeat": …}` for what it took, repeats included; 400 for what is not
    JSON, 401 for a bad signature or a missing header, 404, 405, 413. Only a 200 is an effect.
    """

    def __init__(self, settings: ReceiverSettings, *, clock: Clock, journal: Journal | None) -> None:
        self.arrivals = Arrivals(settings.keep)
        self._clock = clock
        self._journal = journal
        self.settings = settings
        self._doors: dict[str, _Door] = {}
        self.configure(settings)

    def configure(self, settings: ReceiverSettings) -> None:
        """Take other settings; ValueError if a key is wrong, then the old ones stay."""
        for hook in (settings.default, *settings.hooks.values()):
            _Door(hook)
        self._doors = {}
        self.arrivals.keep(settings.keep)
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        path: str = scope["path"]
        name = path[len(PREFIX) :]
        if not path.startswith(PREFIX) or not name or "/" in name:
            await _answer(send, 404, {"error": "hooks live at /hook/{name}"})
        elif scope["method"] not in ("POST", "PUT"):
            await _answer(send, 405, {"error": "use POST or PUT"}, (b"allow", b"POST, PUT"))
        else:
            await self._post(name, scope, receive, send)

    async def _post(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read(receive)
        except _GoneError:
            return
        except _TooLargeError:
            await _answer(send, 413, {"error": f"the body is larger than {BODY_MOST} bytes"})
        else:
            await _answer(send, *self.take(name, scope["method"], scope["headers"], body))

    def take(
        self, name: str, method: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, dict[str, object]]:
        """Judge and remember one request; gives status and answer."""
        door = self._doors.get(name)
        if door is None:
            door = self._doors[name] = _Door(self.settings.of(name))
        given = dict(headers)
        arrival = Arrival(
            seq=self.arrivals.next_seq(),
            time=self._clock.time(),
            hook=name,
            method=method,
            status=200,
            signature=Verdict.NOT_CHECKED,
            webhook_id=given.get(b"webhook-id", b"").decode("latin-1"),
            headers=headers,
            body=body,
        )
        ids = self._judge(arrival, door, given)
        if ids is not None:
            self._remember(arrival, ids)
        self.arrivals.add(arrival)
        if ids is None:
            return arrival.status, {"error": arrival.reason}
        return 200, {"records": len(ids), "repeat": arrival.repeat_of is not None}

    def _judge(self, arrival: Arrival, door: _Door, headers: Mapping[bytes, bytes]) -> RecordIds | None:
        """The record ids; or None, with status and reason set, if the request is refused."""
        counts = self.arrivals.hook(arrival.hook).counts
        missing = door.missing(headers)
        if missing is not None:
            arrival.status, arrival.reason = 401, f"header {missing} is missing or wrong"
            return None
        arrival.signature, arrival.reason = door.verifier.verify(headers, arrival.body, now=arrival.time)
        if arrival.signature is Verdict.BAD:
            counts["bad_signatures"] += 1
            arrival.status = 401
            return None
        try:
            return door.record_ids(headers, arrival.body)
        except (msgspec.DecodeError, ValueError) as error:
            counts["bad_bodies"] += 1
            arrival.status, arrival.reason = 400, str(error)
            return None

    def _remember(self, arrival: Arrival, ids: RecordIds) -> None:
        hook = self.arrivals.hook(arrival.hook)
        digest = hashlib.sha256(arrival.body)
        arrival.records = len(ids)
        first = hook.messages.get(arrival.webhook_id) if arrival.webhook_id else None
        if first is None:
            hook.counts["messages"] += 1
            hook.effect(ids)
            if arrival.webhook_id:
                hook.messages[arrival.webhook_id] = First(arrival.seq, digest.digest())
        else:
            arrival.repeat_of, arrival.equal = first.seq, first.digest == digest.digest()
            first.repeats += 1
            first.altered += not arrival.equal
            hook.counts["repeats"] += 1
            hook.counts["altered_repeats"] += not arrival.equal
        if self._journal is not None:
            self._journal.append(
                Entry(
                    time=arrival.time,
                    seq=arrival.seq,
                    hook=arrival.hook,
                    webhook_id=arrival.webhook_id,
                    sha256=digest.hexdigest(),
                    repeat=first is not None,
                    equal=arrival.equal,
                    records=ids,
                    body=arrival.body,
                )
            )


class _GoneError(Exception):
    """The client left before its request was complete."""


class _TooLargeError(Exception):
    """The body is larger than the receiver takes."""


class _Door:
    """The settings of one hook, made ready for use."""

    def __init__(self, settings: HookSettings) -> None:
        self.verifier = Verifier(settings.secrets, settings.public_keys)
        self._reader = BodyReader(settings.record_id)
        self._required = {
            name.lower().encode("latin-1"): value.encode("latin-1")
            for name, value in settings.require_headers.items()
        }

    def missing(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The name of a required header that is absent or has another value."""
        for name, value in self._required.items():
            if headers.get(name) != value:
                return name.decode("latin-1")
        return None

    def record_ids(self, headers: Mapping[bytes, bytes], body: bytes) -> RecordIds:
        if b"content-encoding" in headers and headers[b"content-encoding"].lower() == b"gzip":
            body = inflated(body)
        lines = headers.get(b"content-type", b"").partition(b";")[0].strip().lower() in _LINES
        return self._reader.record_ids(body, lines=lines)


async def _read(receive: Receive) -> bytes:
    """The whole body; _GoneError if the client left before its end, _TooLargeError above BODY_MOST."""
    message: Message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return bytes(message.get("body", b""))
    pieces, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise _GoneError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > BODY_MOST:
            raise _TooLargeError
        if not message.get("more_body", False):
            return b"".join(pieces)
        message = await receive()


async def _answer(send: Send, status: int, document: dict[str, object], *more: tuple[bytes, bytes]) -> None:
    body = orjson.dumps(document)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
