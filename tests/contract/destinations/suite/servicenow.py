"""ServiceNow: records of a custom table of a simulated instance, signed in by client credentials."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.servicenow.connector import SERVICENOW
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.servicenow.schema_changes import DropField, DropObject
from formlane_sandbox.servicenow.seed_rows import CLIENT
from formlane_sandbox.servicenow.simulator import ServiceNow
from tests.contract.destinations.suite.equipment import Connected, ports_of
from tests.contract.destinations.suite.place import REMOTE_ID, Expected, Refused, Target, Trouble

BATCH = "/api/now/v1/batch"
ITEMS = "/api/now/table/*"
TABLES = ("u_form_submission", "incident", "sys_user", "core_company")
TAKEN = "taken"
NAMED: Mapping[Trouble, str] = {
    Trouble.LIMIT_UNTIMED: "semaphore",
    Trouble.MAINTENANCE: "maintenance",
    Trouble.SERVER_ERROR: "server_error",
}
BROKEN: Mapping[Trouble, Kind] = {
    Trouble.LOST_ANSWER: Kind.RESET,
    Trouble.LOST_REQUEST: Kind.CLOSE,
    Trouble.SLOW: Kind.TIMEOUT,
}

TARGET = Target(
    object="u_form_submission",
    key="u_external_id",
    text="u_message",
    line="u_email",
    number="u_amount",
    types={"u_message": FieldType.TEXT, "u_amount": FieldType.DECIMAL},
    text_limit=4000,
    line_limit=100,
    removed="u_message",
    match="u_external_id",
    tracking="u_name",
)
REFUSED = Refused(values={"u_external_id": TAKEN}, reason=Reason.DUPLICATE)


@dataclass
class ServiceNowPlace(Connected):
    """Form submissions with a unique external id; one is there already, with the id `taken`."""

    name: str = "servicenow"
    destination: Destination = SERVICENOW
    operation: Operation = Operation.INSERT
    renews: bool = True
    remote_ids: bool = True
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: EXPECTED)
    simulator: ServiceNow = field(init=False)

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        async with running(ServiceNow(clock=Clock())) as self.simulator:
            self.simulator.put(self.target.object, {"u_external_id": TAKEN})
            given: Mapping[str, Json] = {
                "url": self.simulator.url,
                "auth": "client_credentials",
                "client_id": CLIENT.id,
                "allow_delete": True,
            }
            urls = (self.simulator.url,)
            async with self.connect(
                given, {"client_secret": CLIENT.secret}, urls=urls, time_scale=time_scale
            ):
                yield

    async def arm(self, trouble: Trouble) -> None:
        arm = self.simulator.faults.arm
        match trouble:
            case Trouble.LIMIT:
                arm(Fault(kind=Kind.NAMED, name="rate_limit", retry_after=90, times=1, path=BATCH))
            case Trouble.UNREACHABLE:
                await self.simulator.stop()
                await self.connector.close()
            case Trouble.REVOKED:
                self.simulator.revoke_tokens()
                arm(Fault(kind=Kind.NAMED, name="token_denied"))
            case Trouble.FORBIDDEN:
                arm(Fault(kind=Kind.NAMED, name="insert_acl", times=2, path=ITEMS, method="POST"))
            case Trouble.FIELD_GONE:
                self.later(dt.timedelta(minutes=1))  # what was seen is believed for seconds
                self.simulator.change(DropField(table=self.target.object, name=self.target.removed))
            case Trouble.OBJECT_GONE:
                self.simulator.change(DropObject(table=self.target.object))
            case _ if trouble in BROKEN:
                commit = trouble is not Trouble.LOST_REQUEST
                arm(Fault(kind=BROKEN[trouble], commit=commit, times=1, path=BATCH))
            case _:
                arm(Fault(kind=Kind.NAMED, name=NAMED[trouble], times=1, path=BATCH))

    def mend(self) -> None:
        self.simulator.faults.clear()

    def echo(self, text: str) -> bool:
        body = orjson.dumps({"error": {"message": text, "detail": text}, "status": "failure"}).decode()
        headers = {"content-type": "application/json"}
        self.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=400, body=body, headers=headers, times=1, path=BATCH)
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
        rows = self.simulator.rows(self.target.object)
        return [{**row, REMOTE_ID: row["sys_id"]} for row in rows if row.get("u_external_id") != TAKEN]

    def state(self) -> object:
        return {name: self.simulator.rows(name) for name in TABLES}

    def met(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


def _later(reason: Reason, seconds: float | None = None) -> Expected:
    wait = None if seconds is None else dt.timedelta(seconds=seconds)
    return Expected(outcome=Deferred, reason=reason, scope=Scope.CONNECTION, wait=wait)


_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
EXPECTED: Mapping[Trouble, Expected] = {
    Trouble.LIMIT: _later(Reason.RATE_LIMITED, 90),
    Trouble.LIMIT_UNTIMED: _later(Reason.RATE_LIMITED),
    Trouble.MAINTENANCE: _later(Reason.UNAVAILABLE),
    Trouble.UNREACHABLE: _later(Reason.NETWORK),
    Trouble.SERVER_ERROR: _LOST,
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.FORBIDDEN: Expected(outcome=Blocked, reason=Reason.PERMISSION, scope=Scope.FLOW_OBJECT),
    Trouble.FIELD_GONE: Expected(outcome=Blocked, reason=Reason.DRIFT, scope=Scope.FLOW_OBJECT),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.OBJECT_GONE, scope=Scope.FLOW_OBJECT),
}
