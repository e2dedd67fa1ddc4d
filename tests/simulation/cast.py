"""The flows of a simulated installation: what they promise, and how records look."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from uuid import UUID

from formlane.destinations.base import OperationSpec, Resend
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    Operation,
    Source,
    SourceKind,
    Step,
    SystemValue,
)
from formlane.domain.types import FieldType
from formlane.engines.base import Account
from formlane.mapping.compiler import CompiledFlow, compile_flow
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import ConnectionState, FlowState, LaneState, SourceState
from formlane.services.recipes import Recipe

SKIPPED_NUMBER = 13
"""Records with this number do not meet the condition of any step."""

PASSED_OVER = (17, 21)
"""Records with these numbers pass over the first or the second step of a flow of two."""

CONDITIONS = (
    f'OR(number <> {SKIPPED_NUMBER}, key = "never")',
    *(f"NOT(OR(number = {SKIPPED_NUMBER}, number = {one}))" for one in PASSED_OVER),
)
"""Of the only step, and of the first and the second of two."""


SHARE_RELATED = 0.4
"""Of the flows that write no files."""


class Kind(StrEnum):
    """What an operation promises about a lost answer."""

    WEBHOOK = "webhook"
    """Safe to send again, at once: repeats have the same id and bytes."""
    UPSERT = "upsert"
    """Safe to send again, but only after the destination is done with the lost one."""
    FIND = "find"
    """Looked up first."""
    PARK = "park"
    """A person decides; without a key."""
    FILE = "file"
    """Content sealed once with a file number; published by steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """A simulated flow. `longest_arrival`: seconds within which a request arrives, or never.

    `related`: a second step writes an object that refers to the first step's.
    """

    kind: Kind
    keyed: bool
    flow: UUID
    connection: UUID
    tenant: UUID
    lanes: tuple[UUID, ...]
    spec: OperationSpec
    all_or_nothing: bool
    related: bool
    longest_arrival: float
    recipes: dict[int, Recipe] = field(default_factory=dict, compare=False)

    def recipe(self, release: int) -> Recipe:
        """The recipe of a release; its bytes name it."""
        found = self.recipes.get(release)
        if found is None:
            compiled = _compiled(self.kind, release, related=self.related)
            found = self.recipes[release] = Recipe(
                flow=self.flow,
                release=release,
                version=release,
                specs=(self.spec,) * len(compiled.steps),
                account=_account(self),
                compiled=compiled,
                flows={},
            )
        return found

    def steps_of(self, number: object) -> tuple[int, ...]:
        """The steps that a record with this number runs through."""
        if number == SKIPPED_NUMBER:
            return ()
        return tuple(step for step in (0, 1) if number != PASSED_OVER[step]) if self.related else (0,)


def remote_id(record: str) -> str:
    """What the first step's object of a record is called at the destination."""
    return f"at {record}"


def _account(one: Character) -> Account:
    async def secrets() -> Mapping[str, str]:
        return {}

    return Account(
        tenant=one.tenant,
        connection=one.connection,
        revision=1,
        kind=one.kind,
        settings={},
        secrets=secrets,
    )


@cache
def _compiled(kind: Kind, release: int, *, related: bool) -> CompiledFlow:
    parent = FieldMapping(target="Parent", source=Source(kind=SourceKind.STEP, step="first"))
    steps: tuple[Step, ...] = (_step(kind, "only", CONDITIONS[0]),)
    if related:
        first, second = (_step(kind, name, when) for name, when in zip(NAMES, CONDITIONS[1:], strict=True))
        steps = (first, replace(second, object="part", mapping=(*second.mapping, parent)))
    definition = FlowDefinition(
        inputs=(Input(name="number", type=FieldType.INTEGER), Input(name="key")), steps=steps
    )
    return compile_flow(definition, release)


NAMES = ("first", "second")


def _step(kind: Kind, name: str, condition: str) -> Step:
    return Step(
        name=name,
        object="thing",
        operation=Operation.UPSERT if kind is Kind.UPSERT else Operation.INSERT,
        match_key=("Key",) if kind is Kind.UPSERT else (),
        tracking_field="Tracking",
        mapping=(
            FieldMapping(
                target="Number",
                source=Source(kind=SourceKind.INPUT, input="number"),
                type=FieldType.INTEGER,
                required=True,
            ),
            FieldMapping(target="Key", source=Source(kind=SourceKind.INPUT, input="key")),
            FieldMapping(
                target="Version",
                source=Source(kind=SourceKind.SYSTEM, system=SystemValue.FLOW_VERSION),
                type=FieldType.INTEGER,
            ),
        ),
        condition=condition,
    )


def cast_of(lanes: MemoryLanes, chance: random.Random) -> list[Character]:
    """Puts two to four flows on one to three connections into a store."""
    connections = [_connection(lanes, chance) for _ in range(chance.randint(1, 3))]
    return [_flow(lanes, chance, chance.choice(connections)) for _ in range(chance.randint(2, 4))]


def new_uuid(chance: random.Random) -> UUID:
    """A UUIDv7 in form, the same for the same seed."""
    bits = chance.getrandbits(128)
    return UUID(int=bits & ~(0xF << 76) & ~(0b11 << 62) | 0x7 << 76 | 0b10 << 62)


def _connection(lanes: MemoryLanes, chance: random.Random) -> ConnectionState:
    state = ConnectionState(
        tenant=new_uuid(chance),
        id=new_uuid(chance),
        rate=chance.choice([3.0, 20.0, 1000.0]),
        concurrency=chance.choice([1, 2, 8]),
        daily=chance.choice([None, None, None, 400]),
        tokens=1.0,
        tokens_at=lanes.state.clock.now(),
    )
    lanes.state.connections[state.id] = state
    return state


def _flow(lanes: MemoryLanes, chance: random.Random, connection: ConnectionState) -> Character:
    kind = chance.choice(list(Kind))
    one = Character(
        kind=kind,
        keyed=kind is not Kind.PARK and (kind is Kind.UPSERT or chance.random() < 0.75),
        flow=new_uuid(chance),
        connection=connection.id,
        tenant=connection.tenant,
        lanes=tuple(new_uuid(chance) for _ in range(1 if kind is Kind.FILE else chance.randint(1, 3))),
        spec=_spec(kind, chance),
        related=kind is not Kind.FILE and chance.random() < SHARE_RELATED,
        all_or_nothing=kind in (Kind.FIND, Kind.PARK, Kind.UPSERT) and chance.random() < 0.4,
        longest_arrival=60.0 if kind in (Kind.WEBHOOK, Kind.FILE) else 20.0,
    )
    state = lanes.state
    state.flows[one.flow] = FlowState(tenant=one.tenant, id=one.flow, connection=connection.id)
    state.sources[one.flow] = SourceState(tenant=one.tenant, id=one.flow)
    rows = chance.choice([2, 7, 30])
    for lane in one.lanes:
        state.lanes[lane] = LaneState(
            tenant=one.tenant,
            id=lane,
            flow=one.flow,
            connection=connection.id,
            call_rows=one.spec.max_records,
            window_rows=max(rows, one.spec.max_records),
            window_bytes=chance.choice([150, 2000, 1 << 22]),
            window_length=dt.timedelta(seconds=45) if kind is Kind.FILE else None,
            quiet=one.spec.quiet,
        )
    return one


def _spec(kind: Kind, chance: random.Random) -> OperationSpec:
    resend = {Kind.FIND: Resend.FIND, Kind.PARK: Resend.PARK}.get(kind, Resend.RESEND_SAFE)
    quiet = 0 if kind in (Kind.WEBHOOK, Kind.FILE) else 20
    return OperationSpec(
        operation=Operation.UPSERT if kind is Kind.UPSERT else Operation.INSERT,
        resend=resend,
        max_records=30 if kind is Kind.FILE else chance.choice([1, 3, 10]),
        max_bytes=1 << 20,
        deadline=dt.timedelta(seconds=10),
        quiet=dt.timedelta(seconds=quiet),
        keeps_order=kind in (Kind.WEBHOOK, Kind.FILE),
    )
