"""From records to request bodies: the same records give the same bytes and the same message id, always."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

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


def message_of(call: Call, body: Body) -> Message:
    """The request of a call. Records that cannot be written as JSON are left out of its positions."""
    array, positions = _array([record.fields for record in call.records])
    return Message(id=message_id(call.id), body=_shaped(array, body), positions=positions)


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


def _array(records: Sequence[Mapping[str, Json]]) -> tuple[bytes, Sequence[int]]:
    """The records as one JSON array, and the positions of those in it. All at once if all can be written."""
    try:
        return orjson.dumps(records, default=_plain), range(len(records))
    except TypeError:
        texts = {position: encode(fields) for position, fields in enumerate(records)}
        good = {position: text for position, text in texts.items() if text is not None}
        return b"[" + b",".join(good.values()) + b"]", list(good)


def _shaped(array: bytes, body: Body) -> bytes:
    match body:
        case Body.SINGLE:
            return array[1:-1]
        case Body.ARRAY:
            return array
        case _:
            return b'{"records":' + array + b"}"


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
