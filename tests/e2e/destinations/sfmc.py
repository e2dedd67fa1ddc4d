"""Marketing Cloud: rows of a simulated data extension."""

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
from formlane_sandbox.sfmc.changes import AddObject
from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.settings import CLIENT_ID, CLIENT_SECRET, Limits, Settings
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator
from tests.e2e.destinations.place import FAST, LATER
from tests.e2e.destinations.submissions import Held
from tests.e2e.product import TIME_SCALE

COLUMNS = (
    Column(name="Id", length=40, primary_key=True, nullable=False),
    Column(name="Submission", length=40),
    Column(name="Email", type=FieldType.EMAIL),
    Column(name="Name", length=80),
    Column(name="Amount", type=FieldType.DECIMAL, length=10, scale=2),
    Column(name="Day", type=FieldType.DATE),
    Column(name="Consent", type=FieldType.BOOLEAN),
    Column(name="Message", length=4000),
)


@dataclass(slots=True)
class SfmcPlace:
    """Rows whose primary key is the submission's id, or its tracking key where a flow has one."""

    kind: str = "sfmc"
    object: str = "submissions"
    lines: Mapping[str, str] = field(
        default_factory=lambda: {
            "Submission": "id",
            "Email": "email",
            "Name": "name",
            "Amount": "amount",
            "Day": "day",
            "Consent": "consent",
            "Message": "message",
        }
    )
    match_field: str | None = "Id"
    tracking_field: str | None = "Id"
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    simulator: MarketingCloudSimulator = field(init=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        settings = Settings(limits=Limits(rest_per_minute=None))
        made = MarketingCloudSimulator(settings, clock=Clock(time_scale=TIME_SCALE))
        async with running(made) as self.simulator:
            self.simulator.change(AddObject(object=self.object, columns=list(COLUMNS)))
            yield

    @property
    def ports(self) -> Sequence[int]:
        urls = (self.simulator.url, self.simulator.rest_url, self.simulator.soap_url)
        return [urlsplit(url).port or 0 for url in urls]

    def settings(self) -> Mapping[str, Any]:
        return {
            "auth_url": self.simulator.url,
            "client_id": CLIENT_ID,
            "rows_per_call": 10,
            "allow_http": True,
        }

    def secrets(self) -> Mapping[str, str]:
        return {"client_secret": CLIENT_SECRET}

    def options(self) -> Mapping[str, Any]:
        return {}

    def held(self) -> list[Held]:
        return [
            {
                "id": row["Submission"],
                "email": row["Email"],
                "name": row["Name"],
                "amount": None if row["Amount"] is None else Decimal(str(row["Amount"])),
                "day": str(row["Day"]).removesuffix("T00:00:00"),
                "consent": row["Consent"],
                "message": row["Message"],
            }
            for row in self.simulator.objects(self.object)
        ]

    def pass_time(self) -> None:
        self.simulator.clock.shift(LATER)

    def lose_answers(self, share: float, *, seed: int) -> None:
        for method, path in (("POST", "*/rowset"), ("PUT", "*/rows"), ("POST", "*/rows")):
            self.simulator.faults.arm(
                Fault(kind=Kind.RESET, commit=True, share=share, seed=seed, method=method, path=path)
            )

    def lost_answers(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))
