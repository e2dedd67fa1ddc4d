"""What records a body holds, and their ids."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

RecordIds = list[str | None]
_INFLATED_MOST = 64 * 1024 * 1024


class BodyReader:
    """Finds the record ids of a body without building its records: one pass of a typed decoder.

    Shapes: an object is one record; an array holds records; an object with an array `records` wraps them;
    the envelope `{type, timestamp, data}` holds one record in `data`; JSON Lines hold one a line. The id is
    the first of `id_fields` that the first record of the message has.
    """

    def __init__(self, id_fields: Sequence[str]) -> None:
        self._names = tuple(id_fields)
        own = [
            (f"field{n}", str | int | UnsetType, msgspec.field(default=UNSET, name=name))
            for n, name in enumerate(id_fields)
        ]
        record: Any = msgspec.defstruct("Record", own, gc=False)
        body: Any = msgspec.defstruct(
            "Body",
            [
                *own,
                ("records", list[record] | UnsetType, msgspec.field(default=UNSET, name="records")),
                ("data", Raw | UnsetType, msgspec.field(default=UNSET, name="data")),
            ],
            gc=False,
        )
        self._record = msgspec.json.Decoder(record)
        self._body = msgspec.json.Decoder(list[record] | body)
        self._getters = [attrgetter(f"field{n}") for n in range(len(self._names))]

    def record_ids(self, body: bytes, *, lines: bool = False) -> RecordIds:
        """One entry per record in order, None where a record has no id. DecodeError if it is not JSON."""
        try:
            return self._typed(body, lines=lines)
        except msgspec.ValidationError:
            return self._untyped(body, lines=lines)

    def _typed(self, body: bytes, *, lines: bool) -> RecordIds:
        if lines:
            return self._ids(self._record.decode_lines(body))
        decoded = self._body.decode(body)
        if isinstance(decoded, list):
            return self._ids(decoded)
        if decoded.records is not UNSET:
            return self._ids(decoded.records)
        found = self._ids([decoded])
        if found == [None] and decoded.data is not UNSET and bytes(decoded.data).startswith(b"{"):
            return self._ids([self._record.decode(decoded.data)])
        return found

    def _ids(self, records: Sequence[object]) -> RecordIds:
        if not records:
            return []
        present = (get for get in self._getters if get(records[0]) is not UNSET)
        values = list(map(next(present, _absent), records))
        if set(map(type, values)) == {str}:
            return values
        return [None if value is UNSET else str(value) for value in values]

    def _untyped(self, body: bytes, *, lines: bool) -> RecordIds:
        """The same for JSON of any other shape: elements that are no objects, ids that are no text."""
        decoded: object = msgspec.json.Decoder().decode_lines(body) if lines else msgspec.json.decode(body)
        if isinstance(decoded, dict) and isinstance(decoded.get("records"), list):
            decoded = decoded["records"]
        elif isinstance(decoded, dict) and isinstance(decoded.get("data"), dict):
            decoded = decoded["data"]
        records = decoded if isinstance(decoded, list) else [decoded]
        objects = (record for record in records if isinstance(record, dict))
        first = next(objects, {})
        name = next((name for name in self._names if name in first), None)
        return [_identity(record.get(name)) if isinstance(record, dict) else None for record in records]


def _absent(record: object) -> UnsetType:
    return UNSET


def _identity(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def inflated(body: bytes) -> bytes:
    """A gzip body unpacked; ValueError if it is broken, has a tail or is larger than 64 MiB."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(body, _INFLATED_MOST)
    except zlib.error as error:
        raise ValueError("the body is not gzip") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the gzip body is cut, too large, or followed by something else")
    return content
