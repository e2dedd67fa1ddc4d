"""What the organisation offers, asked again only as far as it changed (`If-Modified-Since`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Generic, TypeVar

import msgspec

from formlane.destinations.base import Clock, FieldInfo, ObjectInfo
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Reason, Scope

from .client import MOST_DOCUMENT, SalesforceClient, escaped
from .judging import Refusal, garbled
from .types import Field, info_of

FRESH: Final = dt.timedelta(minutes=10)
"""For how long a description is taken for true while nothing speaks against it."""

RELOADED: Final = dt.timedelta(minutes=1)
"""How soon a description may be loaded again in full."""


class Described(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """An object as describe tells it."""

    name: str
    label: str = ""
    fields: tuple[Field, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by API name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def infos(self) -> Sequence[FieldInfo]:
        """The fields for mapping."""
        return [info for info in map(info_of, self.fields) if info is not None]


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """An object in the list of all."""

    name: str
    label: str = ""
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    custom_setting: bool = False
    deprecated_and_hidden: bool = False


class Listing(msgspec.Struct, frozen=True):
    """The list of all objects that the user can see."""

    sobjects: tuple[Summary, ...] = ()


Document = TypeVar("Document", Described, Listing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept(Generic[Document]):
    document: Document
    modified: str | None
    asked_at: float
    loaded_at: float


class Descriptions:
    """Descriptions of one organisation, kept in memory. What is asked for is never older than `FRESH`."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._listing: dict[str, _Kept[Listing]] = {}
        self._objects: dict[str, _Kept[Described]] = {}

    async def listing(self) -> Listing | Refusal:
        """All objects, asked for again if they have changed."""
        return await self._document(self._listing, "sobjects", Listing)

    async def object(
        self, name: str, *, age: dt.timedelta = FRESH, anew: bool = False
    ) -> Described | Refusal:
        """An object; a description younger than `age` will do.

        `anew` asks unconditionally, unless that was done just now: the date tells of the object, not of what
        the user may see of it.
        """
        kept = self._objects.get(name)
        now = self._clock.monotonic()
        if anew and kept is not None and now - kept.loaded_at >= RELOADED.total_seconds():
            del self._objects[name]
        elif not anew and kept is not None and now - kept.asked_at < age.total_seconds():
            return kept.document
        path = f"sobjects/{escaped(name)}/describe"
        found = await self._document(self._objects, path, Described, name=name)
        if isinstance(found, Refusal) and found.exchange.status == 404:
            return Refusal(outcome=_gone(name), exchange=found.exchange)
        return found

    async def _document(
        self,
        shelf: dict[str, _Kept[Document]],
        path: str,
        kind: type[Document],
        *,
        name: str = "",
    ) -> Document | Refusal:
        kept = shelf.get(name)
        since = {"If-Modified-Since": kept.modified} if kept is not None and kept.modified else None
        reply = await self._client.read(path, headers=since, most=MOST_DOCUMENT)
        if isinstance(reply, Refusal):
            return reply
        now = self._clock.monotonic()
        if reply.status == 304 and kept is not None:
            shelf[name] = replace(kept, asked_at=now)
            return kept.document
        try:
            document = msgspec.json.decode(reply.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return garbled(reply.exchange, writes=False)
        modified = reply.headers.get("Last-Modified")
        shelf[name] = _Kept(document=document, modified=modified, asked_at=now, loaded_at=now)
        return document


def offered(listing: Listing, *, deleting: bool) -> Sequence[ObjectInfo]:
    """The objects that records can be written to, and what can be done with them."""
    return [
        ObjectInfo(name=one.name, label=one.label or one.name, operations=_operations(one, deleting=deleting))
        for one in listing.sobjects
        if one.createable and not one.custom_setting and not one.deprecated_and_hidden
    ]


def _operations(one: Summary, *, deleting: bool) -> tuple[Operation, ...]:
    operations: tuple[Operation, ...] = (Operation.INSERT,)
    if one.updateable:
        operations += (Operation.UPDATE, Operation.UPSERT)
    if deleting and one.deletable:
        operations += (Operation.DELETE,)
    return operations


def _gone(name: str) -> Blocked:
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.OBJECT_GONE,
        message=f"Salesforce does not offer {name} to the integration user: it was deleted, renamed or"
        " hidden. Restore it, or publish a version for its successor.",
    )
