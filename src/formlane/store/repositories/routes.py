"""Lanes as flows are published, and routes, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from formlane.domain.forms import Binding
from formlane.errors import Conflict, NotFound
from formlane.services.ports.flows import LaneShape, OpenLane, Route
from formlane.store.queries import QUERIES

if TYPE_CHECKING:
    from formlane.store.connect import Connection


class LaneRows:
    """Implements `services.ports.flows.FlowLanes`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def open(self, flows: Sequence[UUID]) -> Sequence[OpenLane]:
        """See `FlowLanes.open`."""
        rows = await self._connection.fetch(QUERIES.lanes_open, self._tenant, list(flows))
        return [OpenLane(flow=row["flow_id"], lane=row["id"], shard=row["shard"]) for row in rows]

    async def start_generation(
        self, flow: UUID, connection: UUID, *, generation: int, lanes: Sequence[UUID], shape: LaneShape
    ) -> None:
        """See `FlowLanes.start_generation`."""
        await self._connection.execute(QUERIES.flow_lanes_lock, self._tenant, flow)
        closed = await self._connection.fetch(QUERIES.lanes_close, self._tenant, flow)
        await self._connection.execute(
            QUERIES.lanes_add,
            self._tenant,
            list(lanes),
            flow,
            connection,
            generation,
            *_sizes(shape),
            bool(closed),
        )
        if closed:
            await self._connection.execute(QUERIES.lanes_draining, self._tenant, list(lanes))

    async def reshape(self, flow: UUID, shape: LaneShape) -> None:
        """See `FlowLanes.reshape`."""
        await self._connection.execute(QUERIES.flow_lanes_lock, self._tenant, flow)
        await self._connection.execute(QUERIES.lanes_reshape, self._tenant, flow, *_sizes(shape))


class RouteRows:
    """Implements `services.ports.flows.Routes`."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant

    async def add(self, route: Route) -> None:
        """See `Routes.add`."""
        try:
            await self._connection.execute(
                QUERIES.route_add,
                self._tenant,
                route.id,
                route.form,
                route.flow,
                _bindings(route.bindings),
                route.created_at,
            )
        except asyncpg.UniqueViolationError:
            raise Conflict("The form is attached to this flow already.", "attached") from None

    async def get(self, route: UUID) -> Route:
        """See `Routes.get`."""
        rows = await self._fetch(route, None, None)
        if not rows:
            raise NotFound("There is no such route.")
        return rows[0]

    async def of_form(self, form: UUID) -> Sequence[Route]:
        """See `Routes.of_form`."""
        return await self._fetch(None, form, None)

    async def of_flow(self, flow: UUID) -> Sequence[Route]:
        """See `Routes.of_flow`."""
        return await self._fetch(None, None, flow)

    async def all(self) -> Sequence[Route]:
        """See `Routes.all`."""
        return await self._fetch(None, None, None)

    async def update(self, route: UUID, bindings: Sequence[Binding]) -> None:
        """See `Routes.update`."""
        await self._connection.execute(QUERIES.route_update, self._tenant, route, _bindings(bindings))

    async def delete(self, route: UUID) -> None:
        """See `Routes.delete`."""
        await self._connection.execute(QUERIES.route_delete, self._tenant, route)

    async def _fetch(self, route: UUID | None, form: UUID | None, flow: UUID | None) -> Sequence[Route]:
        rows = await self._connection.fetch(QUERIES.routes, self._tenant, route, form, flow)
        return [
            Route(
                id=row["id"],
                form=row["form_id"],
                flow=row["flow_id"],
                bindings=tuple(Binding(input=name, field=field) for name, field in row["bindings"].items()),
                created_at=row["created_at"],
            )
            for row in rows
        ]


def _sizes(shape: LaneShape) -> tuple[object, ...]:
    return shape.call_rows, shape.window_rows, shape.window_bytes, shape.window_length, shape.quiet


def _bindings(bindings: Sequence[Binding]) -> dict[str, str]:
    return {binding.input: binding.field for binding in bindings}
