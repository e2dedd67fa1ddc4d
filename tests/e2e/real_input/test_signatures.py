"""What the product signs, other people's libraries accept: on the bytes as received, through a rotation."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets as randomness
from collections.abc import Sequence
from typing import Any

import pytest
import standardwebhooks
import svix

from tests.e2e.product import Customer
from tests.e2e.real_input.connections import endpoint
from tests.e2e.real_input.data import fair_answers
from tests.e2e.real_input.drafts import draft
from tests.e2e.real_input.receiver import Arrival, RawReceiver

PHASES = (400, 300, 300)
"""Messages under the first secret, under both, and under the second alone."""


def new_secret() -> str:
    """A secret of 32 bytes, as the specification shows them."""
    return "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()


def is_accepted(arrival: Arrival, secret: str) -> bool:
    """Whether both libraries accept a message; fails the test when they differ."""
    headers = dict(arrival.headers)
    try:
        standardwebhooks.Webhook(secret).verify(arrival.body, headers)
    except standardwebhooks.WebhookVerificationError:
        with pytest.raises(svix.webhooks.WebhookVerificationError):
            svix.webhooks.Webhook(secret).verify(arrival.body, headers)
        return False
    svix.webhooks.Webhook(secret).verify(arrival.body, headers)
    return True


def accepted(arrivals: Sequence[Arrival], secret: str) -> int:
    """How many are accepted."""
    return sum(is_accepted(arrival, secret) for arrival in arrivals)


async def test_a_thousand_messages_verify_through_a_rotation(
    customer: Customer, receiver: RawReceiver
) -> None:
    data = fair_answers()
    old, new = new_secret(), new_secret()
    connection = await endpoint(customer, receiver.url, body="single", secrets={"signing_secret": old})
    flow = await customer.flow(connection, draft(data.types, shards=8))
    settings = {"url": receiver.url, "allow_http": True, "body": "single"}
    now = dt.datetime.now(dt.UTC)
    rotation: list[dict[str, Any]] = [
        {},
        {
            "settings": settings | {"previous_until": (now + dt.timedelta(days=1)).isoformat()},
            "secrets": {"signing_secret": new, "previous_signing_secret": old},
        },
        {"settings": settings | {"previous_until": (now - dt.timedelta(seconds=1)).isoformat()}},
    ]
    phases: list[list[Arrival]] = []
    start = 0
    for size, change in zip(PHASES, rotation, strict=True):
        if change:
            await customer.change_connection(connection, change)
        await customer.push(flow, data.records[start : start + size], batch=25)
        await customer.drained(flow)
        phases.append(receiver.taken[start:])
        start += size
    first, both, last = phases

    assert tuple(map(len, phases)) == PHASES
    assert accepted(first, old) + accepted(both, new) + accepted(last, new) == 1000
    assert (accepted(both, old), accepted(first, new), accepted(last, old)) == (300, 0, 0)
    assert sorted(json.loads(one.body)["row"] for one in receiver.taken) == list(range(1000))


async def test_a_message_that_was_touched_is_refused(customer: Customer, receiver: RawReceiver) -> None:
    secret = new_secret()
    connection = await endpoint(customer, receiver.url, secrets={"signing_secret": secret})
    flow = await customer.flow(connection, draft({"text": "text"}))
    await customer.push(flow, [{"text": "Grüße"}])
    await customer.drained(flow)
    [arrival] = receiver.taken
    headers = dict(arrival.headers)
    stamp = str(int(headers["webhook-timestamp"]) + 1)
    touched = [
        Arrival(headers=headers, body=arrival.body.replace(b"Gr", b"gr"), at=arrival.at, status=200),
        Arrival(headers=headers | {"webhook-timestamp": stamp}, body=arrival.body, at=arrival.at, status=200),
        Arrival(headers=headers | {"webhook-id": "msg_1"}, body=arrival.body, at=arrival.at, status=200),
    ]

    assert is_accepted(arrival, secret)
    assert accepted(touched, secret) == 0
