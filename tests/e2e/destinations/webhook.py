"""A webhook receiver that keeps every message."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.webhook.settings import HookSettings, ReceiverSettings
from formlane_sandbox.webhook.simulator import WebhookReceiver
from tests.e2e.destinations.place import FAST, LATER
from tests.e2e.destinations.submissions import INPUTS, Held

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(slots=True)
class WebhookPlace:
    """The sandbox's receiver; a message that came again, bytes equal, counts once."""

    kind: str = "webhook"
    object: str = "call"
    lines: Mapping[str, str] = field(default_factory=lambda: {name: name for name in INPUTS})
    match_field: str | None = None
    tracking_field: str | None = None
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    simulator: WebhookReceiver = field(init=False)
    journal: Path = field(init=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        settings = ReceiverSettings(default=HookSettings(secrets=(SECRET,)))
        with tempfile.TemporaryDirectory(prefix="webhook-") as directory:
            self.journal = Path(directory) / "arrivals.jsonl"
            receiver = WebhookReceiver(settings, journal=self.journal, journal_bodies=True)
            async with running(receiver) as self.simulator:
                yield

    @property
    def ports(self) -> Sequence[int]:
        return [urlsplit(self.simulator.url).port or 0]

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.simulator.hook_url("submissions"), "allow_http": True, "batch_size": 10}

    def secrets(self) -> Mapping[str, str]:
        return {"signing_secret": SECRET}

    def options(self) -> Mapping[str, Any]:
        return {}

    def held(self) -> list[Held]:
        lines = [json.loads(line) for line in self.journal.read_bytes().splitlines()]
        assert all(line["equal"] for line in lines if line["repeat"])
        bodies = [json.loads(line["body"], parse_float=Decimal) for line in lines if not line["repeat"]]
        return [{"amount": None, **record} for body in bodies for record in body["records"]]

    def pass_time(self) -> None:
        self.simulator.clock.shift(LATER)

    def lose_answers(self, share: float, *, seed: int) -> None:
        self.simulator.faults.arm(
            Fault(kind=Kind.RESET, commit=True, share=share, seed=seed, method="POST", path="/hook/*")
        )

    def lost_answers(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))
