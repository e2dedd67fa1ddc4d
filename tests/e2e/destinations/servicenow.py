"""ServiceNow: records of a simulated table."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.servicenow.schema import Column
from formlane_sandbox.servicenow.schema_changes import AddField
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.e2e.destinations.place import FAST, LATER
from tests.e2e.destinations.submissions import Held
from tests.e2e.product import TIME_SCALE

USER, PASSWORD = "formlane.integration", "integration-password"
BATCH = "/api/now/v1/batch"


@dataclass(slots=True)
class ServiceNowPlace:
    """Records of a custom table; the reference of a submission need not be unique there."""

    kind: str = "servicenow"
    object: str = "u_form_submission"
    lines: Mapping[str, str] = field(
        default_factory=lambda: {
            "u_reference": "id",
            "u_email": "email",
            "u_name": "name",
            "u_amount": "amount",
            "u_birthday": "day",
            "u_consent": "consent",
            "u_message": "message",
        }
    )
    match_field: str | None = "u_reference"
    tracking_field: str | None = "u_external_id"
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    simulator: ServiceNow = field(init=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(ServiceNow(clock=Clock(time_scale=TIME_SCALE))) as self.simulator:
            self.simulator.change(
                AddField(table=self.object, field=Column(name="u_reference", max_length=40))
            )
            yield

    @property
    def ports(self) -> Sequence[int]:
        return [urlsplit(self.simulator.url).port or 0]

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self.simulator.url,
            "auth": "basic",
            "username": USER,
            "batch_size": 10,
            "allow_http": True,
        }

    def secrets(self) -> Mapping[str, str]:
        return {"password": PASSWORD}

    def options(self) -> Mapping[str, Any]:
        return {}

    def held(self) -> list[Held]:
        return [
            {
                "id": row["u_reference"],
                "email": row["u_email"],
                "name": row["u_name"],
                "amount": Decimal(row["u_amount"]) if "u_amount" in row else None,
                "day": row["u_birthday"],
                "consent": row["u_consent"] == "true",
                "message": row["u_message"],
            }
            for row in self.simulator.rows(self.object)
        ]

    def pass_time(self) -> None:
        self.simulator.clock.shift(LATER)

    def lose_answers(self, share: float, *, seed: int) -> None:
        self.simulator.faults.arm(
            Fault(kind=Kind.RESET, commit=True, share=share, seed=seed, method="POST", path=BATCH)
        )

    def lost_answers(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))
