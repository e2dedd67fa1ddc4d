"""A webhook: a receiver that takes any record, and a token server in front of it."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.webhook.connector import WEBHOOK
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import Json
from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.server import running
from formlane_sandbox.webhook.settings import HookSettings, ReceiverSettings
from formlane_sandbox.webhook.simulator import WebhookReceiver
from tests.contract.destinations.suite.equipment import Connected, ports_of
from tests.contract.destinations.suite.place import Expected, Refused, Target, Trouble
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer, token_server

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
STATUS: Mapping[Trouble, int] = {
    Trouble.LIMIT_UNTIMED: 429,
    Trouble.QUOTA: 402,
    Trouble.SERVER_ERROR: 500,
    Trouble.FORBIDDEN: 403,
    Trouble.OBJECT_GONE: 410,
}
WAITS: Mapping[Trouble, tuple[int, int]] = {Trouble.LIMIT: (429, 30), Trouble.MAINTENANCE: (503, 120)}
BROKEN: Mapping[Trouble, Kind] = {
    Trouble.LOST_ANSWER: Kind.RESET,
    Trouble.LOST_REQUEST: Kind.CLOSE,
    Trouble.SLOW: Kind.TIMEOUT,
}

TARGET = Target(object="call", key="id", text="text", line="line", number="number", types={})
REFUSED = Refused(values={"text": "half \ud800"}, reason=Reason.NOT_ENCODABLE)


@dataclass
class WebhookPlace(Connected):
    """Signed messages of many records, with an access token; a message that comes twice counts once."""

    name: str = "webhook"
    destination: Destination = WEBHOOK
    operation: Operation = Operation.INSERT
    renews: bool = True
    remote_ids: bool = False
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: EXPECTED)
    simulator: WebhookReceiver = field(init=False)
    server: TokenServer = field(init=False)

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        settings = ReceiverSettings(default=HookSettings(secrets=(SECRET,)))
        async with (
            running(WebhookReceiver(settings, clock=Clock())) as self.simulator,
            token_server() as self.server,
        ):
            given: Mapping[str, Json] = {
                "url": self.simulator.hook_url("suite"),
                "auth": "oauth",
                "token_url": self.server.token_url,
                "client_id": CLIENT_ID,
                "allow_http": True,
            }
            secrets = {"client_secret": CLIENT_SECRET, "signing_secret": SECRET}
            urls = (self.simulator.url, self.server.url)
            async with self.connect(given, secrets, urls=urls, time_scale=time_scale):
                yield

    async def arm(self, trouble: Trouble) -> None:
        arm = self.simulator.faults.arm
        if trouble is Trouble.UNREACHABLE:
            await self.simulator.stop()
            await self.connector.close()
        elif trouble is Trouble.REVOKED:
            self.server.stillborn = True
            arm(Fault(kind=Kind.STATUS, status=401))
        elif trouble in BROKEN:
            arm(Fault(kind=BROKEN[trouble], commit=trouble is not Trouble.LOST_REQUEST, times=1))
        elif trouble in WAITS:
            status, wait = WAITS[trouble]
            arm(Fault(kind=Kind.STATUS, status=status, retry_after=wait, times=1))
        else:
            times = None if trouble is Trouble.OBJECT_GONE else 1
            arm(Fault(kind=Kind.STATUS, status=STATUS[trouble], times=times))

    def mend(self) -> None:
        self.simulator.faults.clear()
        self.server.stillborn = False

    def echo(self, text: str) -> bool:
        body = orjson.dumps({"error": text}).decode()
        headers = {"content-type": "application/json"}
        self.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=400, body=body, headers=headers, times=1, path="*")
        )
        return True

    def ports(self) -> Collection[int]:
        return ports_of((self.simulator.url, self.server.url))

    def expire_tokens(self) -> None:
        self.simulator.faults.arm(Fault(kind=Kind.STATUS, status=401, times=1))

    def later(self, wait: dt.timedelta) -> None:
        self.clock.ahead += wait
        self.simulator.clock.shift(wait.total_seconds())

    def held(self) -> Sequence[Mapping[str, object]]:
        arrivals = self.simulator.receiver.arrivals.newest
        first = [one for one in arrivals if one.status == 200 and one.repeat_of is None]
        return [record for one in first for record in orjson.loads(one.body)["records"]]

    def state(self) -> object:
        return self.simulator.receiver.arrivals.last_seq

    def met(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


def _later(reason: Reason, seconds: float | None = None) -> Expected:
    wait = None if seconds is None else dt.timedelta(seconds=seconds)
    return Expected(outcome=Deferred, reason=reason, scope=Scope.CONNECTION, wait=wait)


_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
EXPECTED: Mapping[Trouble, Expected] = {
    Trouble.LIMIT: _later(Reason.RATE_LIMITED, 30),
    Trouble.LIMIT_UNTIMED: _later(Reason.RATE_LIMITED),
    Trouble.QUOTA: _later(Reason.QUOTA_EXHAUSTED),
    Trouble.MAINTENANCE: _later(Reason.UNAVAILABLE, 120),
    Trouble.UNREACHABLE: _later(Reason.NETWORK),
    Trouble.SERVER_ERROR: _later(Reason.UNAVAILABLE),
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.FORBIDDEN: Expected(outcome=Deferred, reason=Reason.PERMISSION, scope=Scope.RECORD),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.ENDPOINT_GONE, scope=Scope.CONNECTION),
}
