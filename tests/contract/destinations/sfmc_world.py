"""A running Marketing Cloud simulator and a connector to it, for tests of any kind of destination alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from formlane.destinations.base import Call, CallRecord, CallResult, Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.sfmc.connector import SFMC
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Outcome, Pending
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator
from tests.contract.destinations.stand_ins import KeptJournal, MovingClock

CLIENT_ID = "formlanesandboxclient0001"
CLIENT_SECRET = "sandbox-secret"
HOME, NORTH = "7281698", "7281699"
LEADS, SUBMISSIONS, EVENTS, LOG, TYPES = (
    "form_leads",
    "Form_Submissions",
    "event_registrations",
    "feedback_log",
    "all-types",
)

LATER = 60.0
"""Seconds in which any job of the simulator is done."""


@dataclass(kw_only=True)
class World:
    """`settings` and `secrets` are those of the connector that was made last."""

    simulator: MarketingCloudSimulator
    clock: MovingClock
    http: HttpClients
    guard: Guard
    settings: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def connect(
        self,
        settings: Mapping[str, Json] | None = None,
        *,
        client_secret: str = CLIENT_SECRET,
        time_scale: float = 1.0,
    ) -> None:
        """Replaces the connector by one with these settings."""
        self.made += 1
        self.settings = {
            "auth_url": self.simulator.url,
            "client_id": CLIENT_ID,
            "account_id": HOME,
            "contacts": True,
            "journey_events": ["APIEvent-form-submitted"],
            **(settings or {}),
        }
        self.secrets = {"client_secret": client_secret}
        self.connector = SFMC.connect(
            Equipment(
                settings=SFMC.validate(self.settings, self.secrets, self.guard),
                secrets=self.secrets,
                account=f"tenant/connection/{self.made}",
                guard=self.guard,
                http=self.http,
                clock=self.clock,
                time_scale=time_scale,
            )
        )

    def call(
        self,
        records: Sequence[Mapping[str, Json]],
        *,
        operation: Operation = Operation.UPSERT,
        object_name: str = LEADS,
        match_key: Sequence[str] | None = None,
        tracking_field: str | None = None,
        types: Mapping[str, FieldType] | None = None,
        attempt: int = 1,
        bulk: bool = False,
    ) -> Call:
        """A call of these records; the match key is the data extension's usual one unless given."""
        names = dict.fromkeys(name for record in records for name in record)
        columns = tuple(names)
        if match_key is None:
            match_key = KEYS.get(object_name, ()) if operation is Operation.UPSERT else ()
        return Call(
            id=UUID(int=len(records)),
            object=object_name,
            operation=operation,
            records=[
                CallRecord(f"batch:{index}", f"fl{index:030x}" if tracking_field else "", record)
                for index, record in enumerate(records)
            ],
            columns=columns,
            types=tuple(types.get(name, FieldType.STRING) for name in columns) if types else (),
            match_key=tuple(match_key),
            tracking_field=tracking_field,
            attempt=attempt,
            bulk=bulk,
        )

    async def send(self, call: Call, journal: KeptJournal | None = None) -> CallResult:
        """One try, without waiting for a job."""
        return await self.connector.send(call, journal or KeptJournal())

    async def finish(self, call: Call, journal: KeptJournal | None = None) -> CallResult:
        """Sends, and goes on until nothing is pending any more; the clocks are shifted meanwhile."""
        journal = journal or KeptJournal()
        for _ in range(20):
            result = await self.connector.send(call, journal)
            if not isinstance(result.outcomes[0], Pending):
                return result
            self.shift(LATER)
        raise AssertionError("still pending")

    async def outcomes(self, records: Sequence[Mapping[str, Json]], **given: object) -> Sequence[Outcome]:
        """What becomes of records in one call, jobs waited for."""
        return (await self.finish(self.call(records, **given))).outcomes  # type: ignore[arg-type]  # as `call`

    def shift(self, seconds: float) -> None:
        """Both clocks go on."""
        self.simulator.clock.shift(seconds)
        self.clock.ahead += dt.timedelta(seconds=seconds)

    def arm(
        self,
        name: str,
        *,
        path: str = "*",
        times: int | None = 1,
        skip: int = 0,
        **detail: str | float | None,
    ) -> None:
        """A fault by name."""
        self.simulator.faults.arm(Fault(kind=Kind.NAMED, name=name, path=path, times=times, detail=detail))

    def misbehave(self, kind: Kind, *, path: str = "*", times: int | None = 1, **given: object) -> None:
        """A fault of any simulator."""
        self.simulator.faults.arm(Fault(kind=kind, path=path, times=times, **given))  # type: ignore[arg-type]

    def paths(self) -> list[str]:
        """The paths of all requests, in order."""
        return [str(one["path"]) for one in self.simulator.arrivals(after=0, limit=1000).items]

    def rows(self, key: str = LEADS) -> list[dict[str, object]]:
        """What the simulator holds."""
        return [dict(row) for row in self.simulator.objects(key)]


KEYS: Mapping[str, tuple[str, ...]] = {
    LEADS: ("SubscriberKey",),
    SUBMISSIONS: ("SubmissionId",),
    EVENTS: ("EventCode", "Email"),
    TYPES: ("Key",),
    "@contact": ("contactKey",),
}


@asynccontextmanager
async def sfmc_world(*, time_scale: float = 1.0, **settings: Json) -> AsyncIterator[World]:
    """A fresh simulator, and a connector to it."""
    async with running(MarketingCloudSimulator(clock=Clock(time_scale=time_scale))) as simulator:
        hosts = [simulator.url, simulator.rest_url, simulator.soap_url]
        guard = Guard(allow=[("127.0.0.1", int(url.rpartition(":")[2].rstrip("/"))) for url in hosts])
        http = HttpClients(guard)
        world = World(simulator=simulator, clock=MovingClock(), http=http, guard=guard)
        world.connect(settings, time_scale=time_scale)
        yield world
        await http.close()


def person(key: str, **values: Json) -> dict[str, Json]:
    """A row of `form_leads`."""
    return {"SubscriberKey": key, "Email": f"{key}@example.com", **values}
