"""Jira: tasks of a simulated Cloud site, reached by OAuth, and of a Data Center, by personal token."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.jira.connector import JIRA
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.drift import DropType, PlaceField
from formlane_sandbox.jira.settings import (
    CLIENT_ID,
    CLIENT_SECRET,
    PERSONAL_TOKEN,
    REFRESH_TOKEN,
    Deployment,
    usual,
)
from formlane_sandbox.jira.simulator import JiraDataCenter, JiraSimulator
from formlane_sandbox.server import running
from tests.contract.destinations.suite.equipment import Connected, ports_of
from tests.contract.destinations.suite.place import REMOTE_ID, Expected, Refused, Target, Trouble

BULK = "*/issue/bulk"
WRITES = (("POST", BULK, 1), ("PUT", "*/issue/*", 2), ("DELETE", "*/issue/*", 2))
"""What creates goes as one request, what changes or deletes as one for each of two records."""

NAMED: Mapping[Trouble, str] = {Trouble.MAINTENANCE: "maintenance", Trouble.REVOKED: "revoked"}
STATUS: Mapping[Trouble, int] = {Trouble.SERVER_ERROR: 500, Trouble.FORBIDDEN: 403}
BROKEN: Mapping[Trouble, Kind] = {
    Trouble.LOST_ANSWER: Kind.RESET,
    Trouble.LOST_REQUEST: Kind.CLOSE,
    Trouble.SLOW: Kind.TIMEOUT,
}

TARGET = Target(
    object="HELP/10001",
    key="customfield_10211",
    text="description",
    line="summary",
    number="customfield_10206",
    types={"description": FieldType.TEXT, "customfield_10206": FieldType.DECIMAL},
    text_limit=32_767,
    line_limit=255,
    removed="description",
    match="customfield_10211",
    tracking="labels",
)
REFUSED = Refused(
    values={"customfield_10209": "Enormous"},
    reason=Reason.INVALID_VALUE,
    fields=("customfield_10209",),
)


@dataclass
class JiraPlace(Connected):
    """Tasks; the name of a record is a label in a field of labels, since only such can be searched."""

    name: str = "jira cloud"
    destination: Destination = JIRA
    operation: Operation = Operation.INSERT
    renews: bool = True
    remote_ids: bool = True
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: CLOUD)
    simulator: JiraSimulator = field(init=False)

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        async with running(self._made()) as self.simulator:
            url = self.simulator.url
            given: dict[str, Json] = {
                "site_url": self.simulator.base_url,
                "allow_http": True,
                "allow_delete": True,
            }
            settings, secrets = self._credentials(url)
            async with self.connect(given | settings, secrets, urls=(url,), time_scale=time_scale):
                yield

    def _made(self) -> JiraSimulator:
        return JiraSimulator(usual(Deployment.CLOUD), clock=Clock())

    def _credentials(self, url: str) -> tuple[dict[str, Json], dict[str, str]]:
        return {"auth": "oauth", "client_id": CLIENT_ID, "api_url": url, "auth_url": url}, {
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }

    async def arm(self, trouble: Trouble) -> None:
        arm = self.simulator.faults.arm
        match trouble:
            case Trouble.LIMIT:
                self._limit("jira-burst-based", 7)
            case Trouble.LIMIT_UNTIMED:
                self._limit("jira-burst-based", None)
            case Trouble.QUOTA:
                self._limit("jira-quota-global-based", None)
            case Trouble.UNREACHABLE:
                await self.simulator.stop()
                await self.connector.close()
            case Trouble.ONE_LOCKED:
                detail: dict[str, str | int | float | bool | None] = {"status": 429, "message": "busy"}
                arm(Fault(kind=Kind.NAMED, name="element", skip=1, times=1, detail=detail))
            case Trouble.FIELD_GONE:
                self.simulator.alter(PlaceField(field=self.target.removed, create=False, edit=False))
            case Trouble.OBJECT_GONE:
                self.simulator.alter(DropType(type=self.target.object.partition("/")[2]))
            case _ if trouble in BROKEN:
                commit = trouble is not Trouble.LOST_REQUEST
                for method, path, times in WRITES:
                    arm(Fault(kind=BROKEN[trouble], commit=commit, times=times, method=method, path=path))
            case _ if trouble in STATUS:
                arm(Fault(kind=Kind.STATUS, status=STATUS[trouble], body="{}", times=1, path=BULK))
            case Trouble.REVOKED:
                self.simulator.grants.revoke()
                arm(Fault(kind=Kind.NAMED, name="revoked"))
            case _:
                arm(Fault(kind=Kind.NAMED, name=NAMED[trouble], times=1, path=BULK))

    def _limit(self, reason: str, wait: int | None) -> None:
        detail: dict[str, str | int | float | bool | None] = {"reason": reason, "retry_after": wait}
        self.simulator.faults.arm(
            Fault(kind=Kind.NAMED, name="rate_limit", times=1, path=BULK, detail=detail)
        )

    def mend(self) -> None:
        self.simulator.faults.clear()

    def echo(self, text: str) -> bool:
        body = orjson.dumps({"errorMessages": [text], "errors": {}}).decode()
        headers = {"content-type": "application/json"}
        self.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=400, body=body, headers=headers, times=1, path=BULK)
        )
        return True

    def ports(self) -> Collection[int]:
        return ports_of(self.simulator.addresses.values())

    def expire_tokens(self) -> None:
        self.simulator.grants.expire()

    def later(self, wait: dt.timedelta) -> None:
        self.clock.ahead += wait
        self.simulator.clock.shift(wait.total_seconds())

    def held(self) -> Sequence[Mapping[str, object]]:
        issues: list[Any] = [self.simulator.document(key) for key in self.simulator.site.issues.by_key]
        return [
            {
                REMOTE_ID: issue["key"],
                self.target.key: (issue["fields"][self.target.key] or [""])[0],
                self.target.line: issue["fields"][self.target.line],
                self.target.text: text_of(issue["fields"].get(self.target.text)),
                self.target.number: issue["fields"][self.target.number],
            }
            for issue in issues
        ]

    def state(self) -> object:
        return {key: self.simulator.document(key) for key in self.simulator.site.issues.by_key}

    def met(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


@dataclass
class DataCenterPlace(JiraPlace):
    """The same on a Data Center: plain text, and a token that neither ends nor is renewed."""

    name: str = "jira data center"
    renews: bool = False
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: DATA_CENTER)

    def _made(self) -> JiraSimulator:
        return JiraDataCenter(usual(Deployment.DATA_CENTER), clock=Clock())

    def _credentials(self, url: str) -> tuple[dict[str, Json], dict[str, str]]:
        return {"deployment": "data_center", "auth": "personal_token"}, {"token": PERSONAL_TOKEN}


def text_of(value: Any) -> str:
    """A text as it was written: of an Atlassian document, one line per paragraph and per break."""
    if value is None or isinstance(value, str):
        return value or ""
    return "\n".join(
        "".join(
            "\n" if node["type"] == "hardBreak" else node["text"] for node in paragraph.get("content", ())
        )
        for paragraph in value["content"]
    )


def _later(reason: Reason, seconds: float | None = None) -> Expected:
    wait = None if seconds is None else dt.timedelta(seconds=seconds)
    return Expected(outcome=Deferred, reason=reason, scope=Scope.CONNECTION, wait=wait)


_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
DATA_CENTER: Mapping[Trouble, Expected] = {
    Trouble.LIMIT: _later(Reason.RATE_LIMITED, 7),
    Trouble.LIMIT_UNTIMED: _later(Reason.RATE_LIMITED, 5),
    Trouble.MAINTENANCE: _later(Reason.UNAVAILABLE, 60),
    Trouble.UNREACHABLE: _later(Reason.NETWORK),
    Trouble.SERVER_ERROR: _LOST,
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.FORBIDDEN: Expected(outcome=Blocked, reason=Reason.PERMISSION, scope=Scope.CONNECTION),
    Trouble.ONE_LOCKED: Expected(outcome=Deferred, reason=Reason.RATE_LIMITED, scope=Scope.RECORD),
    Trouble.FIELD_GONE: Expected(outcome=Blocked, reason=Reason.DRIFT, scope=Scope.FLOW_OBJECT),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.OBJECT_GONE, scope=Scope.FLOW_OBJECT),
}
CLOUD: Mapping[Trouble, Expected] = {**DATA_CENTER, Trouble.QUOTA: _later(Reason.QUOTA_EXHAUSTED, 60)}
