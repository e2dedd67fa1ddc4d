"""Releases: a flow version with its forms' bindings, frozen; and the shape of the lanes it needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from formlane.destinations.base import Destination, OperationSpec
from formlane.domain.flows import FlowDefinition, Step
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem
from formlane.mapping.conversions import conversion
from formlane.services.ports.flows import BoundForm, Flow, FlowVersion, Form, LaneShape, Release
from formlane.services.ports.store import Unit

WINDOW_CALLS = 8
WINDOW_ROWS = 800
WINDOW_BYTES = 4 * 1024 * 1024
"""What one lease of a lane may send when it writes no files: so many calls or records, whichever is
more, and bytes. Half a second to a few seconds of work, so that lanes take turns."""

BULK_WINDOW_BYTES = 8 * 1024 * 1024
"""The same where there is an interface for large amounts, which pays for thousands of records only."""


def spec_of(step: Step, destination: Destination, settings: Mapping[str, Json]) -> OperationSpec | None:
    """Limits and promises of a step on a connection; None if the kind does not offer its operation.

    The step's `tracking_field` is told among its options, as what is promised may hang on it.
    """
    options = {**step.options, "tracking_field": step.tracking_field}
    return destination.operation(step.operation, settings, options)


def specs_of(
    definition: FlowDefinition, destination: Destination, settings: Mapping[str, Json]
) -> tuple[OperationSpec, ...]:
    """Limits and promises of each step. Raises `InvalidInput` if the kind does not offer one."""
    specs = []
    for index, step in enumerate(definition.steps):
        spec = spec_of(step, destination, settings)
        if spec is None:
            message = f"{destination.label} offers no {step.operation.value}."
            raise InvalidInput(
                "The flow cannot be executed.",
                [Problem(f"/steps/{index}/operation", "not_offered", message)],
            )
        specs.append(spec)
    return tuple(specs)


def limits_of(specs: Sequence[OperationSpec]) -> OperationSpec:
    """What holds for a range that runs through all these steps: the smallest sizes, the longest quiet."""
    first = specs[0]
    if len(specs) == 1:
        return first
    return replace(
        first,
        max_records=min(spec.max_records for spec in specs),
        max_bytes=min(spec.max_bytes for spec in specs),
        quiet=max(spec.quiet for spec in specs),
        keeps_order=all(spec.keeps_order for spec in specs),
        bulk=None,
    )


def lane_shape(
    definition: FlowDefinition,
    destination: Destination,
    settings: Mapping[str, Json],
    *,
    time_scale: float = 1.0,
) -> LaneShape:
    """What the lanes of a flow are made to.

    One shard where the destination asks for one. A file window closes after its time, rows or bytes;
    what would not fit into one call is never one window. `time_scale` shortens the quiet time.
    """
    spec = limits_of(specs_of(definition, destination, settings))
    quiet = spec.quiet * time_scale
    shards = 1 if destination.one_lane else definition.shards
    if destination.file_windows and definition.window is not None:
        window = definition.window
        return LaneShape(
            shards=shards,
            call_rows=spec.max_records,
            window_rows=min(window.rows, spec.max_records),
            window_bytes=min(window.bytes, spec.max_bytes),
            window_length=dt.timedelta(seconds=window.seconds) if window.seconds else None,
            quiet=quiet,
        )
    rows = max(WINDOW_ROWS, WINDOW_CALLS * spec.max_records, spec.bulk.max_records if spec.bulk else 0)
    if destination.file_windows:
        rows = spec.max_records
    return LaneShape(
        shards=shards,
        call_rows=spec.max_records,
        window_rows=rows,
        window_bytes=BULK_WINDOW_BYTES if spec.bulk else WINDOW_BYTES,
        window_length=None,
        quiet=quiet,
    )


def bound_form(form: Form, bindings: Iterable[Binding]) -> BoundForm:
    """The form as a release reads it: its title, and the types of the fields that are bound."""
    types = {asked.name: asked.type for asked in form.definition.fields}
    inputs = {binding.input: binding.field for binding in bindings}
    fields = {name: types[name] for name in inputs.values() if name in types}
    return BoundForm(name=form.definition.title, fields=fields, inputs=inputs)


def as_definition(bound: BoundForm) -> FormDefinition:
    """A form with just the fields that a release reads, to bind its flow to."""
    fields = tuple(FormField(name=name, label=name, type=kind) for name, kind in bound.fields.items())
    return FormDefinition(title=bound.name, fields=fields)


async def release_anew(unit: Unit, flow: Flow, version: FlowVersion, *, generation: int) -> Release:
    """Makes a version live with the routes as they are now. The caller holds the flow's lock.

    Forms that were detached keep their bindings as far as the version still knows them: what they sent
    before may be queued, or replayed.
    """
    former = {} if flow.release is None else (await unit.flows.release(flow.id, flow.release)).forms
    forms = {form: _pruned(bound, version.definition) for form, bound in former.items()}
    attached = []
    for route in await unit.routes.of_flow(flow.id):
        attached.append(route.form)
        forms[route.form] = bound_form(await unit.forms.get(route.form), route.bindings)
    release = Release(
        flow=flow.id,
        release=(flow.release or 0) + 1,
        version=version.version,
        forms=forms,
        released_at=await unit.now(),
    )
    await unit.flows.go_live(release, generation=generation)
    await unit.flows.bump_sources([flow.id, *attached])
    return release


async def release_again(unit: Unit, flow_id: UUID) -> None:
    """The live version of a flow once more, because what it is bound to changed; nothing if it is a draft."""
    flow = await unit.flows.get(flow_id, lock=True)
    if flow.version is None:
        return
    version = await unit.flows.version(flow.id, flow.version)
    await release_anew(unit, flow, version, generation=flow.generation)


async def reshape_lanes(
    unit: Unit,
    connection: UUID,
    destination: Destination,
    settings: Mapping[str, Json],
    *,
    time_scale: float = 1.0,
) -> None:
    """Lanes copy the sizes of calls, which the connection's settings may change."""
    for flow in await unit.flows.all(connection=connection):
        if flow.version is not None:
            version = await unit.flows.version(flow.id, flow.version)
            shape = lane_shape(version.definition, destination, settings, time_scale=time_scale)
            await unit.lanes.reshape(flow.id, shape)


def _pruned(bound: BoundForm, definition: FlowDefinition) -> BoundForm:
    known = {given.name: given.type for given in definition.inputs}
    inputs = {
        name: field
        for name, field in bound.inputs.items()
        if name in known
        and field in bound.fields
        and conversion(bound.fields[field], known[name]) is not None
    }
    fields = {field: bound.fields[field] for field in inputs.values()}
    return BoundForm(name=bound.name, fields=fields, inputs=inputs)
