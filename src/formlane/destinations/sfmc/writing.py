"""Writing rows: few at once and answered at once, many as a job, whichever the call asks for.

Upserts and inserts by a tracking key are written by primary key, so that the same request again changes
nothing. Only a plain insert is not: it always is a job, since the synchronous call knows no insert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from formlane.destinations.base import Call, CallResult, Equipment, Exchange
from formlane.destinations.http import Answer, Failure, NetworkFault
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected
from formlane.domain.types import Json

from .answers import exchange_with, trouble_outcome
from .client import Reply, SfmcClient
from .config import SfmcSettings
from .rows import Rows, delivered, encode, keys_of, outcomes_of, rows_of
from .schema import Describer, Extension

ROWSET_BYTES: Final = 4_000_000
"""Of a synchronous call's body ("Intro to Marketing Cloud APIs": 4 MB)."""

LARGE_BODY: Final = 1024 * 1024
"""Bytes from which on a connection that is reset may mean that the body was too large."""

TOO_LARGE: Final = Rejected(
    reason=Reason.TOO_LARGE,
    message="The record is larger than Marketing Cloud takes. Shorten it, then replay.",
)


class RowWriter:
    """Writes rows of one account; jobs are in `jobs.JobWriter`."""

    def __init__(
        self, client: SfmcClient, describer: Describer, settings: SfmcSettings, equipment: Equipment
    ) -> None:
        self.client = client
        self.describer = describer
        self.settings = settings
        self.clock = equipment.clock

    async def prepare(self, call: Call) -> Rows | Blocked | Deferred:
        """The rows of a call by the description at hand; by a new one before it is said that none fit."""
        extension = await self.describer.get(call.object)
        if not isinstance(extension, Extension):
            return extension
        rows = rows_of(call, extension, self.settings)
        return rows if isinstance(rows, Rows) else await self.prepare_anew(call)

    async def prepare_anew(self, call: Call) -> Rows | Blocked | Deferred:
        """The rows of a call by what the data extension is now."""
        extension = await self.describer.ask(call.object)
        return rows_of(call, extension, self.settings) if isinstance(extension, Extension) else extension

    def is_small(self, call: Call, rows: Rows) -> bool:
        """Whether the rows go at once. Each needs a column besides its key for that."""
        return (
            bool(rows.keys)
            and not call.bulk
            and len(rows.rows) <= self.settings.rows_per_call
            and min(map(len, rows.rows)) > len(rows.keys)
        )

    async def send_rowset(self, call: Call, rows: Rows) -> CallResult:
        """One synchronous upsert. Its answer holds for all rows together."""
        body = encode(rows, lambda whole: _as_rowset(whole, rows.keys))
        if not rows.rows:
            return CallResult(outcomes=outcomes_of(call, rows.left, ()))
        path = f"hub/v1/dataevents/{key_path(call.object)}/rowset"
        line = f"POST /{path} ({len(rows.rows)} rows, {len(body)} bytes)"
        if len(body) > ROWSET_BYTES:
            return too_large(call, line)
        reply = await self.client.rest("POST", path, body)
        if isinstance(reply, Answer) and 200 <= reply.status < 300 and _is_echo(reply.body):
            return CallResult(
                outcomes=outcomes_of(call, rows.left, delivered(call, rows.positions)),
                exchange=self.exchange(line, reply),
            )
        return await self.refused(call, line, reply, body)

    async def refused(self, call: Call, line: str, reply: Reply, body: bytes) -> CallResult:
        """What a request that did not succeed means for every record of its call."""
        size = len(call.records)
        exchange = self.exchange(line, reply)
        if _is_broken_off(reply, body) and size > 1 and call_is_repeatable(call):
            return CallResult.whole(TOO_LARGE, size, exchange=exchange, bisect=True)
        outcome, bisect = trouble_outcome(
            reply, secret=self.settings.client_secret, now=self.clock.now(), attempt=call.attempt
        )
        if isinstance(outcome, Rejected) and size == 1:
            outcome = await self.confirmed(call, outcome)
        elif isinstance(outcome, Blocked):
            self.describer.forget(call.object)
        return CallResult.whole(outcome, size, exchange=exchange, bisect=bisect and size > 1)

    async def confirmed(self, call: Call, outcome: Outcome) -> Outcome:
        """The rejection of a record, unless it is the data extension that has changed."""
        rows = await self.prepare_anew(call)
        return outcome if isinstance(rows, Rows) else rows

    def exchange(self, line: str, reply: Reply) -> Exchange:
        """The redacted trace of a request, or of why none was made."""
        return exchange_with(line, reply, self.settings.client_secret)


def key_path(key: str) -> str:
    """A data extension in a path, by its customer key."""
    return f"key:{quote(key, safe='')}"


def call_is_repeatable(call: Call) -> bool:
    """Whether the call's rows are written by primary key, so that the same again changes nothing."""
    return bool(keys_of(call))


def too_large(call: Call, line: str) -> CallResult:
    """A body that is not sent."""
    size = len(call.records)
    return CallResult.whole(TOO_LARGE, size, exchange=Exchange(request=line), bisect=size > 1)


def _as_rowset(rows: Sequence[Mapping[str, Json]], keys: Sequence[str]) -> Json:
    if len(keys) > 1:
        return [_parted(row, keys) for row in rows]
    key = keys[0]
    values = [dict(row) for row in rows]
    return [{"keys": {key: row.pop(key)}, "values": row} for row in values]


def _parted(row: Mapping[str, Json], keys: Sequence[str]) -> Json:
    rest = {name: value for name, value in row.items() if name not in keys}
    return {"keys": {name: row[name] for name in keys}, "values": rest}


def _is_echo(body: bytes) -> bool:
    """Whether the body of a success is the vendor's: the rows again, or nothing."""
    return body[:1] == b"[" or body.strip() in (b"", b'""')


def _is_broken_off(reply: Reply, body: bytes) -> bool:
    return isinstance(reply, Failure) and reply.fault is NetworkFault.RESET and len(body) >= LARGE_BODY
