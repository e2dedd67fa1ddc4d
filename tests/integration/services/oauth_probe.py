"""A kind of destination that does nothing but show an access token, and a world with it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    CheckStep,
    Destination,
    Equipment,
    FieldInfo,
    Journal,
    ObjectInfo,
    OperationSpec,
    Resend,
    Setting,
)
from formlane.destinations.egress import Guard
from formlane.destinations.http import Answer
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.destinations.oauth import OAuth, RefreshToken
from formlane.destinations.settings import read_settings
from formlane.destinations.tokens import Consent, Token, TokenKeeper
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Outcome, Reason, Uncertain
from formlane.domain.types import Json
from formlane.services.connections import ConnectionChange
from formlane.store.connect import Pool
from tests.integration.services.world import SteadyClock, World
from tests.token_server import CLIENT_ID, CLIENT_SECRET, TokenServer

SETTINGS = (
    Setting(name="url", label="Address", required=True),
    Setting(name="client_id", label="Client id", default=CLIENT_ID),
    Setting(name="consents", label="Asks for consent", default="yes"),
    Setting(name="client_secret", label="Client secret", secret=True),
    Setting(name="refresh_token", label="Refresh token", secret=True),
)


class Probe:
    """Shows its token to the resource, once more when it is turned down."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._url = str(equipment.settings["url"])
        grant = RefreshToken(
            token_url=f"{self._url}/token",
            client_id=str(equipment.settings["client_id"]),
            client_secret=equipment.secrets["client_secret"],
            refresh_token=equipment.secrets.get("refresh_token", ""),
            style="json",
        )
        self._oauth = OAuth(grant, equipment=equipment)

    async def show(self) -> Outcome:
        token = await self._oauth.token()
        if not isinstance(token, Token):
            return token
        if await self._opens(token):
            return DELIVERED
        token = await self._oauth.token(refused=token)
        if not isinstance(token, Token):
            return token
        return DELIVERED if await self._opens(token) else Uncertain(reason=Reason.ANSWER_LOST, message="?")

    async def _opens(self, token: Token) -> bool:
        client = await self._equipment.http.client(self._equipment.account)
        headers = {"Authorization": f"Bearer {token.access}"}
        answer = await client.request("GET", f"{self._url}/resource", headers=headers, timeout=10)
        return isinstance(answer, Answer) and answer.status == 204

    async def check(self) -> CheckReport:
        outcome = await self.show()
        text = getattr(outcome, "message", "")
        return CheckReport(steps=(CheckStep(name="access", passed=outcome == DELIVERED, message=text),))

    async def objects(self) -> Sequence[ObjectInfo]:
        return [ObjectInfo(name="call", label="Call", operations=(Operation.INSERT,), open_fields=True)]

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        return []

    async def send(self, call: Call, journal: Journal) -> CallResult:
        return CallResult.whole(await self.show(), len(call.records))

    async def find(self, call: Call) -> CallResult:
        raise NotImplementedError

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        raise NotImplementedError

    async def close(self) -> None:
        await self._equipment.http.forget(self._equipment.account)


def _validate(settings: Mapping[str, Json], _secrets: Mapping[str, str], _guard: Guard) -> Mapping[str, Json]:
    return read_settings(SETTINGS, settings)


PROBE = Destination(
    kind="probe",
    label="Probe",
    summary="Shows its token.",
    settings=SETTINGS,
    operations=(
        OperationSpec(
            operation=Operation.INSERT,
            resend=Resend.RESEND_SAFE,
            max_records=10,
            max_bytes=10_000,
            deadline=dt.timedelta(seconds=30),
        ),
    ),
    connect=Probe,
    validate=_validate,
    consent=Consent(
        authorize_url=lambda settings: f"{settings['url']}/authorize" if settings["consents"] else None,
        token_url=lambda settings: f"{settings['url']}/token",
        scopes=("read", "offline_access"),
        extra={"prompt": "consent"},
        style="json",
    ),
)
PLAIN = Destination(
    kind="plain",
    label="Plain",
    summary="Knows no consent.",
    settings=SETTINGS,
    operations=PROBE.operations,
    connect=Probe,
    validate=_validate,
)


class RealClock(SteadyClock):
    """Real time that a test can move on, and that really sleeps."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


def probe_world(pool: Pool, port: int, *, reach: Callable[[str], None] = lambda _name: None) -> World:
    """A world with the probe, as one process has it."""
    return World(
        pool,
        clock=RealClock(),
        catalogue={"probe": PROBE, "plain": PLAIN},
        allow=[("127.0.0.1", port)],
        reach=reach,
    )


@asynccontextmanager
async def probing(pool: Pool, server: TokenServer) -> AsyncIterator[tuple[World, UUID]]:
    """A world with the probe, and a tenant."""
    world = probe_world(pool, server.port)
    yield world, await world.new_tenant(f"Alice {uuid4().hex}")
    await world.engine.close()
    await world.http.close()


def change(server: TokenServer, refresh: str | None, **settings: Json) -> ConnectionChange:
    """What is entered for a connection; without a refresh token, one that waits for consent."""
    secrets = {"client_secret": CLIENT_SECRET}
    if refresh is not None:
        secrets["refresh_token"] = refresh
    return ConnectionChange(
        name="CRM", settings={"url": server.url, **settings}, secrets=dict(secrets), limits={}
    )


async def connect(world: World, tenant: UUID, server: TokenServer, refresh: str | None = None) -> UUID:
    """A connection with a refresh token of its own that nobody has used."""
    entered = change(server, refresh or server.new_refresh())
    return (await world.connections.create(tenant, "probe", entered, check=False)).connection.id


async def keeper_of(world: World, tenant: UUID, connection: UUID) -> TokenKeeper:
    world.accounts.forget(connection)
    keeper = (await world.accounts.get(tenant, connection)).tokens()
    assert keeper is not None
    return keeper


async def oauth_of(world: World, tenant: UUID, connection: UUID) -> OAuth:
    """Access as a connector of this world's process has it."""
    world.accounts.forget(connection)
    account = await world.accounts.get(tenant, connection)
    secrets = await account.secrets()
    grant = RefreshToken(
        token_url=f"{account.settings['url']}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        refresh_token=secrets.get("refresh_token", ""),
        style="json",
    )
    equipment = Equipment(
        settings=account.settings,
        secrets=secrets,
        account=uuid4().hex,
        guard=world.guard,
        http=world.http,
        clock=world.clock,
        tokens=account.tokens(),
    )
    return OAuth(grant, equipment=equipment)
