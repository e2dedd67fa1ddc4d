"""From records to request bodies: the same records give the same bytes and the same message id, always."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import orjson

from formlane.destinations.base import Call
from formlane.domain.types import Json

from .config import Body

LARGEST_BODY: Final = 6 * 1024 * 1024
"""Bytes of a request body that are never exceeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request: its id, its bytes, and the positions of its records in the call."""

    id: str
    body: bytes
    positions: Sequence[int]


def messages(call: Call, body: Body, batch_size: int) -> Iterator[Message]:
    """The requests of a call, in order. Records that cannot be written as JSON are left out.

    A call of one request has the call's own id; the ids of several are derived from it and from what
    each begins with.
    """
    size = 1 if body is Body.SINGLE else batch_size
    whole = len(call.records) <= size
    for start in range(0, len(call.records), size):
        part = call.records[start : start + size]
        array, positions = _array([record.fields for record in part], start)
        if positions:
            name = call.id if whole else uuid5(call.id, part[0].id)
            yield Message(id=message_id(name), body=_shaped(array, body), positions=positions)


def message_id(name: UUID) -> str:
    """The `webhook-id` of a call."""
    return f"msg_{name.hex}"


def encode(fields: Mapping[str, Json]) -> bytes | None:
    """A record as JSON in UTF-8, fields in the mapping's order; None if it holds what JSON cannot."""
    try:
        return orjson.dumps(fields, default=_plain)
    except TypeError:
        pass
    try:
        text = json.dumps(fields, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except (TypeError, ValueError):
        return None


def _array(records: Sequence[Mapping[str, Json]], start: int) -> tuple[bytes, Sequence[int]]:
    """The records as one JSON array, and the positions of those in it. All at once if all can be written."""
    try:
        return orjson.dumps(records, default=_plain), range(start, start + len(records))
    except TypeError:
        texts = {start + offset: encode(fields) for offset, fields in enumerate(records)}
        good = {position: text for position, text in texts.items() if text is not None}
        return b"[" + b",".join(good.values()) + b"]", list(good)


def _shaped(array: bytes, body: Body) -> bytes:
    match body:
        case Body.SINGLE:
            return array[1:-1]
        case Body.ARRAY:
            return array
        case Body.WRAPPED:
            return b'{"records":' + array + b"}"


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
