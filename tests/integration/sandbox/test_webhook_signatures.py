"""The receiver against third-party senders of Standard Webhooks."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import standardwebhooks
import svix.webhooks

from formlane_sandbox.server import running
from formlane_sandbox.webhook.settings import HookSettings, ReceiverSettings
from formlane_sandbox.webhook.simulator import WebhookReceiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
SENDERS = (standardwebhooks.Webhook(SECRET), svix.webhooks.Webhook(SECRET))


def receiver(*secrets: str) -> WebhookReceiver:
    return WebhookReceiver(ReceiverSettings(default=HookSettings(secrets=secrets)))


def signed(
    sender: standardwebhooks.Webhook | svix.webhooks.Webhook, message: str, body: str, *, age: int = 0
) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sender.sign(message, at, body),
    }


async def post(session: aiohttp.ClientSession, url: str, headers: dict[str, str], body: str) -> int:
    async with session.post(url, data=body.encode(), headers=headers) as response:
        await response.read()
        return response.status


def random_body(chance: random.Random) -> str:
    text = "".join(
        chr(chance.choice([chance.randrange(0x20, 0x7F), chance.randrange(0xA0, 0xD7FF), 0x1F600]))
        for _ in range(40)
    )
    return msgspec.json.encode([{"id": chance.random(), "text": text}]).decode()


async def test_random_messages_of_both_libraries_are_accepted() -> None:
    chance = random.Random(1)
    async with running(receiver(SECRET)) as sim, aiohttp.ClientSession() as session:
        for number in range(200):
            body = random_body(chance)
            headers = signed(SENDERS[number % 2], f"msg_{number}", body)
            assert await post(session, sim.hook_url("a"), headers, body) == 200
    counts = sim.receiver.arrivals.hooks["a"].document()

    assert (counts["messages"], counts["bad_signatures"]) == (200, 0)


async def test_an_altered_body_another_secret_and_an_old_message_are_refused() -> None:
    async with running(receiver(SECRET)) as sim, aiohttp.ClientSession() as session:
        url, good = sim.hook_url("a"), signed(SENDERS[0], "m", "[1]")
        stranger = standardwebhooks.Webhook(OTHER)

        assert await post(session, url, good, "[2]") == 401
        assert await post(session, url, {**good, "webhook-id": "n"}, "[1]") == 401
        assert await post(session, url, signed(stranger, "m", "[1]"), "[1]") == 401
        assert await post(session, url, signed(SENDERS[1], "m", "[1]", age=310), "[1]") == 401
        assert await post(session, url, {}, "[1]") == 401
        assert await post(session, url, good, "[1]") == 200


async def test_rotation_through_the_control_api() -> None:
    old, new = SENDERS[0], standardwebhooks.Webhook(OTHER)
    async with running(receiver(SECRET)) as sim, aiohttp.ClientSession(sim.url) as session:
        url, both = sim.hook_url("a"), signed(old, "m2", "[1]")
        both["webhook-signature"] += " " + new.sign("m2", datetime.now(UTC), "[1]")

        for secrets, message, sender in (([OTHER, SECRET], "m1", old), ([OTHER], "m3", new)):
            change = {"hooks": {"a": {"secrets": secrets}}}
            async with session.put("/_control/settings", json=change) as response:
                assert response.status == 200
            assert await post(session, url, signed(sender, message, "[1]"), "[1]") == 200
        assert await post(session, url, both, "[1]") == 200
        assert await post(session, url, signed(old, "m4", "[1]"), "[1]") == 401
