"""Who takes part: tenants, their connections, flows and forms, and how records are pushed to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from formlane.bootstrap.hub import Hub
from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.ids import to_text
from formlane.domain.secrets import KeyMode
from formlane.domain.types import Json
from formlane.mapping.codec import definition_from_json
from formlane.services.connections import ConnectionChange
from formlane.services.ports.tenancy import KeyScope
from tests.chaos.installation import Installation

NOBODY: Final = UUID(int=0)
INPUTS: Final = {"id": "string", "who": "string", "key": "string", "n": "integer", "text": "text"}
LIMITS: Final[Mapping[str, Json]] = {"rate": 5_000.0, "concurrency": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that takes records: a form or a flow. `flows` receive each of them.

    `size`: records of a request. `share`: its part of all records.
    """

    tenant: str
    name: str
    path: str
    token: str
    flows: tuple[str, ...]
    size: int
    share: float
    keys: int = 40


@dataclass(slots=True)
class Cast:
    """Everybody. `flows`: name of hook or directory → (tenant, flow) as the store knows them."""

    sources: list[Source] = field(default_factory=list)
    flows: dict[str, tuple[UUID, UUID]] = field(default_factory=dict)
    ordered: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)
    """Directory of a file flow → what its consumer does with a file: leave, move, delete."""


async def assemble(place: Installation, *, tenants: int = 3) -> Cast:
    """Sets everything up through the product's services."""
    cast = Cast()
    async with place.hub() as hub:
        for number, habit in zip(range(tenants), ("leave", "move", "delete"), strict=False):
            await _Tenant(hub, place, cast, f"t{number}", habit).enter()
    return cast


def flow_draft(flow: str, *, keyed: bool, shards: int, **more: Any) -> FlowDefinition:
    """A flow that hands all fields through and adds its own name."""
    step = {
        "name": "out",
        "object": "call",
        "operation": "insert",
        "mapping": [
            {"target": "flow", "source": {"kind": "constant", "constant": flow}},
            *(
                {"target": name, "type": kind, "source": {"kind": "input", "input": name}}
                for name, kind in INPUTS.items()
            ),
        ],
        **more.pop("step", {}),
    }
    document = {
        "inputs": [{"name": name, "type": kind, "required": True} for name, kind in INPUTS.items()],
        "shards": shards,
        "steps": [step],
        **more,
    }
    if keyed:
        document["key_input"] = {"inputs": ["key"]}
    return definition_from_json(FlowDefinition, document)


@dataclass(slots=True)
class _Tenant:
    hub: Hub
    place: Installation
    cast: Cast
    name: str
    habit: str
    id: UUID = NOBODY
    token: str = ""

    async def enter(self) -> None:
        self.id = (await self.hub.tenants.create(self.name)).id
        made = await self.hub.keys.create(self.id, "campaign", scopes=[KeyScope.PUSH], mode=KeyMode.TEST)
        self.token = made.token.reveal()
        await self._form()
        await self._single()
        await self._files()

    async def _form(self) -> None:
        """A form whose records go to two flows on one connection: with a key, and without."""
        fields = [
            {"name": name, "label": name, "type": kind, "required": True} for name, kind in INPUTS.items()
        ]
        definition = definition_from_json(FormDefinition, {"title": "Orders", "fields": fields})
        form = (await self.hub.forms.create(self.id, definition)).form.id
        hook = await self._hook("batches", body="wrapped", batch_size=50)
        names = []
        for kind, keyed, shards in (("keyed", True, 8), ("keyless", False, 4)):
            name = f"{self.name}-{kind}"
            flow = await self._flow(name, hook, flow_draft(name, keyed=keyed, shards=shards))
            bindings = [Binding(input=one, field=one) for one in INPUTS]
            await self.hub.routes.attach(self.id, form=form, flow=flow, bindings=bindings)
            names.append(name)
        self.cast.ordered.add(names[0])
        path = f"/v1/forms/{to_text('form', form)}/batches"
        self._add("form", path, tuple(names), size=25, share=0.6)

    async def _single(self) -> None:
        name = f"{self.name}-single"
        hook = await self._hook("single", body="single")
        flow = await self._flow(name, hook, flow_draft(name, keyed=True, shards=6))
        self.cast.ordered.add(name)
        self._add("single", _flow_path(flow), (name,), size=2, share=0.05)

    async def _files(self) -> None:
        sshd = self.place.sshd
        server = await self._connection(
            "sftp",
            "Files",
            {
                "host": sshd.host,
                "port": sshd.port,
                "username": sshd.user,
                "host_keys": list(sshd.host_keys),
                "base_dir": str(sshd.root),
                "create_dirs": True,
            },
            {"private_key": sshd.client_key.read_text()},
        )
        for kind, seconds in (("csv", 1), ("jsonl", 2)):
            name = f"{self.name}-{kind}"
            step = {
                "object": kind,
                "options": {"directory": name, "file_template": "out_{seq:08}_{batch8}.{ext}"},
            }
            window = {"seconds": seconds, "rows": 5000}
            draft = flow_draft(name, keyed=False, shards=1, step=step, window=window)
            flow = await self._flow(name, server, draft)
            self.cast.ordered.add(name)
            self.cast.folders[name] = self.habit
            self._add(kind, _flow_path(flow), (name,), size=20, share=0.175)

    async def _hook(self, name: str, **settings: Json) -> UUID:
        url = f"{self.place.receiver_url}/hook/{self.name}-{name}"
        return await self._connection("webhook", name, {"url": url, "allow_http": True, **settings}, {})

    async def _connection(
        self, kind: str, name: str, settings: Mapping[str, Json], secrets: Mapping[str, str | None]
    ) -> UUID:
        change = ConnectionChange(name=name, settings=settings, secrets=secrets, limits=LIMITS)
        return (await self.hub.connections.create(self.id, kind, change)).connection.id

    async def _flow(self, name: str, connection: UUID, draft: FlowDefinition) -> UUID:
        flow = (await self.hub.flows.create(self.id, connection, name=name, draft=draft)).flow.id
        await self.hub.flows.publish(self.id, flow)
        self.cast.flows[name] = (self.id, flow)
        return flow

    def _add(self, name: str, path: str, flows: tuple[str, ...], *, size: int, share: float) -> None:
        self.cast.sources.append(
            Source(
                tenant=self.name, name=name, path=path, token=self.token, flows=flows, size=size, share=share
            )
        )


def _flow_path(flow: UUID) -> str:
    return f"/v1/flows/{to_text('flow', flow)}/batches"
