"""Forms, flows with their versions and releases, routes and lanes, as kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.types import FieldType


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A source with typed fields and a hosted page. `revision` changes with whatever intake depends on."""

    id: UUID
    name: str
    form_key: str
    definition: FormDefinition
    revision: int
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """Whatever records come from. `kind`: form, flow or replay."""

    kind: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownForm:
    """A form found by the key in its address, before its tenant is known."""

    tenant: UUID
    form: UUID
    definition: FormDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A recipe on one connection. `release` and `version` are live, None before the first publish.

    `draft_revision` is the draft's ETag. `generation` counts sets of lanes.
    """

    id: UUID
    name: str
    connection: UUID
    draft: FlowDefinition
    draft_revision: int
    release: int | None
    version: int | None
    generation: int
    revision: int
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVersion:
    """What was published, unchangeable."""

    flow: UUID
    version: int
    definition: FlowDefinition
    note: str
    published_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundForm:
    """A form as a release reads it, frozen: its name, the types of bound fields, input → field.

    A form that was detached stays here, so that what it had sent still maps.
    """

    name: str
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version together with the bindings of its forms, unchangeable: what a window is bound to."""

    flow: UUID
    release: int
    version: int
    forms: Mapping[UUID, BoundForm]
    released_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A form attached to a flow."""

    id: UUID
    form: UUID
    flow: UUID
    bindings: tuple[Binding, ...]
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneShape:
    """What the lanes of a flow are made to: from its version and the destination's declaration."""

    shards: int
    call_rows: int
    window_rows: int
    window_bytes: int
    window_length: dt.timedelta | None
    quiet: dt.timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLane:
    """A lane that accepts records."""

    flow: UUID
    lane: UUID
    shard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowWork:
    """What waits in a flow's lanes. `oldest` is when the first record not settled was accepted."""

    lanes: int
    queued: int
    replaying: int
    held: int
    oldest: dt.datetime | None


class Forms(Protocol):
    """The forms of a unit's tenant."""

    async def add(self, form: Form) -> None:
        """Keeps a new form and its source."""
        ...

    async def get(self, form: UUID, *, lock: bool = False) -> Form:
        """Raises `NotFound`."""
        ...

    async def all(self) -> Sequence[Form]:
        """Oldest first."""
        ...

    async def update(self, form: UUID, *, name: str, definition: FormDefinition) -> None:
        """Replaces name and definition."""
        ...


class Flows(Protocol):
    """The flows of a unit's tenant."""

    async def add(self, flow: Flow) -> None:
        """Keeps a new flow and its source."""
        ...

    async def get(self, flow: UUID, *, lock: bool = False) -> Flow:
        """Raises `NotFound`. `lock` holds it against other changes until the unit ends."""
        ...

    async def all(self, *, connection: UUID | None = None) -> Sequence[Flow]:
        """Oldest first."""
        ...

    async def update_draft(self, flow: UUID, *, name: str, draft: FlowDefinition) -> None:
        """Replaces name and draft; the draft's revision counts on."""
        ...

    async def add_version(self, version: FlowVersion) -> None:
        """Keeps a new version."""
        ...

    async def versions(self, flow: UUID) -> Sequence[FlowVersion]:
        """Newest first."""
        ...

    async def version(self, flow: UUID, version: int) -> FlowVersion:
        """Raises `NotFound`."""
        ...

    async def release(self, flow: UUID, release: int) -> Release:
        """Raises `NotFound`."""
        ...

    async def go_live(self, release: Release, *, generation: int) -> None:
        """Keeps a new release and makes it the flow's live one."""
        ...

    async def bump_sources(self, sources: Sequence[UUID]) -> None:
        """Counts the revision of forms or flows on, so that intake prepares anew."""
        ...

    async def source(self, source: UUID) -> SourceEntry | None:
        """A form or flow as intake knows it, None when there is none."""
        ...

    async def work(self, flow: UUID) -> FlowWork:
        """What waits now."""
        ...


class FlowLanes(Protocol):
    """The lanes of a unit's tenant, as their flows are published."""

    async def open(self, flows: Sequence[UUID]) -> Sequence[OpenLane]:
        """The lanes of these flows that accept records, by flow and shard."""
        ...

    async def start_generation(
        self, flow: UUID, connection: UUID, *, generation: int, lanes: Sequence[UUID], shape: LaneShape
    ) -> None:
        """Closes the flow's open lanes and adds new ones, which wait until the closed ones have drained."""
        ...

    async def reshape(self, flow: UUID, shape: LaneShape) -> None:
        """Gives the open lanes new sizes."""
        ...


class Routes(Protocol):
    """The routes of a unit's tenant."""

    async def add(self, route: Route) -> None:
        """Raises `Conflict` when the form is attached to the flow already."""
        ...

    async def get(self, route: UUID) -> Route:
        """Raises `NotFound`."""
        ...

    async def of_form(self, form: UUID) -> Sequence[Route]:
        """Oldest first."""
        ...

    async def of_flow(self, flow: UUID) -> Sequence[Route]:
        """Oldest first."""
        ...

    async def all(self) -> Sequence[Route]:
        """Oldest first."""
        ...

    async def update(self, route: UUID, bindings: Sequence[Binding]) -> None:
        """Replaces the bindings."""
        ...

    async def delete(self, route: UUID) -> None:
        """Detaches."""
        ...
