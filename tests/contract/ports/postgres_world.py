"""The lanes of a real PostgreSQL, as a world of the contract suite."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from formlane.domain.ids import new_id
from formlane.store.connect import Pool
from formlane.store.lanes import PostgresLanes
from tests.contract.ports.worlds import FlowOptions, FlowSetup

INFINITY = dt.datetime.max.replace(tzinfo=dt.UTC)


class PostgresWorld:
    """`admin` is the superuser's pool: set-up and looking only."""

    def __init__(self, pool: Pool, admin: Pool) -> None:
        self.lanes = PostgresLanes(pool)
        self._admin = admin

    async def new_flow(self, options: FlowOptions = FlowOptions()) -> FlowSetup:  # noqa: B008 - frozen
        """See `World.new_flow`."""
        setup = FlowSetup(
            tenant=new_id(0),
            connection=new_id(0),
            flow=(flow := new_id(0)),
            source=flow,
            lanes=tuple(new_id(0) for _ in range(options.shards)),
        )
        run = self._admin.execute
        await run("INSERT INTO formlane.tenants (id, name) VALUES ($1, $2)", setup.tenant, setup.tenant.hex)
        await run(
            "INSERT INTO formlane.connections (tenant_id, id, kind, name, settings)"
            " VALUES ($1, $2, 'webhook', 'c', '{}')",
            setup.tenant,
            setup.connection,
        )
        await run(
            "INSERT INTO formlane.connection_state (tenant_id, connection_id, rate, concurrency, daily,"
            " tokens) VALUES ($1, $2, $3, $4, $5, 100000)",
            setup.tenant,
            setup.connection,
            options.rate,
            options.concurrency,
            options.daily,
        )
        await run(
            "INSERT INTO formlane.sources (tenant_id, id, kind, name) VALUES ($1, $2, 'flow', 'f')",
            setup.tenant,
            setup.flow,
        )
        await run(
            "INSERT INTO formlane.flows (tenant_id, id, connection_id, draft, release, generation)"
            " VALUES ($1, $2, $3, '{}', 1, 1)",
            setup.tenant,
            setup.flow,
            setup.connection,
        )
        for shard, lane in enumerate(setup.lanes):
            await run(
                "INSERT INTO formlane.lanes (tenant_id, id, flow_id, connection_id, generation, shard,"
                " call_rows, window_rows, window_bytes, window_length, quiet)"
                " VALUES ($1,$2,$3,$4,1,$5,$6,$7,$8,$9,$10)",
                setup.tenant,
                lane,
                setup.flow,
                setup.connection,
                shard,
                options.call_rows,
                options.window_rows,
                options.window_bytes,
                options.window_length,
                options.quiet,
            )
        return setup

    async def pass_time(self, seconds: float) -> None:
        """See `World.pass_time`."""
        await asyncio.sleep(seconds)  # a real store has a real clock

    async def pause_connection(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """See `World.pause_connection`."""
        await self._pause(setup.tenant, "connection", setup.connection, reason, until)
        await self._admin.execute(
            "UPDATE formlane.connection_state SET paused_until = greatest(paused_until, $2)"
            " WHERE connection_id = $1",
            setup.connection,
            until or INFINITY,
        )

    async def resume_connection(self, setup: FlowSetup, reason: str) -> None:
        """See `World.resume_connection`."""
        await self._clear(setup.tenant, "connection", setup.connection, reason)
        await self._admin.execute(
            "UPDATE formlane.connection_state SET paused_until = coalesce((SELECT max(until) FROM"
            " formlane.pauses WHERE scope_id = $1), '-infinity') WHERE connection_id = $1",
            setup.connection,
        )
        await self._admin.execute(
            "UPDATE formlane.lanes SET wait_until = NULL WHERE connection_id = $1", setup.connection
        )

    async def pause_flow(self, setup: FlowSetup, reason: str, until: dt.datetime | None) -> None:
        """See `World.pause_flow`."""
        await self._pause(setup.tenant, "flow", setup.flow, reason, until)
        await self._admin.execute(
            "UPDATE formlane.lanes SET paused_until = greatest(paused_until, $2) WHERE flow_id = $1",
            setup.flow,
            until or INFINITY,
        )

    async def resume_flow(self, setup: FlowSetup, reason: str) -> None:
        """See `World.resume_flow`."""
        await self._clear(setup.tenant, "flow", setup.flow, reason)
        await self._admin.execute(
            "UPDATE formlane.lanes SET paused_until = coalesce((SELECT max(until) FROM formlane.pauses"
            " WHERE scope_id = $1), '-infinity') WHERE flow_id = $1",
            setup.flow,
        )

    async def replay(
        self, setup: FlowSetup, lane: UUID, batch: UUID, rows: Sequence[int], *, as_new: bool = False
    ) -> UUID:
        """See `World.replay`."""
        source = new_id(0)
        await self._admin.execute(
            "INSERT INTO formlane.sources (tenant_id, id, kind, name) VALUES ($1, $2, 'replay', 'r')",
            setup.tenant,
            source,
        )
        await self._admin.execute(
            "SELECT formlane.enqueue_replay($1, $2, $3, $4, $5, $6)",
            setup.tenant,
            source,
            [lane],
            [batch],
            [list(rows)],
            as_new,
        )
        return source

    async def books(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """See `World.books`."""
        rows = await self._admin.fetch(
            "SELECT source_id, sum(accepted)::int AS accepted, sum(delivered)::int AS delivered,"
            " sum(skipped)::int AS skipped, sum(rejected)::int AS rejected, sum(parked)::int AS parked"
            " FROM (SELECT source_id, accepted, delivered, skipped, rejected, parked FROM"
            " formlane.ledger_deltas WHERE flow_id = $1 UNION ALL SELECT source_id, accepted, delivered,"
            " skipped, rejected, parked"
            " FROM formlane.ledger WHERE flow_id = $1) x GROUP BY source_id",
            setup.flow,
        )
        return {row["source_id"]: {k: v for k, v in row.items() if k != "source_id"} for row in rows}

    async def recount(self, setup: FlowSetup) -> Mapping[UUID, Mapping[str, int]]:
        """See `World.recount`."""
        rows = await self._admin.fetch(
            "SELECT source_id, sum(accepted)::int AS accepted, sum(delivered)::int AS delivered,"
            " sum(skipped)::int AS skipped, sum(rejected)::int AS rejected, sum(parked)::int AS parked,"
            " sum(in_flight)::int AS in_flight FROM formlane.recount($1, $2) GROUP BY source_id",
            setup.tenant,
            setup.flow,
        )
        return {row["source_id"]: {k: v for k, v in row.items() if k != "source_id"} for row in rows}

    async def ready_at(self, lane: UUID) -> dt.datetime | None:
        """See `World.ready_at`."""
        found: dt.datetime | None = await self._admin.fetchval(
            "SELECT ready_at FROM formlane.lanes WHERE id = $1", lane
        )
        return found

    async def _pause(
        self, tenant: UUID, scope: str, scope_id: UUID, reason: str, until: dt.datetime | None
    ) -> None:
        await self._admin.execute(
            "INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until) VALUES ($1,$2,$3,$4,$5)",
            tenant,
            scope,
            scope_id,
            reason,
            until or INFINITY,
        )

    async def _clear(self, tenant: UUID, scope: str, scope_id: UUID, reason: str) -> None:
        await self._admin.execute(
            "DELETE FROM formlane.pauses WHERE tenant_id=$1 AND scope=$2 AND scope_id=$3 AND reason=$4",
            tenant,
            scope,
            scope_id,
            reason,
        )
