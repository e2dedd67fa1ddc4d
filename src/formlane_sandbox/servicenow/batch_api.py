"""The Batch API: `POST /api/now/v1/batch`."""

from __future__ import annotations

import base64
import binascii
import random
from http import HTTPStatus
from typing import Final

import msgspec
import orjson
from msgspec import Struct

from formlane_sandbox.servicenow.answers import JSON, Answer, ApiError, unreadable_payload
from formlane_sandbox.servicenow.api import Api
from formlane_sandbox.servicenow.call import Call, split_url
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.settings import User
from formlane_sandbox.servicenow.vendor_faults import VendorFaults

_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Header(Struct):
    """A header of an item."""

    name: str
    value: str


class Item(Struct):
    """A request inside a batch; `url` is relative, `body` base64."""

    id: str | int
    method: str
    url: str
    headers: list[Header] | None = None
    body: str | None = None
    exclude_response_headers: bool = False


class Batch(Struct):
    """The body of a batch call."""

    rest_requests: list[Item]
    batch_request_id: str | int | float = ""


class BatchApi:
    """Runs the items one after the other; 200 even when they fail. Nothing is atomic."""

    def __init__(self, instance: Instance, api: Api, faults: VendorFaults) -> None:
        self._instance = instance
        self._api = api
        self._faults = faults
        self._decoder = msgspec.json.Decoder(Batch)
        self._chance = random.Random(0)  # noqa: S311 - the order of answers, not a secret

    def handle(self, call: Call, user: User) -> tuple[Answer, float]:
        """The answer, and how many documented seconds the writes took; ApiError for the outer call."""
        try:
            batch = self._decoder.decode(call.body)
        except msgspec.DecodeError:
            raise unreadable_payload() from None
        limits = self._instance.settings.limits
        serviced: list[dict[str, object]] = []
        unserviced: list[str] = []
        seconds = 0.0
        for item in batch.rest_requests:
            cost = limits.write_seconds if item.method.upper() in _WRITES else 0.0
            too_large = len(item.body or "") * 3 // 4 > limits.batch_item_bytes
            if too_large or seconds + cost > limits.batch_seconds:
                unserviced.append(str(item.id))
                continue
            inner = _inner_call(call, item)
            answer = None if inner is None else self._run(inner, user)
            if inner is not None and answer is None:
                unserviced.append(str(item.id))
                continue
            seconds += cost
            serviced.append(_serviced(item, answer or unreadable_payload().answer, cost))
        if self._instance.settings.behaviour.shuffle_batch:
            self._chance.shuffle(serviced)
        self._instance.counts["batch items"] += len(serviced)
        document = {
            "batch_request_id": str(batch.batch_request_id),
            "serviced_requests": serviced,
            "unserviced_requests": unserviced,
        }
        return Answer(200, orjson.dumps(document)), seconds

    def _run(self, inner: Call, user: User) -> Answer | None:
        """None: left unserviced by a fault."""
        if not self._instance.faults:
            return self._api.handle(inner, user)
        if self._faults.unserviced(inner):
            return None
        return self._faults.play(inner, lambda: self._api.handle(inner, user))


def _inner_call(call: Call, item: Item) -> Call | None:
    """None when the item's body is not base64."""
    try:
        body = base64.b64decode(item.body, validate=True) if item.body else b""
    except (binascii.Error, ValueError):
        return None
    path, query = split_url(item.url if item.url.startswith("/") else f"/{item.url}")
    headers = {header.name.lower(): header.value for header in item.headers or ()}
    method = item.method.upper()
    if method == "POST":
        method = headers.get("x-http-method-override", method).upper()
    return Call(
        method=method, path=path, query=query, headers=headers, body=body, origin=call.origin, in_batch=True
    )


def _serviced(item: Item, answer: Answer, seconds: float) -> dict[str, object]:
    headers = [] if item.exclude_response_headers else [("Content-Type", JSON), *answer.headers]
    return {
        "id": str(item.id),
        "body": base64.b64encode(answer.body).decode(),
        "status_code": answer.status,
        "status_text": _PHRASES[answer.status],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "execution_time": round(seconds * 1000),
    }


def refuse_other_methods(call: Call) -> None:
    """405 unless it is a POST."""
    if call.method != "POST":
        raise ApiError(405, "Method not allowed", None, headers={"Allow": "POST"})
