"""Services on a real store, vault and engine, for one test."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

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
from formlane.domain.lanes import Lease, LeaseRequest, LedgerEntry, Settlement
from formlane.domain.sealing import SecretOpened
from formlane.domain.types import FieldType
from formlane.engines.builtin.engine import BuiltinEngine
from formlane.services.accounts import Accounts
from formlane.services.connections import ConnectionChange, Connections
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
    flushers: int = 4

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
        self.guard = Guard([("127.0.0.1", 1)])
        self.engine = BuiltinEngine(
            CATALOGUE, guard=self.guard, http=HttpClients(self.guard), clock=self.clock
        )
        self.lanes = PostgresLanes(self.pool)
        self.accounts = Accounts(store=self.store, sealing=self.vault, clock=self.clock)
        self.tenants = Tenants(store=self.store, engine=self.engine, cell=1)
        self.keys = ApiKeys(store=self.store, clock=self.clock, cell=1)
        self.connections = Connections(
            store=self.store,
            sealing=self.vault,
            engine=self.engine,
            accounts=self.accounts,
            guard=self.guard,
            cell=1,
        )
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
            doorbell=self.bell,
            holder="test",
        )

    async def _note(self, opened: SecretOpened) -> None:
        self.opened.append(opened)

    async def new_tenant(self, name: str) -> UUID:
        return (await self.tenants.create(name)).id

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

    async def lease(self, most: int = 32) -> list[Lease]:
        """What a worker would be given now."""
        return await self.lanes.lease(
            LeaseRequest(worker="w", most=most, length=dt.timedelta(seconds=15), bytes=1 << 22)
        )

    async def deliver(self, settlements: Mapping[UUID, Settlement] | None = None) -> int:
        """Settles every ready lane as delivered; returns how many windows."""
        done = 0
        while leases := await self.lease():
            for lease in leases:
                await self.lanes.settle([await self.settlement(lease)])
                done += 1
        return done

    async def settlement(self, lease: Lease) -> Settlement:
        """What a worker settles that delivered a whole window, with its ledger entries."""
        entries = []
        moved = 0
        for content in await self.lanes.contents([lease]):
            assert lease.head is not None
            assert lease.to is not None
            start = lease.head.offset if content.seq == lease.head.seq else 0
            end = lease.to.offset if content.seq == lease.to.seq else content.records
            moved += end - start
            minute = content.accepted_at.replace(second=0, microsecond=0)
            entries.append(LedgerEntry(source=content.source, minute=minute, delivered=end - start, bucket=3))
        return Settlement(
            lane=lease.lane,
            token=lease.token,
            position=lease.to,
            moved=moved,
            progress=True,
            finished=True,
            given_back=True,
            ledger=tuple(entries),
        )
