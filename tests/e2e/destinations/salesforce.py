"""Salesforce: contacts of a simulated org."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from tests.e2e.destinations.place import FAST, LATER
from tests.e2e.destinations.submissions import Held
from tests.e2e.product import TIME_SCALE

WRITES = "/services/data/*/composite/sobjects*"
JOBS = "/services/data/*/jobs/ingest*"


@dataclass(slots=True)
class SalesforcePlace:
    """Contacts, found by an external id that need not be unique."""

    kind: str = "salesforce"
    object: str = "Contact"
    lines: Mapping[str, str] = field(
        default_factory=lambda: {
            "Legacy_Ext__c": "id",
            "Email": "email",
            "LastName": "name",
            "Score__c": "amount",
            "Birthdate": "day",
            "DoNotCall": "consent",
            "Description": "message",
        }
    )
    match_field: str | None = "Legacy_Ext__c"
    tracking_field: str | None = "Ext__c"
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    simulator: Salesforce = field(init=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(Salesforce(clock=Clock(time_scale=TIME_SCALE))) as self.simulator:
            yield

    @property
    def ports(self) -> Sequence[int]:
        urls = (self.simulator.url, self.simulator.login_url, self.simulator.moved_url)
        return [urlsplit(url).port or 0 for url in urls]

    def settings(self) -> Mapping[str, Any]:
        return {
            "login_url": self.simulator.url,
            "auth": "client_credentials",
            "client_id": self.simulator.org.settings.consumer_key,
            "records_per_call": 10,
            "allow_http": True,
        }

    def secrets(self) -> Mapping[str, str]:
        return {"client_secret": self.simulator.org.settings.consumer_secret}

    def options(self) -> Mapping[str, Any]:
        return {}

    def held(self) -> list[Held]:
        return [
            {
                "id": row["Legacy_Ext__c"],
                "email": row["Email"],
                "name": row["LastName"],
                "amount": None if row.get("Score__c") is None else Decimal(str(row["Score__c"])),
                "day": row["Birthdate"],
                "consent": row["DoNotCall"],
                "message": row["Description"],
            }
            for row in self.simulator.rows("Contact")
        ]

    def pass_time(self) -> None:
        self.simulator.clock.shift(LATER)

    def lose_answers(self, share: float, *, seed: int) -> None:
        for path in (WRITES, JOBS):
            for method in ("POST", "PATCH"):
                self.simulator.faults.arm(
                    Fault(kind=Kind.RESET, commit=True, share=share, seed=seed, method=method, path=path)
                )

    def lost_answers(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))
