"""Single requests, alone or as the items of one batch; and the answers to them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import orjson

BATCH: Final = "/api/now/v1/batch"
"""REST API reference, "Batch API". It is documented with its version only."""

LARGEST_ITEM: Final = 5_000_000
"""Bytes of an item's coded body; larger ones are left unserviced (same page, default limit 5 MB)."""

_HEADERS: Final = orjson.Fragment(
    b'[{"name":"Accept","value":"application/json"},{"name":"Content-Type","value":"application/json"}]'
)


class Item(NamedTuple):
    """One request. `path` is relative to the instance and coded."""

    method: str
    path: str
    body: bytes | None = None


class Reply(NamedTuple):
    """The instance's answer to one item."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class _Serviced(msgspec.Struct):
    id: str | int
    status_code: int
    body: str | None = None
    headers: list[dict[str, str]] | None = None


class _Batch(msgspec.Struct):
    serviced_requests: list[_Serviced]
    unserviced_requests: list[str | int] = []


_DECODER: Final = msgspec.json.Decoder(_Batch)


def batch_body(name: str, items: Sequence[Item], *, headers: bool) -> bytes:
    """The body of a batch; items are known by their position. `headers`: answers bring theirs."""
    return orjson.dumps(
        {
            "batch_request_id": name,
            "rest_requests": [_request(position, item, headers) for position, item in enumerate(items)],
        }
    )


def batch_replies(body: bytes, size: int) -> list[Reply | None] | None:
    """The answers in the order of the items, None for items not run; None if it is no batch's answer."""
    try:
        batch = _DECODER.decode(body)
        by_id = {str(one.id): _reply(one) for one in batch.serviced_requests}
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None
    unrun = {str(one) for one in batch.unserviced_requests}
    wanted = [str(position) for position in range(size)]
    if not all(name in by_id or name in unrun for name in wanted):
        return None
    return [by_id.get(name) for name in wanted]


def _request(position: int, item: Item, headers: bool) -> dict[str, object]:
    request: dict[str, object] = {
        "id": str(position),
        "method": item.method,
        "url": item.path,
        "headers": _HEADERS,
        "exclude_response_headers": not headers,
    }
    if item.body is not None:
        request["body"] = binascii.b2a_base64(item.body, newline=False).decode("ascii")
    return request


def _reply(one: _Serviced) -> Reply:
    headers = {each.get("name", ""): each.get("value", "") for each in one.headers} if one.headers else {}
    return Reply(
        status=one.status_code, body=base64.b64decode(one.body or "", validate=True), headers=headers
    )
