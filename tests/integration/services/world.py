"""Services on a real store, vault and engine, for one test."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.destinations.base import Destination
from formlane.destinations.catalogue import CATALOGUE
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    KeyInput,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.ids import TenantId, new_id
from formlane.domain.lanes import (
    Attempt,
    Content,
    Exceptional,
    Lease,
    LeaseRequest,
    LedgerEntry,
    NewHeld,
    Settlement,
)
from formlane.domain.sealing import Sealer, SealKind, SecretOpened
from formlane.domain.types import FieldType
from formlane.engines.builtin.engine import BuiltinEngine
from formlane.services.accounts import Accounts
from formlane.services.connections import ConnectionChange, Connections
from formlane.services.consents import Consents
from formlane.services.duties import Duties
from formlane.services.flows import Flows
from formlane.services.forms import Forms
from formlane.services.intake import Intake
from formlane.services.keys import ApiKeys
from formlane.services.ledger import Ledger
from formlane.services.ports.flows import Flow, Form
from formlane.services.recipes import Recipes
from formlane.services.records import Records
from formlane.services.replays import Replays
from formlane.services.routes import Routes
from formlane.services.tenants import Tenants
from formlane.services.tokens import TokenKeepers
from formlane.store.connect import Pool
from formlane.store.keys import PostgresKeys
from formlane.store.lanes import PostgresLanes
from formlane.store.repositories.store import PostgresStore
from formlane.vault.keyring import Keyring
from formlane.vault.local import LocalKeys
from formlane.vault.vault import Vault


class SteadyClock:
    """Real time that a test can move on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class CountingBell:
    """A doorbell that counts."""

    def __init__(self) -> None:
        self.rings = 0

    async def ring(self) -> None:
        self.rings += 1

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(0)


def flow_definition(
    *,
    inputs: Sequence[tuple[str, FieldType, bool]] = (
        ("email", FieldType.EMAIL, True),
        ("name", FieldType.STRING, False),
    ),
    key: Sequence[str] = (),
    shards: int = 2,
) -> FlowDefinition:
    """A flow that sends every input under its own name."""
    return FlowDefinition(
        inputs=tuple(Input(name=name, type=kind, required=required) for name, kind, required in inputs),
        steps=(
            Step(
                name="send",
                object="call",
                mapping=tuple(
                    FieldMapping(target=name, source=Source(kind=SourceKind.INPUT, input=name), type=kind)
                    for name, kind, _ in inputs
                ),
            ),
        ),
        key_input=KeyInput(inputs=tuple(key)) if key else None,
        shards=shards,
    )


FORM = FormDefinition(
    title="Contact us",
    fields=(
        FormField(name="mail", label="E-mail", type=FieldType.EMAIL, required=True),
        FormField(name="full_name", label="Name", type=FieldType.STRING, max_length=50),
    ),
)
BINDINGS = (Binding(input="email", field="mail"), Binding(input="name", field="full_name"))

WEBHOOK = ConnectionChange(
    name="Receiver",
    settings={"url": "https://example.com/hook"},
    secrets={"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    limits={},
)


@dataclass
class World:
    """Everything that bootstrap wires, over one pool."""

    pool: Pool
    clock: SteadyClock = field(default_factory=SteadyClock)
    bell: CountingBell = field(default_factory=CountingBell)
    opened: list[SecretOpened] = field(default_factory=list)
    mine: set[UUID] = field(default_factory=set)
    flushers: int = 4
    catalogue: Mapping[str, Destination] = field(default_factory=lambda: CATALOGUE)
    allow: Sequence[tuple[str, int]] = (("127.0.0.1", 1),)
    reach: Callable[[str], None] = lambda _name: None

    def __post_init__(self) -> None:
        self.store = PostgresStore(self.pool)
        self.keyring = Keyring(
            keys=LocalKeys({bytes(16): bytes(32)}),
            store=PostgresKeys(self.pool),
            clock=self.clock,
            environment="test",
            cell=1,
        )
        self.vault = Vault(self.keyring, audit=self._note)
        self.guard = Guard(self.allow)
        self.http = HttpClients(self.guard)
        self.engine = BuiltinEngine(self.catalogue, guard=self.guard, http=self.http, clock=self.clock)
        self.lanes = PostgresLanes(self.pool)
        self._wire_connections()
        self.tenants = Tenants(store=self.store, engine=self.engine, cell=1)
        self.keys = ApiKeys(store=self.store, clock=self.clock, cell=1)
        self.forms = Forms(store=self.store, clock=self.clock, cell=1)
        self.flows = Flows(store=self.store, engine=self.engine, accounts=self.accounts, cell=1)
        self.routes = Routes(store=self.store, cell=1)
        self.recipes = Recipes(
            store=self.store, accounts=self.accounts, destinations=self.engine.destinations()
        )
        self.intake = Intake(
            store=self.store,
            sealing=self.vault,
            lanes=self.lanes,
            doorbell=self.bell,
            clock=self.clock,
            cell=1,
            flushers=self.flushers,
        )
        self.records = Records(store=self.store, sealing=self.vault)
        self.ledger = Ledger(store=self.store)
        self.replays = Replays(store=self.store, cell=1)
        self.duties = Duties(
            store=self.store,
            engine=self.engine,
            accounts=self.accounts,
            connections=self.connections,
            flows=self.flows,
            doorbell=self.bell,
            holder="test",
        )

    def _wire_connections(self) -> None:
        self.tokens = TokenKeepers(
            store=self.store,
            sealing=self.vault,
            clock=self.clock,
            destinations=self.engine.destinations(),
            reach=self.reach,
        )
        self.accounts = Accounts(store=self.store, sealing=self.vault, clock=self.clock, tokens=self.tokens)
        self.connections = Connections(
            store=self.store,
            sealing=self.vault,
            engine=self.engine,
            accounts=self.accounts,
            tokens=self.tokens,
            guard=self.guard,
            cell=1,
        )
        self.consents = Consents(
            store=self.store,
            sealing=self.vault,
            clock=self.clock,
            accounts=self.accounts,
            connections=self.connections,
            guard=self.guard,
            http=self.http,
            base_url="https://formlane.example",
        )

    async def _note(self, opened: SecretOpened) -> None:
        self.opened.append(opened)

    async def new_tenant(self, name: str) -> UUID:
        tenant = (await self.tenants.create(name)).id
        self.mine.add(tenant)
        return tenant

    async def published(
        self, tenant: UUID, *, key: Sequence[str] = (), shards: int = 2, name: str = "Leads"
    ) -> Flow:
        """A published flow on a connection of its own."""
        change = ConnectionChange(
            name=f"{name} receiver", settings=WEBHOOK.settings, secrets=WEBHOOK.secrets, limits={"rate": 1000}
        )
        connection = await self.connections.create(tenant, "webhook", change, check=False)
        flow = await self.flows.create(
            tenant, connection.connection.id, name=name, draft=flow_definition(key=key, shards=shards)
        )
        return (await self.flows.publish(tenant, flow.flow.id)).flow

    async def attached(self, tenant: UUID, *flows: Flow) -> Form:
        """A form attached to these flows."""
        form = (await self.forms.create(tenant, FORM)).form
        for flow in flows:
            await self.routes.attach(tenant, form=form.id, flow=flow.id, bindings=BINDINGS)
        return form

    async def lease(self) -> list[Lease]:
        """What workers would be given now of this test's tenants."""
        mine: list[Lease] = []
        asked = LeaseRequest(worker="w", most=32, length=dt.timedelta(seconds=15), bytes=1 << 22)
        while leases := await self.lanes.lease(asked):
            mine += [lease for lease in leases if lease.tenant in self.mine]
        return mine

    async def deliver(self, *, rejected: int = 0, held: int = 0) -> int:
        """Settles every ready lane; returns how many windows. Of each the first are rejected, then held."""
        done = 0
        while leases := await self.lease():
            for lease in leases:
                settlement = await self.settlement(lease, rejected=rejected, held=held)
                await self.lanes.settle([settlement])
                done += 1
        return done

    async def settlement(self, lease: Lease, *, rejected: int = 0, held: int = 0) -> Settlement:
        """What a worker settles that delivered a window, but for its first records: rejected, then held."""
        places = []
        ledger = []
        assert lease.head is not None
        assert lease.to is not None
        for content in await self.lanes.contents([lease]):
            start = lease.head.offset if content.seq == lease.head.seq else 0
            end = lease.to.offset if content.seq == lease.to.seq else content.records
            places += [(content, offset) for offset in range(start, end)]
        release = lease.release
        sealer = await self.vault.sealer(TenantId(lease.tenant))
        exceptions, waiting = [], []
        for number, (content, offset) in enumerate(places):
            minute = content.accepted_at.replace(second=0, microsecond=0)
            index = offset if content.rows is None else content.rows[offset]
            if number < rejected:
                exceptions.append(_rejected(sealer, content, index, release))
                ledger.append(LedgerEntry(source=content.source, minute=minute, rejected=1))
            elif number < rejected + held:
                waiting.append(_waiting(content, offset, release))
            else:
                ledger.append(LedgerEntry(source=content.source, minute=minute, delivered=1, bucket=3))
        return Settlement(
            lane=lease.lane,
            token=lease.token,
            position=lease.to,
            moved=len(places),
            progress=True,
            finished=True,
            given_back=True,
            attempts=(_attempt(sealer, lease, len(places), len(places) - rejected - held),),
            exceptions=tuple(exceptions),
            held=tuple(waiting),
            ledger=tuple(ledger),
        )


def _rejected(sealer: Sealer, content: Content, index: int, release: int) -> Exceptional:
    detail = orjson.dumps({"message": "No such customer.", "fields": ["email"], "code": "X1", "text": None})
    return Exceptional(
        batch=content.batch,
        index=index,
        source=content.source,
        step=0,
        status="rejected",
        reason="refused",
        release=release,
        fingerprint=b"12345678",
        detail=sealer.seal(SealKind.OUTCOMES, content.batch, detail, field="exception", version=index),
    )


def _waiting(content: Content, offset: int, release: int) -> NewHeld:
    return NewHeld(
        key=None,
        queue=content.queue,
        seq=content.seq,
        position=offset,
        step=0,
        release=release,
        attempt=1,
        retry=dt.timedelta(hours=1),
        reason="locked",
    )


def _attempt(sealer: Sealer, lease: Lease, records: int, delivered: int) -> Attempt:
    assert lease.head is not None
    assert lease.to is not None
    id_ = new_id(1)
    trace = orjson.dumps({"request": "POST /hook", "status": 200, "response": "ok"})
    return Attempt(
        id=id_,
        call=new_id(1),
        step=0,
        queue=lease.queue,
        start=lease.head,
        end=lease.to,
        release=lease.release,
        number=1,
        started_at=dt.datetime.now(dt.UTC),
        milliseconds=7,
        records=records,
        delivered=delivered,
        outcome="delivered",
        exchange=sealer.seal(SealKind.EXCHANGE, id_, trace),
        results=sealer.seal(SealKind.OUTCOMES, id_, orjson.dumps(["r1"]), field="results"),
    )
