"""A small customer database to publish flows of several steps to. It is described, never called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    Equipment,
    FieldInfo,
    Journal,
    Matching,
    ObjectInfo,
    OperationSpec,
    Resend,
)
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.flows import Operation
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput

REF = FieldInfo(name="Ref", label="Ref", type=FieldType.STRING, max_length=36, tracks=True)
OBJECTS: Mapping[str, Sequence[FieldInfo]] = {
    "Account": (
        FieldInfo(
            name="Domain", label="Domain", type=FieldType.STRING, unique=True, matches=True, max_length=40
        ),
        FieldInfo(name="Name", label="Name", type=FieldType.STRING),
    ),
    "Contact": (
        FieldInfo(
            name="Email", label="Email", type=FieldType.EMAIL, unique=True, matches=True, required=True
        ),
        FieldInfo(name="AccountId", label="Account", type=FieldType.REFERENCE, reference_to="Account"),
        FieldInfo(name="Score", label="Score", type=FieldType.DECIMAL, digits=5, decimals=2),
        REF,
    ),
    "Case": (
        FieldInfo(name="ContactId", label="Contact", type=FieldType.REFERENCE, reference_to="Contact"),
        FieldInfo(name="Subject", label="Subject", type=FieldType.STRING, required=True, max_length=80),
        FieldInfo(name="Origin", label="Origin", type=FieldType.ENUM, choices=("Web", "Mail")),
        REF,
    ),
}


def spec(operation: Operation, resend: Resend, *, rows: int, quiet: int = 0) -> OperationSpec:
    return OperationSpec(
        operation=operation,
        resend=resend,
        max_records=rows,
        max_bytes=rows * 10_000,
        deadline=dt.timedelta(seconds=30),
        quiet=dt.timedelta(seconds=quiet),
    )


def tune(given: OperationSpec, _settings: Mapping[str, Json], options: Mapping[str, Json]) -> OperationSpec:
    """Inserts can be found again by their tracking field only."""
    is_lost = given.operation is Operation.INSERT and options["tracking_field"] is None
    return replace(given, resend=Resend.PARK) if is_lost else given


@dataclass
class Crm:
    """Tells its objects. `silent`: of these it cannot tell the fields; `asked`: what it was asked for.

    `gone`: fields it has no more; `unlisted`: objects it does not list; `read_only`: that cannot be written.
    """

    silent: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    read_only: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def connect(self, _equipment: Equipment) -> Crm:
        return self

    def destination(
        self, *, matching: Matching = Matching.ONE, looks_up: bool = True, upserts: bool = True
    ) -> Destination:
        operations = [
            spec(Operation.INSERT, Resend.FIND, rows=50, quiet=20),
            spec(Operation.UPDATE, Resend.RESEND_SAFE, rows=200),
            spec(Operation.UPSERT, Resend.RESEND_SAFE, rows=200, quiet=5),
        ]
        return Destination(
            kind="crm",
            label="CRM",
            summary="Customers.",
            settings=(),
            operations=tuple(operations if upserts else operations[:2]),
            connect=self.connect,
            validate=lambda settings, _secrets, _guard: settings,
            tune=tune,
            matching=matching,
            looks_up=looks_up,
        )

    async def check(self) -> CheckReport:
        return CheckReport(steps=())

    async def objects(self) -> Sequence[ObjectInfo]:
        return [
            ObjectInfo(name=name, label=name, operations=() if name in self.read_only else tuple(Operation))
            for name in OBJECTS
            if name not in self.unlisted
        ]

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        self.asked.append(name)
        if name in self.silent:
            raise InvalidInput("The CRM does not answer.")
        return [one for one in OBJECTS[name] if one.name not in self.gone]

    async def send(self, call: Call, journal: Journal) -> CallResult:
        raise AssertionError("nothing is sent here")

    async def find(self, call: Call) -> CallResult:
        raise AssertionError("nothing is looked for here")

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        raise AssertionError("nothing is looked up here")

    async def close(self) -> None:
        pass
