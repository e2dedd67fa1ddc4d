"""A simulated Salesforce org, and the connector that is signed in to it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
from yarl import URL

from formlane.destinations.base import Call, CallRecord, CallResult, Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.salesforce.connector import SALESFORCE, SalesforceConnector
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import Delivered, Outcome, Pending
from formlane.domain.types import Json
from formlane_sandbox.clock import Clock as SandboxClock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.salesforce.changes import Change
from formlane_sandbox.salesforce.settings import Settings
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from tests.contract.destinations.stand_ins import KeptJournal, MovingClock

CONSUMER_KEY = "3MVG9FormlaneSandboxConsumerKey"
CONSUMER_SECRET = "formlane-sandbox-consumer-secret"
USER = "integration@formlane.example"
REFRESH_TOKEN = "5Aep861FormlaneSandboxRefreshToken"

WRITES = "*/composite/*"


TLS = ssl.create_default_context()
"""Read once: it takes as long as a test."""


@dataclass
class SalesforceWorld:
    """What a test needs: the org, the connector, and short ways to calls and faults."""

    simulator: Salesforce
    connector: SalesforceConnector
    clock: MovingClock
    http: HttpClients
    equipment: Equipment

    def call(
        self,
        records: Sequence[Mapping[str, Json]],
        *,
        operation: Operation = Operation.INSERT,
        object: str = "Contact",  # noqa: A002 - as in `Call`
        match_key: tuple[str, ...] = (),
        no_match: NoMatch = NoMatch.REJECT,
        several_matches: SeveralMatches = SeveralMatches.REJECT,
        tracking_field: str | None = None,
        bulk: bool = False,
        attempt: int = 1,
        id: UUID | None = None,  # noqa: A002 - as in `Call`
    ) -> Call:
        names = dict.fromkeys(name for record in records for name in record)
        return Call(
            id=id or uuid4(),
            object=object,
            operation=operation,
            records=[
                CallRecord(id=f"r:{at}", tracking_key=f"fl{at:030}", fields=record)
                for at, record in enumerate(records)
            ],
            columns=tuple(names),
            match_key=match_key,
            no_match=no_match,
            several_matches=several_matches,
            tracking_field=tracking_field,
            bulk=bulk,
            attempt=attempt,
        )

    async def send(
        self, records: Sequence[Mapping[str, Json]], *, journal: KeptJournal | None = None, **given: Any
    ) -> CallResult:
        return await self.connector.send(self.call(records, **given), journal or KeptJournal())

    async def outcomes(self, records: Sequence[Mapping[str, Json]], **given: Any) -> Sequence[Outcome]:
        return (await self.send(records, **given)).outcomes

    async def finish(self, call: Call, journal: KeptJournal, *, tries: int = 20) -> CallResult:
        """Asks again, as long later as was asked for, until the result is there."""
        for _ in range(tries):
            result = await self.connector.send(call, journal)
            first = result.outcomes[0]
            if not isinstance(first, Pending):
                return result
            self.clock.ahead += first.check_after
            self.simulator.clock.shift(first.check_after.total_seconds())
        raise AssertionError("still pending")

    def arm(self, name: str, *, times: int | None = 1, **fault: Any) -> str:
        return self.simulator.faults.arm(Fault(kind=Kind.NAMED, name=name, times=times, **fault))

    def break_answers(self, kind: str, *, times: int | None = 1, **fault: Any) -> str:
        return self.simulator.faults.arm(Fault(kind=Kind(kind), times=times, **fault))

    def change(self, action: str, object: str = "Contact", **given: Any) -> None:  # noqa: A002 - as in `Call`
        """One change of the schema, as the org's control API takes it."""
        document = {"action": action, "object": object, **given}
        self.simulator.change_schema(msgspec.convert(document, Change))

    def rows(self, object: str = "Contact") -> Sequence[Mapping[str, Any]]:  # noqa: A002 - as in `Call`
        return self.simulator.rows(object)


@asynccontextmanager
async def salesforce_world(
    *,
    auth: str = "client_credentials",
    secrets: Mapping[str, str] | None = None,
    time_scale: float = 1.0,
    org: Mapping[str, Any] | None = None,
    **settings: Json,
) -> AsyncIterator[SalesforceWorld]:
    simulator = Salesforce(msgspec.convert(org or {}, Settings), clock=SandboxClock())
    async with (
        running(simulator),
        connected(simulator, auth=auth, secrets=secrets, time_scale=time_scale, **settings) as world,
    ):
        yield world


@asynccontextmanager
async def connected(
    simulator: Salesforce,
    *,
    auth: str = "client_credentials",
    secrets: Mapping[str, str] | None = None,
    time_scale: float = 1.0,
    **settings: Json,
) -> AsyncIterator[SalesforceWorld]:
    """A connector for a running org."""
    hosts = [URL(url) for name, url in simulator.addresses.items() if name in {"http", "login", "moved"}]
    ports = [url.port for url in hosts if url.port is not None]
    guard = Guard(allow=[("127.0.0.1", port) for port in ports])
    http = HttpClients(guard, tls=TLS)
    held = dict(secrets or {})
    if auth == "jwt":
        held |= {"private_key": simulator.private_key.decode()}
    else:
        held |= {"client_secret": CONSUMER_SECRET}
    if auth == "consent":
        held |= {"refresh_token": REFRESH_TOKEN}
    given: dict[str, Json] = {
        "login_url": simulator.url,
        "client_id": CONSUMER_KEY,
        "auth": auth,
        "allow_http": True,
    }
    if auth == "jwt":
        given["username"] = USER
    values = SALESFORCE.validate({**given, **settings}, held, guard)
    clock = MovingClock()
    equipment = Equipment(
        settings=values,
        secrets=held,
        account="a",
        guard=guard,
        http=http,
        clock=clock,
        time_scale=time_scale,
    )
    connector = SalesforceConnector(equipment)
    try:
        yield SalesforceWorld(
            simulator=simulator, connector=connector, clock=clock, http=http, equipment=equipment
        )
    finally:
        await connector.close()
        await http.close()


def ids_of(outcomes: Any) -> list[str | None]:
    assert all(isinstance(one, Delivered) for one in outcomes), outcomes
    return [one.remote_id for one in outcomes]


def column(world: SalesforceWorld, name: str, kind: str = "Contact") -> list[object]:
    return [row.get(name) for row in world.rows(kind)]


async def seeded(
    world: SalesforceWorld, *records: Mapping[str, Json], kind: str = "Contact"
) -> list[str | None]:
    return ids_of(await world.outcomes(records, object=kind))


def people(count: int, **fields: Json) -> list[dict[str, Json]]:
    return [{"LastName": f"N{at}", "Ext__c": f"k{at}", **fields} for at in range(count)]


async def warm(world: SalesforceWorld) -> None:
    """Signed in, and the object described, so that faults meet the write."""
    await world.connector.fields("Contact")


async def told(world: SalesforceWorld, count: int = 2, **given: Any) -> Outcome:
    """The first outcome of an upsert whose records all fare alike."""
    result = await world.send(people(count), operation=Operation.UPSERT, match_key=("Ext__c",), **given)
    assert len({type(one) for one in result.outcomes}) == 1, result.outcomes
    return result.outcomes[0]
