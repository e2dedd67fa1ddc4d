"""Marketing Cloud: rows of a data extension with every type of column, in a simulated account."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.sfmc.connector import SFMC
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.sfmc.changes import DropField, DropObject
from formlane_sandbox.sfmc.settings import HOME_ACCOUNT
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator
from tests.contract.destinations.suite.equipment import Connected, ports_of
from tests.contract.destinations.suite.place import Expected, Refused, Target, Trouble

WRITES = "/hub/*"
NAMED: Mapping[Trouble, str] = {
    Trouble.LIMIT_UNTIMED: "blocked",
    Trouble.QUOTA: "daily_limit",
    Trouble.MAINTENANCE: "maintenance",
    Trouble.SERVER_ERROR: "server_error",
    Trouble.FORBIDDEN: "forbidden",
}
BROKEN: Mapping[Trouble, Kind] = {
    Trouble.LOST_ANSWER: Kind.RESET,
    Trouble.LOST_REQUEST: Kind.CLOSE,
    Trouble.SLOW: Kind.TIMEOUT,
}

TARGET = Target(
    object="all-types",
    key="Key",
    text="ALongText",
    line="AText",
    number="ADecimal",
    types={"ADecimal": FieldType.DECIMAL, "ANumber": FieldType.INTEGER},
    extra={"ARequiredText": "x"},
    text_limit=4000,
    line_limit=50,
    removed="AText",
    match="Key",
)
REFUSED = Refused(values={"AnEmail": "no address"}, reason=Reason.INVALID_VALUE, fields=("AnEmail",))


@dataclass
class MarketingCloudPlace(Connected):
    """Rows found by a primary key of one column."""

    name: str = "sfmc"
    destination: Destination = SFMC
    operation: Operation = Operation.UPSERT
    renews: bool = True
    remote_ids: bool = False
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: EXPECTED)
    simulator: MarketingCloudSimulator = field(init=False)

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        async with running(MarketingCloudSimulator(clock=Clock())) as self.simulator:
            [(client_id, client)] = self.simulator.state.settings.clients.items()
            given: Mapping[str, Json] = {
                "auth_url": self.simulator.url,
                "client_id": client_id,
                "account_id": HOME_ACCOUNT,
            }
            urls = (self.simulator.url, self.simulator.rest_url, self.simulator.soap_url)
            secrets = {"client_secret": client.secret}
            async with self.connect(given, secrets, urls=urls, time_scale=time_scale):
                yield

    async def arm(self, trouble: Trouble) -> None:
        arm = self.simulator.faults.arm
        match trouble:
            case Trouble.LIMIT:
                arm(Fault(kind=Kind.NAMED, name="throttled", times=1, detail={"retry_after": 9}))
            case Trouble.UNREACHABLE:
                await self.simulator.stop()
                await self.connector.close()
            case Trouble.REVOKED:
                arm(Fault(kind=Kind.NAMED, name="revoked"))
            case Trouble.FIELD_GONE:
                self.simulator.change(DropField(object=self.target.object, field=self.target.removed))
            case Trouble.OBJECT_GONE:
                self.simulator.change(DropObject(object=self.target.object))
            case _ if trouble in BROKEN:
                commit = trouble is not Trouble.LOST_REQUEST
                arm(Fault(kind=BROKEN[trouble], commit=commit, times=1, path=WRITES))
            case _:
                arm(Fault(kind=Kind.NAMED, name=NAMED[trouble], times=1, path=WRITES))

    def mend(self) -> None:
        self.simulator.faults.clear()

    def echo(self, text: str) -> bool:
        body = orjson.dumps({"message": text, "errorcode": 10005}).decode()
        headers = {"content-type": "application/json"}
        self.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=400, body=body, headers=headers, times=1, path=WRITES)
        )
        return True

    def ports(self) -> Collection[int]:
        return ports_of(self.simulator.addresses.values())

    def expire_tokens(self) -> None:
        self.simulator.expire_tokens()

    def later(self, wait: dt.timedelta) -> None:
        self.clock.ahead += wait
        self.simulator.clock.shift(wait.total_seconds())

    def held(self) -> Sequence[Mapping[str, object]]:
        return self.simulator.objects(self.target.object)

    def state(self) -> object:
        self.simulator.state.catch_up()
        rows = {(one.account, one.key): dict(one.rows) for one in self.simulator.state.extensions}
        people = self.simulator.state.people
        return rows, dict(people.contacts), list(people.entries), len(self.simulator.state.jobs.by_id)

    def met(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


def _later(reason: Reason, seconds: float | None = None) -> Expected:
    wait = None if seconds is None else dt.timedelta(seconds=seconds)
    return Expected(outcome=Deferred, reason=reason, scope=Scope.CONNECTION, wait=wait)


_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
EXPECTED: Mapping[Trouble, Expected] = {
    Trouble.LIMIT: _later(Reason.RATE_LIMITED, 9),
    Trouble.LIMIT_UNTIMED: _later(Reason.RATE_LIMITED, 300),
    Trouble.QUOTA: _later(Reason.RATE_LIMITED, 300),
    Trouble.MAINTENANCE: _later(Reason.UNAVAILABLE),
    Trouble.UNREACHABLE: _later(Reason.NETWORK),
    Trouble.SERVER_ERROR: _LOST,
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.FORBIDDEN: Expected(outcome=Blocked, reason=Reason.PERMISSION, scope=Scope.CONNECTION),
    Trouble.FIELD_GONE: Expected(outcome=Blocked, reason=Reason.DRIFT, scope=Scope.FLOW_OBJECT),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.OBJECT_GONE, scope=Scope.FLOW_OBJECT),
}
