"""Data extensions and their columns, as SOAP's Retrieve describes them by customer key.

REST finds a data extension only by part of its name and its columns only by ObjectID; SOAP lists all, and
reads columns and primary key by the customer key that flows name. The vendor offers no conditional request.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from formlane.destinations.base import Equipment, FieldInfo
from formlane.destinations.http import Answer
from formlane.destinations.redaction import kept_text
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope
from formlane.domain.types import FieldType

from .answers import delayed, trouble_outcome
from .client import Reply, SfmcClient
from .errors import soap_row
from .soap import MORE, NotSoap, Retrieved, read_retrieved, retrieve_request
from .verdicts import outcome_of

FRESH: Final = dt.timedelta(minutes=10)
"""How long a description serves writing before it is asked for again."""

MOST_ANSWERS: Final = 40
"""Answers of one list that are read, of 2,500 objects each."""

TRACKING_LENGTH: Final = 32
"""Characters of a tracking key."""

_TYPES: Final[Mapping[str, FieldType]] = {
    "text": FieldType.STRING,
    "number": FieldType.INTEGER,
    "decimal": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATETIME,
    "emailaddress": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "locale": FieldType.STRING,
}
"""SOAP "DataExtensionFieldType". A type that is not here is written as text."""

LENGTHS: Final[Mapping[str, int]] = {"text": 4000, "emailaddress": 254, "phone": 50, "locale": 5}
"""Characters of a type, where the column names none."""

NUMBER_DIGITS: Final = 10
"""Number is a 32-bit integer."""

_EXTENSION: Final = ("CustomerKey", "Name")
_COLUMN: Final = (
    "Name",
    "FieldType",
    "MaxLength",
    "Scale",
    "IsRequired",
    "IsPrimaryKey",
    "Ordinal",
    "DefaultValue",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `kind` is the vendor's type in lower case; lengths in characters or digits."""

    name: str
    kind: str
    length: int | None
    scale: int | None
    required: bool
    is_key: bool
    has_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A data extension. Columns in their order; the primary key may have none, one or several."""

    key: str
    columns: Mapping[str, Column]
    """By name in lower case: Marketing Cloud does not tell names apart by case."""

    primary: tuple[str, ...]


class Describer:
    """Asks for descriptions, and keeps those that writing uses."""

    def __init__(self, client: SfmcClient, equipment: Equipment, secret: str) -> None:
        self._client = client
        self._clock = equipment.clock
        self._fresh = FRESH.total_seconds() * equipment.time_scale
        self._secret = secret
        self._kept: dict[str, tuple[float, Extension]] = {}
        self._asking = asyncio.Lock()

    async def names(self) -> Sequence[tuple[str, str]] | Blocked | Deferred:
        """(customer key, name) of all data extensions of the business unit, by name."""
        found = await self._retrieve("DataExtension", _EXTENSION)
        if isinstance(found, Blocked | Deferred):
            return found
        pairs = {(one.get("CustomerKey", ""), one.get("Name", "")) for one in found}
        return sorted(pairs, key=lambda pair: (pair[1].lower(), pair[0]))

    async def get(self, key: str) -> Extension | Blocked | Deferred:
        """The description, at most ten minutes old."""
        kept = self._fresh_of(key)
        if kept is not None:
            return kept
        async with self._asking:
            return self._fresh_of(key) or await self._ask(key)

    async def ask(self, key: str) -> Extension | Blocked | Deferred:
        """The description as it is now."""
        async with self._asking:
            return await self._ask(key)

    def forget(self, key: str) -> None:
        """The next `get` asks anew."""
        self._kept.pop(key, None)

    def _fresh_of(self, key: str) -> Extension | None:
        asked_at, kept = self._kept.get(key, (0.0, None))
        return kept if self._clock.monotonic() - asked_at < self._fresh else None

    async def _ask(self, key: str) -> Extension | Blocked | Deferred:
        self._kept.pop(key, None)
        found = await self._retrieve("DataExtensionField", _COLUMN, where=("DataExtension.CustomerKey", key))
        if isinstance(found, Blocked | Deferred):
            return found
        if not found:
            return Blocked(
                scope=Scope.FLOW_OBJECT,
                reason=Reason.OBJECT_GONE,
                message=f"There is no data extension with the customer key {key} in this business unit."
                " Restore it, or publish a flow version for its successor.",
            )
        extension = read_extension(key, found)
        self._kept[key] = (self._clock.monotonic(), extension)
        return extension

    async def _retrieve(
        self, kind: str, properties: Sequence[str], *, where: tuple[str, str] | None = None
    ) -> list[Mapping[str, str]] | Blocked | Deferred:
        results: list[Mapping[str, str]] = []
        after = ""
        for _ in range(MOST_ANSWERS):
            write = partial(retrieve_request, kind=kind, properties=properties, where=where, after=after)
            reply = await self._client.soap("Retrieve", write)
            answer = _read(reply)
            if answer is None or answer.fault is not None or answer.status not in ("OK", MORE):
                return self._trouble(reply, answer)
            results += answer.results
            after = answer.request_id
            if answer.status != MORE or not after:
                break
        return results

    def _trouble(self, reply: Reply, answer: Retrieved | None) -> Blocked | Deferred:
        """What became of a question that was not answered: a delay, or something for a person."""
        if isinstance(reply, Answer) and (answer is not None or reply.status == 500):
            text = "" if answer is None else answer.fault or answer.status
            shown = kept_text(text or reply.body, (self._secret,))
            return delayed(outcome_of(soap_row(text), code=str(reply.status), vendor_text=shown))
        outcome, _ = trouble_outcome(reply, secret=self._secret, now=self._clock.now())
        return delayed(outcome)


def read_extension(key: str, found: Sequence[Mapping[str, str]]) -> Extension:
    """The description from the results of a Retrieve, which come in no order."""
    ordered = sorted(found, key=lambda one: _whole(one.get("Ordinal")) or 0)
    columns = [_column(one) for one in ordered]
    return Extension(
        key=key,
        columns={column.name.lower(): column for column in columns},
        primary=tuple(column.name for column in columns if column.is_key),
    )


def fields_of(extension: Extension) -> list[FieldInfo]:
    """The columns as fields. A row is found by its whole primary key; one text column can be tracked by."""
    return [_field(column, extension) for column in extension.columns.values()]


def _field(column: Column, extension: Extension) -> FieldInfo:
    kind = _TYPES.get(column.kind, FieldType.STRING)
    only_key = extension.primary == (column.name,)
    is_text = column.kind in LENGTHS
    return FieldInfo(
        name=column.name,
        label=column.name,
        type=kind,
        required=(column.required or column.is_key) and not column.has_default,
        updateable=not column.is_key,
        unique=only_key,
        max_length=(column.length or LENGTHS[column.kind]) if is_text else None,
        digits=_digits(column),
        decimals=column.scale if kind is FieldType.DECIMAL else None,
        matches=column.is_key,
        tracks=only_key and column.kind == "text" and (column.length or LENGTHS["text"]) >= TRACKING_LENGTH,
    )


def _digits(column: Column) -> int | None:
    if column.kind == "decimal" and column.length:
        return column.length
    return NUMBER_DIGITS if column.kind == "number" else None


def _column(found: Mapping[str, str]) -> Column:
    return Column(
        name=found.get("Name", ""),
        kind=found.get("FieldType", "Text").lower(),
        length=_whole(found.get("MaxLength")),
        scale=_whole(found.get("Scale")),
        required=found.get("IsRequired") == "true",
        is_key=found.get("IsPrimaryKey") == "true",
        has_default=bool(found.get("DefaultValue")),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _read(reply: Reply) -> Retrieved | None:
    if not isinstance(reply, Answer):
        return None
    try:
        return read_retrieved(reply.body)
    except NotSoap:
        return None
