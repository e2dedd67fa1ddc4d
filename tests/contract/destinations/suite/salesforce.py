"""Salesforce: contacts of a simulated org, signed in by client credentials."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.salesforce.connector import SALESFORCE
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.salesforce.changes import DropField, DropObject
from formlane_sandbox.salesforce.settings import Settings
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from tests.contract.destinations.suite.equipment import Connected, ports_of
from tests.contract.destinations.suite.place import REMOTE_ID, Expected, Refused, Target, Trouble

WRITES = "*/composite/*"
OBJECTS = ("Account", "Contact", "Lead", "Case", "Opportunity", "Submission__c")
NAMED: Mapping[Trouble, str] = {
    Trouble.LIMIT_UNTIMED: "concurrent_requests",
    Trouble.QUOTA: "total_requests",
    Trouble.MAINTENANCE: "maintenance",
    Trouble.SERVER_ERROR: "unknown_exception",
    Trouble.FORBIDDEN: "insufficient_access",
}
BROKEN: Mapping[Trouble, Kind] = {
    Trouble.LOST_ANSWER: Kind.RESET,
    Trouble.LOST_REQUEST: Kind.CLOSE,
    Trouble.SLOW: Kind.TIMEOUT,
}

TARGET = Target(
    object="Contact",
    key="Legacy_Ext__c",
    text="Description",
    line="LastName",
    number="Score__c",
    types={"Description": FieldType.TEXT, "Score__c": FieldType.DECIMAL},
    text_limit=32_000,
    line_limit=80,
    removed="Description",
    match="Legacy_Ext__c",
    tracking="Ext__c",
)
REFUSED = Refused(values={"Email": "no address"}, reason=Reason.INVALID_VALUE, fields=("Email",))


@dataclass
class SalesforcePlace(Connected):
    """Contacts with an external id of ours."""

    name: str = "salesforce"
    destination: Destination = SALESFORCE
    operation: Operation = Operation.INSERT
    renews: bool = True
    remote_ids: bool = True
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: EXPECTED)
    simulator: Salesforce = field(init=False)

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        async with running(Salesforce(Settings(), clock=Clock())) as self.simulator:
            org = self.simulator.org.settings
            given: Mapping[str, Json] = {
                "login_url": self.simulator.url,
                "client_id": org.consumer_key,
                "auth": "client_credentials",
                "allow_http": True,
                "allow_delete": True,
            }
            urls = (self.simulator.url, self.simulator.login_url, self.simulator.moved_url)
            secrets = {"client_secret": org.consumer_secret}
            async with self.connect(given, secrets, urls=urls, time_scale=time_scale):
                yield

    async def arm(self, trouble: Trouble) -> None:
        arm = self.simulator.faults.arm
        match trouble:
            case Trouble.LIMIT:
                arm(Fault(kind=Kind.STATUS, status=503, retry_after=7, times=1, path=WRITES))
            case Trouble.UNREACHABLE:
                await self.simulator.stop()
                await self.connector.close()
            case Trouble.REVOKED:
                self.simulator.revoke_all()
                arm(Fault(kind=Kind.NAMED, name="authentication_failure"))
            case Trouble.ONE_LOCKED:
                detail: dict[str, str | int | float | bool | None] = {
                    "field": self.target.key,
                    "match": "second",
                }
                arm(Fault(kind=Kind.NAMED, name="lock_row", times=1, detail=detail))
            case Trouble.FIELD_GONE:
                self.simulator.change_schema(DropField(object=self.target.object, name=self.target.removed))
            case Trouble.OBJECT_GONE:
                self.simulator.change_schema(DropObject(object=self.target.object))
            case _ if trouble in BROKEN:
                commit = trouble is not Trouble.LOST_REQUEST
                arm(Fault(kind=BROKEN[trouble], commit=commit, times=1, path=WRITES))
            case _:
                arm(Fault(kind=Kind.NAMED, name=NAMED[trouble], times=1, path=WRITES))

    def mend(self) -> None:
        self.simulator.faults.clear()

    def echo(self, text: str) -> bool:
        body = orjson.dumps([{"errorCode": "MALFORMED_ID", "message": text}]).decode()
        headers = {"content-type": "application/json"}
        self.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=400, body=body, headers=headers, times=1, path=WRITES)
        )
        return True

    def ports(self) -> Collection[int]:
        return ports_of(self.simulator.addresses.values())

    def expire_tokens(self) -> None:
        self.simulator.expire_sessions()

    def later(self, wait: dt.timedelta) -> None:
        self.clock.ahead += wait
        self.simulator.clock.shift(wait.total_seconds())

    def held(self) -> Sequence[Mapping[str, object]]:
        return [{**row, REMOTE_ID: row["Id"]} for row in self.simulator.rows(self.target.object)]

    def state(self) -> object:
        return {name: self.simulator.rows(name) for name in OBJECTS}

    def met(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


def _later(reason: Reason, seconds: float | None = None) -> Expected:
    wait = None if seconds is None else dt.timedelta(seconds=seconds)
    return Expected(outcome=Deferred, reason=reason, scope=Scope.CONNECTION, wait=wait)


_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
EXPECTED: Mapping[Trouble, Expected] = {
    Trouble.LIMIT: _later(Reason.UNAVAILABLE, 7),
    Trouble.LIMIT_UNTIMED: _later(Reason.RATE_LIMITED, 10),
    Trouble.QUOTA: _later(Reason.QUOTA_EXHAUSTED, 900),
    Trouble.MAINTENANCE: _later(Reason.UNAVAILABLE),
    Trouble.UNREACHABLE: _later(Reason.NETWORK),
    Trouble.SERVER_ERROR: _LOST,
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.FORBIDDEN: Expected(outcome=Blocked, reason=Reason.PERMISSION, scope=Scope.FLOW_OBJECT),
    Trouble.ONE_LOCKED: Expected(outcome=Deferred, reason=Reason.LOCKED, scope=Scope.RECORD),
    Trouble.FIELD_GONE: Expected(outcome=Blocked, reason=Reason.DRIFT, scope=Scope.FLOW_OBJECT),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.OBJECT_GONE, scope=Scope.FLOW_OBJECT),
}
