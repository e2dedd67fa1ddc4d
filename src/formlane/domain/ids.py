"""Identifiers: UUIDv7 with the cell of birth inside, and the text forms that leave the system.

Layout (RFC 9562 5.7): 48 bits of Unix milliseconds, version, 12 bits of cell in place of `rand_a`,
variant, 62 bits that start random in each millisecond and grow by a random step within it
(RFC 9562 6.2, method 2). So the ids of one process and cell sort by birth.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from hashlib import sha1
from typing import Final, Literal, NamedTuple, NewType, TypeAlias
from uuid import UUID

from formlane.errors import InvalidInput

TenantId = NewType("TenantId", UUID)
MemberId = NewType("MemberId", UUID)
FormId = NewType("FormId", UUID)
FlowId = NewType("FlowId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
BatchId = NewType("BatchId", UUID)
LaneId = NewType("LaneId", UUID)
RouteId = NewType("RouteId", UUID)
ReplayId = NewType("ReplayId", UUID)
KeyId = NewType("KeyId", UUID)
AttemptId = NewType("AttemptId", UUID)
CallId = NewType("CallId", UUID)

MAX_CELL: Final = 62 * 62 - 1
"""The highest cell an installation may carry: what two base62 characters of a key can say.

The twelve bits of an id would hold 4,095.
"""

IdKind: TypeAlias = Literal[
    "tenant",
    "member",
    "form",
    "flow",
    "connection",
    "batch",
    "route",
    "replay",
    "key",
    "attempt",
    "lane",
]

PREFIXES: Final[dict[IdKind, str]] = {
    "tenant": "ten_",
    "member": "mem_",
    "form": "form_",
    "flow": "flow_",
    "connection": "conn_",
    "batch": "bat_",
    "route": "rte_",
    "replay": "rpl_",
    "key": "key_",
    "attempt": "att_",
    "lane": "lane_",
}
_RECORD_PREFIX: Final = "rec_"

_CELL_BITS: Final = 0xFFF
_TAIL_BITS: Final = 62
_VERSION_AND_VARIANT: Final = (0x7 << 76) | (0b10 << 62)
_HEX: Final = re.compile(r"[0-9a-f]{32}")
_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_LONGEST_ECHO: Final = 60


class RecordId(NamedTuple):
    """A record: its batch and its place there, counted from 0."""

    batch: BatchId
    position: int


class IdSource:
    """Makes ids. Entropy (8 bytes for 8) and clock (Unix milliseconds) can be handed in: a seeded
    simulation then makes the same ids in every run.
    """

    __slots__ = ("_dated", "_entropy", "_live", "_lock", "_now_ms")

    def __init__(
        self, *, entropy: Callable[[int], bytes] = os.urandom, now_ms: Callable[[], int] | None = None
    ) -> None:
        self._entropy = entropy
        self._now_ms = now_ms or _wall_clock_ms
        self._lock = threading.Lock()
        self._live = (-1, 0)
        self._dated = (-1, 0)

    def new_id(self, cell: int, *, at_ms: int | None = None) -> UUID:
        """See `new_id` of this module."""
        if not 0 <= cell <= _CELL_BITS:
            raise ValueError(f"A cell is a number from 0 to {_CELL_BITS}, not {cell}.")
        entropy = int.from_bytes(self._entropy(8), "big")
        with self._lock:
            if at_ms is None:
                now_ms = max(self._now_ms(), self._live[0])
                ms, tail = self._live = _after(self._live, now_ms, entropy)
            else:
                ms, tail = self._dated = _after(self._dated, at_ms, entropy)
        if not 0 <= ms < 1 << 48:
            raise ValueError(f"The time of an id is 48 bits of milliseconds since 1970, not {ms}.")
        return UUID(int=ms << 80 | _VERSION_AND_VARIANT | cell << 64 | tail)


def new_id(cell: int, *, at_ms: int | None = None) -> UUID:
    """A new UUIDv7 born in `cell` (0 to 4095).

    Grows from call to call within a process, also when the clock steps back; with `at_ms` (Unix
    milliseconds) it carries that time and grows among calls that repeat it. Raises ValueError for
    a cell or a time that does not fit.
    """
    return _source.new_id(cell, at_ms=at_ms)


def cell_of(id_: UUID) -> int:
    """The cell where this id was born. Raises ValueError unless it is a UUIDv7."""
    _require_v7(id_)
    return (id_.int >> 64) & _CELL_BITS


def time_of(id_: UUID) -> dt.datetime:
    """When this id was born, in UTC, to the millisecond. Raises ValueError unless it is a UUIDv7."""
    _require_v7(id_)
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=id_.int >> 80)


def call_id(lane: LaneId, step: int, records: Iterable[RecordId]) -> CallId:
    """The id of the call that carries exactly these records, in this order, through this step.

    UUIDv5 with the lane as namespace: the same window cut by the same rules gives the same ids, on
    every worker. Runs of neighbours are hashed as one range, so a call of many records stays cheap.
    """
    name = f"{step}".encode() + b"".join(_ranges(records))
    digest = int.from_bytes(sha1(lane.bytes + name, usedforsecurity=False).digest()[:16], "big")
    return CallId(UUID(int=digest, version=5))


def to_text(kind: IdKind, id_: UUID) -> str:
    """The form in which an id leaves the system, as `flow_0192f0c1…`: prefix and 32 hex digits."""
    return PREFIXES[kind] + id_.hex


def parse_id(kind: IdKind, text: str) -> UUID:
    """The id behind its text form; raises InvalidInput that says what was expected."""
    prefix = PREFIXES[kind]
    digits = text.removeprefix(prefix)
    if not text.startswith(prefix) or not _HEX.fullmatch(digits):
        raise InvalidInput(_not_an_id(kind, text))
    id_ = UUID(hex=digits)
    if id_.version != 7:
        raise InvalidInput(_not_an_id(kind, text))
    return id_


def record_to_text(record: RecordId) -> str:
    """The form in which a record's id leaves the system: `rec_<batch in hex>_<position>`."""
    return f"{_RECORD_PREFIX}{record.batch.hex}_{record.position}"


def parse_record_id(text: str) -> RecordId:
    """The record id behind its text form; raises InvalidInput that says what was expected."""
    digits, _, position = text.removeprefix(_RECORD_PREFIX).partition("_")
    if not text.startswith(_RECORD_PREFIX) or not _HEX.fullmatch(digits) or not _POSITION.fullmatch(position):
        raise InvalidInput(
            f"{_echo(text)} is not the id of a record: one is 'rec_', the 32 hexadecimal digits of its "
            "batch, '_' and its place in the batch, counted from 0."
        )
    return RecordId(BatchId(UUID(hex=digits)), int(position))


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


_source: Final = IdSource()


def _after(last: tuple[int, int], ms: int, entropy: int) -> tuple[int, int]:
    """The millisecond and the 62 bits that follow the last ones made."""
    last_ms, tail = last
    if ms != last_ms:
        return ms, entropy >> 3
    tail += 1 + (entropy >> 32)
    if tail >> _TAIL_BITS:  # some 2**29 ids in a millisecond: borrow from the next
        return ms + 1, entropy >> 3
    return ms, tail


def _require_v7(id_: UUID) -> None:
    if id_.version != 7:
        raise ValueError(f"{id_} was not made here: it is no UUIDv7.")


def _ranges(records: Iterable[RecordId]) -> Iterable[bytes]:
    batch, first, last = None, 0, 0
    for record in records:
        if record.batch == batch and record.position == last + 1:
            last = record.position
            continue
        if batch is not None:
            yield f"|{batch.hex}:{first}-{last}".encode()
        batch, first, last = record.batch, record.position, record.position
    if batch is not None:
        yield f"|{batch.hex}:{first}-{last}".encode()


def _not_an_id(kind: IdKind, text: str) -> str:
    expected = f"one is '{PREFIXES[kind]}' and 32 hexadecimal digits"
    for other, prefix in PREFIXES.items():
        if other != kind and text.startswith(prefix):
            return f"{_echo(text)} is the id of a {other}; a {kind} is expected here: {expected}."
    return f"{_echo(text)} is not the id of a {kind}: {expected}."


def _echo(text: str) -> str:
    shown = text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"
    return repr(shown)
