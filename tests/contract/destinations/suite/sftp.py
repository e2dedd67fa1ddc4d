"""SFTP: CSV files on a real OpenSSH server, reached through a proxy that can spoil the line."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from formlane.destinations.base import Destination
from formlane.destinations.sftp import SFTP
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from tests.contract.destinations.stand_ins import KeptJournal
from tests.contract.destinations.suite.equipment import Connected
from tests.contract.destinations.suite.place import REMOTE_ID, Expected, Refused, Target, Trouble
from tests.proxy import End, Plan, Proxy, running_proxy
from tests.sshd import Sshd, running_sshd

TARGET = Target(
    object="csv",
    key="id",
    text="text",
    line="line",
    number="number",
    types={"number": FieldType.DECIMAL},
    extra={"number": 1},
)
REFUSED = Refused(values={"text": "a\x00b"}, reason=Reason.NOT_ENCODABLE, fields=("text",))


@dataclass
class SftpPlace(Connected):
    """One CSV file per call, in a directory of its own."""

    name: str = "sftp"
    destination: Destination = SFTP
    operation: Operation = Operation.INSERT
    renews: bool = False
    remote_ids: bool = True
    options: Mapping[str, Json] = field(default_factory=lambda: {"directory": "in"})
    target: Target = TARGET
    refused: Refused = REFUSED
    expected: Mapping[Trouble, Expected] = field(default_factory=lambda: EXPECTED)
    server: Sshd = field(init=False)
    proxy: Proxy = field(init=False)
    plan: Plan | None = None

    @asynccontextmanager
    async def running(self, *, time_scale: float = 1.0) -> AsyncIterator[None]:
        with running_sshd() as self.server:
            (self.server.root / "in").mkdir()
            async with running_proxy(self.server.host, self.server.port) as self.proxy:
                given: Mapping[str, Json] = {
                    "host": self.proxy.host,
                    "port": self.proxy.port,
                    "username": self.server.user,
                    "host_keys": list(self.server.host_keys),
                    "base_dir": str(self.server.root),
                }
                secrets = {"private_key": self.server.client_key.read_text()}
                urls = (f"sftp://{self.proxy.host}:{self.proxy.port}",)
                async with self.connect(given, secrets, urls=urls, time_scale=time_scale):
                    yield

    async def arm(self, trouble: Trouble) -> None:
        match trouble:
            case Trouble.UNREACHABLE:
                self.server.stop()
            case Trouble.LOST_ANSWER:
                self.plan = Plan(drop_replies_after=0)
            case Trouble.SLOW:
                self.plan = Plan(drop_replies_after=0, then=End.SILENCE)
            case Trouble.LOST_REQUEST:
                self.plan = Plan(cut_requests_after=0)
            case Trouble.REVOKED:
                await self.connector.close()
                self.server.make_key("client_key")
            case Trouble.OBJECT_GONE:
                shutil.rmtree(self.server.root / "in")
            case _:
                raise AssertionError(trouble)

    def saved(self, state: bytes) -> None:
        """What was armed for the line comes into force once the file is about to be renamed."""
        if self.plan is not None and b'"renaming"' in state:
            self.proxy.plan, self.plan = self.plan, None

    def expire_tokens(self) -> None:
        raise AssertionError("there are none")

    def later(self, wait: dt.timedelta) -> None:
        self.clock.ahead += wait

    def held(self) -> Sequence[Mapping[str, object]]:
        files = sorted(path for path in (self.server.root / "in").iterdir() if path.name[0] != ".")
        return [
            {**row, REMOTE_ID: f"{path.name}#{number}"}
            for path in files
            for number, row in enumerate(
                csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")), 1
            )
        ]

    def state(self) -> object:
        return {str(path): path.stat().st_size for path in self.server.root.rglob("*")}

    def met(self) -> int:
        return int(self.proxy.spoiled.is_set())

    def mend(self) -> None:
        self.plan, self.proxy.plan = None, Plan()

    def echo(self, text: str) -> bool:
        return False

    def ports(self) -> Collection[int]:
        return {self.proxy.port}

    def journal(self) -> KeptJournal:
        self.journals += 1
        return KeptJournal(sequence=self.journals, on_save=self.saved)


_LATER = Expected(outcome=Deferred, reason=Reason.NETWORK, scope=Scope.CONNECTION)
_LOST = Expected(outcome=Uncertain, reason=Reason.ANSWER_LOST)
EXPECTED: Mapping[Trouble, Expected] = {
    Trouble.UNREACHABLE: _LATER,
    Trouble.LOST_ANSWER: _LOST,
    Trouble.LOST_REQUEST: _LOST,
    Trouble.SLOW: _LOST,
    Trouble.REVOKED: Expected(outcome=Blocked, reason=Reason.CREDENTIALS, scope=Scope.CONNECTION),
    Trouble.OBJECT_GONE: Expected(outcome=Blocked, reason=Reason.CONFIGURATION, scope=Scope.FLOW_OBJECT),
}
