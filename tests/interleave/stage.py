"""The cast of every schedule, reset by deleting rows, and what the operations were told."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from formlane.domain.lanes import Accepted, Lease, NewBatch, Settlement
from formlane.store.connect import Connection

TENANT, C1, C2, F1, F2 = (UUID(int=n) for n in range(1, 6))
LANES = tuple(UUID(int=n) for n in range(0x11, 0x15))
"""Two lanes of flow F1 on connection C1, two of F2 on C2."""
FLOW_OF = dict(zip(LANES, (F1, F1, F2, F2), strict=True))
CONNECTION_OF = dict(zip(LANES, (C1, C1, C2, C2), strict=True))
REPLAY = UUID(int=0x21)
RATE, TOKENS = 1000.0, 100.0
"""Calls per second, and at hand at the start: well below the cap of 0.4 s, so that every refill counts."""

_CAST = f"""
INSERT INTO formlane.tenants (id, name) VALUES ('{TENANT}', 'A');
INSERT INTO formlane.connections (tenant_id, id, kind, name, settings)
VALUES ('{TENANT}', '{C1}', 'webhook', 'one', '{{}}'), ('{TENANT}', '{C2}', 'webhook', 'two', '{{}}');
INSERT INTO formlane.connection_state (tenant_id, connection_id, rate, concurrency)
VALUES ('{TENANT}', '{C1}', 1, 1), ('{TENANT}', '{C2}', 1, 1);
INSERT INTO formlane.sources (tenant_id, id, kind, name)
VALUES ('{TENANT}', '{F1}', 'flow', 'f'), ('{TENANT}', '{F2}', 'flow', 'g'),
       ('{TENANT}', '{REPLAY}', 'replay', 'r');
INSERT INTO formlane.flows (tenant_id, id, connection_id, draft, release, generation)
VALUES ('{TENANT}', '{F1}', '{C1}', '{{}}', 1, 1), ('{TENANT}', '{F2}', '{C2}', '{{}}', 1, 1);
"""

_TABLES = (
    *("held", "journal", "attempts", "exceptions", "deliveries", "batches", "idempotency"),
    *("ledger_deltas", "ledger", "pauses", "alerts", "lanes"),
)
_RESET = "".join(f"DELETE FROM formlane.{table};" for table in _TABLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a scenario's lanes and connections may vary."""

    concurrency: int = 8
    window_rows: int = 800
    quiet: str = "0"
    window_length: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A lease that was given out, and for how long."""

    lease: Lease
    length: dt.timedelta

    @property
    def until(self) -> dt.datetime:
        """Its end, unless it was renewed."""
        return self.lease.leased_at + self.length


@dataclass(slots=True)
class Stage:
    """What happened so far in one schedule, as the operations heard it, in the order of the answers."""

    rules: Rules
    began_at: dt.datetime
    accepted: list[tuple[NewBatch, Accepted]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    settled: list[tuple[Settlement, bool]] = field(default_factory=list)
    renewed: dict[UUID, dt.datetime] = field(default_factory=dict)
    sealed: list[tuple[UUID, int]] = field(default_factory=list)
    journaled: set[UUID] = field(default_factory=set)
    calls: Counter[UUID] = field(default_factory=Counter)
    replayed: int = 0

    def lease(self, lane: int, place: int = 0) -> Lease:
        """The lane's lease of that place in time."""
        return [one.lease for one in self.taken if one.lease.lane == LANES[lane]][place]

    @property
    def windows(self) -> Mapping[UUID, Lease]:
        """The first lease of each window."""
        return {one.lease.window: one.lease for one in reversed(self.taken)}


async def build_cast(admin: Connection) -> None:
    """Tenant, connections and flows, once per database."""
    await admin.execute(_CAST)


async def reset(admin: Connection, rules: Rules) -> Stage:
    """Empty lanes and full buckets."""
    lanes = ", ".join(
        f"('{TENANT}', '{lane}', '{FLOW_OF[lane]}', '{CONNECTION_OF[lane]}', 1, {shard}, 100,"
        f" {rules.window_rows}, 1000000, "
        + ("NULL" if rules.window_length is None else f"'{rules.window_length}'")
        + f", '{rules.quiet}')"
        for shard, lane in enumerate(LANES)
    )
    await admin.execute(
        f"{_RESET} INSERT INTO formlane.lanes (tenant_id, id, flow_id, connection_id, generation, shard,"
        f" call_rows, window_rows, window_bytes, window_length, quiet) VALUES {lanes};"
        f" UPDATE formlane.connection_state SET rate = {RATE}, concurrency = {rules.concurrency},"
        f" tokens = {TOKENS}, tokens_at = now(), used_today = 0, day = (now() AT TIME ZONE 'UTC')::date,"
        " failures = 0, failing_since = NULL, paused_until = '-infinity', file_sequence = 0"
    )
    began_at = await admin.fetchval(
        "SELECT tokens_at FROM formlane.connection_state WHERE connection_id = $1", C1
    )
    return Stage(rules=rules, began_at=began_at)
