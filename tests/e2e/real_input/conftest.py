"""A running product beside the systems it writes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from formlane_sandbox.server import running
from formlane_sandbox.webhook.settings import HookSettings, ReceiverSettings
from formlane_sandbox.webhook.simulator import WebhookReceiver
from tests.e2e.product import Addresses, Customer, Product, product, state_dir
from tests.e2e.real_input.arrivals import Hook
from tests.e2e.real_input.connections import SECRET
from tests.e2e.real_input.receiver import RawReceiver, running_receiver
from tests.sshd import Sshd, sshd

__all__ = ["product", "sshd", "state_dir"]


@pytest.fixture
async def receiver() -> AsyncIterator[RawReceiver]:
    """Keeps requests as they came, and answers what a test says."""
    async with running_receiver() as started:
        yield started


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    """The sandbox's receiver, which refuses what is not signed with `SECRET`."""
    journal = tmp_path / "arrivals.jsonl"
    settings = ReceiverSettings(default=HookSettings(secrets=(SECRET,)))
    async with running(WebhookReceiver(settings, journal=journal, journal_bodies=True)) as started:
        yield Hook(started, journal)


@pytest.fixture
def addresses(receiver: RawReceiver, hook: Hook, sshd: Sshd) -> Addresses:
    return (("127.0.0.1", receiver.port), ("127.0.0.1", hook.port), (sshd.host, sshd.port))


@pytest.fixture
async def customer(product: Product) -> Customer:
    return await product.customer()
