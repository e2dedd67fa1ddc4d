"""Forms and flows in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import FormDefinition
from formlane.domain.types import FieldType, Json
from formlane.errors import NotFound
from formlane.mapping.codec import definition_from_json, definition_to_json
from formlane.services.ports.flows import BoundForm, Flow, FlowVersion, FlowWork, Form, Release, SourceEntry
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg

    from formlane.store.connect import Connection


class FormRows:
    """Implements `services.ports.flows.Forms`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def add(self, form: Form) -> None:
        """See `Forms.add`."""
        await self._connection.execute(
            QUERIES.source_add, self._tenant, form.id, "form", form.name, form.created_at
        )
        await self._connection.execute(
            QUERIES.form_add,
            self._tenant,
            form.id,
            form.form_key,
            definition_to_json(form.definition),
            form.created_at,
        )

    async def get(self, form: UUID, *, lock: bool = False) -> Form:
        """See `Forms.get`."""
        if lock:
            await self._connection.execute(QUERIES.form_lock, self._tenant, form)
        row = await self._connection.fetchrow(QUERIES.forms, self._tenant, form)
        if row is None:
            raise NotFound("There is no such form.")
        return _form(row)

    async def all(self) -> Sequence[Form]:
        """See `Forms.all`."""
        return [_form(row) for row in await self._connection.fetch(QUERIES.forms, self._tenant, None)]

    async def update(self, form: UUID, *, name: str, definition: FormDefinition) -> None:
        """See `Forms.update`."""
        await self._connection.execute(QUERIES.source_rename, self._tenant, form, name)
        await self._connection.execute(
            QUERIES.form_update, self._tenant, form, definition_to_json(definition)
        )


class FlowRows:
    """Implements `services.ports.flows.Flows`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def add(self, flow: Flow) -> None:
        """See `Flows.add`."""
        await self._connection.execute(
            QUERIES.source_add, self._tenant, flow.id, "flow", flow.name, flow.created_at
        )
        await self._connection.execute(
            QUERIES.flow_add,
            self._tenant,
            flow.id,
            flow.connection,
            definition_to_json(flow.draft),
            flow.created_at,
        )

    async def get(self, flow: UUID, *, lock: bool = False) -> Flow:
        """See `Flows.get`."""
        if lock:
            await self._connection.execute(QUERIES.flow_lock, self._tenant, flow)
        row = await self._connection.fetchrow(QUERIES.flows, self._tenant, flow, None)
        if row is None:
            raise _unknown_flow()
        return _flow(row)

    async def all(self, *, connection: UUID | None = None) -> Sequence[Flow]:
        """See `Flows.all`."""
        rows = await self._connection.fetch(QUERIES.flows, self._tenant, None, connection)
        return [_flow(row) for row in rows]

    async def update_draft(self, flow: UUID, *, name: str, draft: FlowDefinition) -> None:
        """See `Flows.update_draft`."""
        await self._connection.execute(QUERIES.source_rename, self._tenant, flow, name)
        await self._connection.execute(QUERIES.flow_draft, self._tenant, flow, definition_to_json(draft))

    async def add_version(self, version: FlowVersion) -> None:
        """See `Flows.add_version`."""
        await self._connection.execute(
            QUERIES.version_add,
            self._tenant,
            version.flow,
            version.version,
            definition_to_json(version.definition),
            version.note,
            version.published_at,
        )

    async def versions(self, flow: UUID) -> Sequence[FlowVersion]:
        """See `Flows.versions`."""
        rows = await self._connection.fetch(QUERIES.versions, self._tenant, flow, None)
        return [_version(row) for row in rows]

    async def version(self, flow: UUID, version: int) -> FlowVersion:
        """See `Flows.version`."""
        row = await self._connection.fetchrow(QUERIES.versions, self._tenant, flow, version)
        if row is None:
            raise NotFound(f"The flow has no version {version}.")
        return _version(row)

    async def release(self, flow: UUID, release: int) -> Release:
        """See `Flows.release`."""
        row = await self._connection.fetchrow(QUERIES.release, self._tenant, flow, release)
        if row is None:
            raise NotFound(f"The flow has no release {release}.")
        return Release(
            flow=row["flow_id"],
            release=row["release"],
            version=row["version"],
            forms={UUID(form): _bound_form(raw) for form, raw in row["bindings"].items()},
            released_at=row["released_at"],
        )

    async def go_live(self, release: Release, *, generation: int) -> None:
        """See `Flows.go_live`."""
        bindings = {
            form.hex: {"name": bound.name, "fields": dict(bound.fields), "inputs": dict(bound.inputs)}
            for form, bound in release.forms.items()
        }
        await self._connection.execute(
            QUERIES.release_add,
            self._tenant,
            release.flow,
            release.release,
            release.version,
            bindings,
            release.released_at,
        )
        await self._connection.execute(
            QUERIES.flow_go_live, self._tenant, release.flow, release.release, generation
        )

    async def bump_sources(self, sources: Sequence[UUID]) -> None:
        """See `Flows.bump_sources`."""
        await self._connection.execute(QUERIES.sources_bump, self._tenant, list(sources))

    async def source(self, source: UUID) -> SourceEntry | None:
        """See `Flows.source`."""
        row = await self._connection.fetchrow(QUERIES.source, self._tenant, source)
        return None if row is None else SourceEntry(kind=row["kind"], revision=row["revision"])

    async def work(self, flow: UUID) -> FlowWork:
        """See `Flows.work`."""
        row = await self._connection.fetchrow(QUERIES.flow_work, self._tenant, flow)
        assert row is not None
        return FlowWork(
            lanes=row["lanes"],
            queued=row["queued"],
            replaying=row["replaying"],
            held=row["held"],
            oldest=row["oldest"],
        )


def _form(row: asyncpg.Record) -> Form:
    return Form(
        id=row["id"],
        name=row["name"],
        form_key=row["form_key"],
        definition=definition_from_json(FormDefinition, row["definition"]),
        revision=row["revision"],
        created_at=row["created_at"],
    )


def _flow(row: asyncpg.Record) -> Flow:
    return Flow(
        id=row["id"],
        name=row["name"],
        connection=row["connection_id"],
        draft=definition_from_json(FlowDefinition, row["draft"]),
        draft_revision=row["draft_revision"],
        release=row["release"],
        version=row["version"],
        generation=row["generation"],
        revision=row["revision"],
        created_at=row["created_at"],
    )


def _version(row: asyncpg.Record) -> FlowVersion:
    return FlowVersion(
        flow=row["flow_id"],
        version=row["version"],
        definition=definition_from_json(FlowDefinition, row["definition"]),
        note=row["note"],
        published_at=row["published_at"],
    )


def _bound_form(raw: dict[str, Json]) -> BoundForm:
    name, fields, inputs = raw["name"], raw["fields"], raw["inputs"]
    assert isinstance(name, str)
    assert isinstance(fields, dict)
    assert isinstance(inputs, dict)
    return BoundForm(
        name=name,
        fields={field: FieldType(kind) for field, kind in fields.items()},
        inputs=inputs,
    )


def _unknown_flow() -> NotFound:
    return NotFound("There is no such flow.")
