"""A Jira site on loopback, and a connector to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from formlane.destinations.base import Call, CallRecord, Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.jira.connector import JIRA, JiraConnector
from formlane.destinations.tokens import TokenKeeper
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.types import Json
from formlane_sandbox.clock import Clock as SandboxClock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.settings import (
    API_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    EMAIL,
    PERSONAL_TOKEN,
    REFRESH_TOKEN,
    Deployment,
    usual,
)
from formlane_sandbox.jira.simulator import JiraDataCenter, JiraSimulator
from formlane_sandbox.server import running
from tests.contract.destinations.stand_ins import KeptJournal, MovingClock

CALL_ID = UUID("0192a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
TASK = "HELP/10001"


@dataclass(kw_only=True)
class JiraWorld:
    """A site, a connector, and the clocks of both."""

    simulator: JiraSimulator
    connector: JiraConnector
    equipment: Equipment
    clock: MovingClock
    site_clock: SandboxClock
    journal: KeptJournal = field(default_factory=KeptJournal)

    def call(
        self,
        records: Sequence[Mapping[str, Json]],
        *,
        operation: Operation = Operation.INSERT,
        object: str = TASK,  # noqa: A002 - as the contract calls it
        match_key: tuple[str, ...] = (),
        tracking_field: str | None = "labels",
        attempt: int = 1,
        no_match: NoMatch = NoMatch.REJECT,
        several_matches: SeveralMatches = SeveralMatches.REJECT,
        options: Mapping[str, Json] | None = None,
    ) -> Call:
        """A call of these records; the tracking keys are t0, t1 …"""
        columns = tuple(dict.fromkeys(name for record in records for name in record))
        return Call(
            id=CALL_ID,
            object=object,
            operation=operation,
            records=[
                CallRecord(f"b:{number}", f"t{number}" if tracking_field else "", fields)
                for number, fields in enumerate(records)
            ],
            columns=columns,
            match_key=match_key,
            tracking_field=tracking_field,
            attempt=attempt,
            no_match=no_match,
            several_matches=several_matches,
            options=options or {},
        )

    def arm(
        self, name: str, *, times: int | None = 1, skip: int = 0, path: str = "*", **detail: str | int | None
    ) -> None:
        """Arms a fault of Jira's own."""
        fault = Fault(kind=Kind.NAMED, name=name, times=times, skip=skip, path=path, detail={**detail})
        self.simulator.faults.arm(fault)

    def issues(self) -> list[Mapping[str, object]]:
        """All issues as the site shows them, eldest first."""
        return [self.simulator.document(one.key) for one in self.simulator.site.issues.by_id.values()]


@asynccontextmanager
async def jira_world(
    *,
    data_center: bool = False,
    settings: Mapping[str, Json] | None = None,
    secrets: Mapping[str, str] | None = None,
    time_scale: float = 1.0,
    tokens_kept: TokenKeeper | None = None,
    **site: object,
) -> AsyncIterator[JiraWorld]:
    """A Cloud site with its API token, or a Data Center with its personal access token."""
    site_clock, clock = SandboxClock(), MovingClock()
    if data_center:
        simulator: JiraSimulator = JiraDataCenter(usual(Deployment.DATA_CENTER, **site), clock=site_clock)
        given: dict[str, Json] = {"deployment": "data_center", "auth": "personal_token"}
        known = {"token": PERSONAL_TOKEN}
    else:
        simulator = JiraSimulator(usual(Deployment.CLOUD, **site), clock=site_clock)
        given = {"user": EMAIL}
        known = {"token": API_TOKEN}
    async with running(simulator):
        url = simulator.url
        guard = Guard(allow=[("127.0.0.1", int(url.rpartition(":")[2]))])
        given |= {"site_url": simulator.base_url, "api_url": url, "auth_url": url, **(settings or {})}
        known = known if secrets is None else dict(secrets)
        http = HttpClients(guard)
        equipment = Equipment(
            settings=JIRA.validate(given, known, guard),
            secrets=known,
            account="a",
            guard=guard,
            http=http,
            clock=clock,
            tokens=tokens_kept,
            time_scale=time_scale,
        )
        connector = JiraConnector(equipment)
        try:
            yield JiraWorld(
                simulator=simulator,
                connector=connector,
                equipment=equipment,
                clock=clock,
                site_clock=site_clock,
            )
        finally:
            await connector.close()
            await http.close()


OAUTH: Mapping[str, Json] = {"auth": "oauth", "client_id": CLIENT_ID}
OAUTH_SECRETS: Mapping[str, str] = {"client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
