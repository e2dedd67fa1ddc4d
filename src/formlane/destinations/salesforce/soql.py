"""Queries for records by the values of fields (SOQL and SOSL Reference)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

import msgspec

from formlane.destinations.base import Exchange
from formlane.domain.flows import SeveralMatches
from formlane.domain.types import Json

from .client import SalesforceClient, escaped
from .describing import Described
from .judging import NOTHING_SENT, Refusal, garbled
from .types import ID, NUMBERS, Field

MOST_QUERY: Final = 12_000
"""Characters of a query as it stands in the address: with the headers, 16,384 bytes are allowed
(Salesforce Help, "Maximum number of rows returned by SOQL queries over the REST API")."""

_ID: Final = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
)
"""Quoted String Escape Sequences."""

Key: TypeAlias = tuple[str, ...]
"""The values of a key's fields, each in the one spelling in which Salesforce compares it."""


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    records: tuple[dict[str, object], ...]
    next_records_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ids by key, in the order asked for; keys that nothing has are left out."""

    ids: Mapping[Key, Sequence[str]]
    exchange: Exchange = field(default=NOTHING_SENT)


def canonical(field: Field, value: object) -> str | None:
    """A value as it is compared: ids by their 15 characters, text without regard to case unless it minds.

    None if it is empty, or nothing can have it.
    """
    if field.type in NUMBERS:
        return _number(value)
    if value is None or value == "" or isinstance(value, bool):
        return None
    text = str(value)
    if field.type in {"id", "reference"}:
        return text[:15] if _ID.fullmatch(text) else None
    return text if field.case_sensitive else text.casefold()


def key_of(fields: Sequence[Field], values: Sequence[object]) -> Key | None:
    """The key that these values make; None if one is empty, or nothing can have it."""
    key: list[str] = []
    for one, value in zip(fields, values, strict=True):
        text = canonical(one, value)
        if text is None:
            return None
        key.append(text)
    return tuple(key)


async def find_ids(
    client: SalesforceClient,
    described: Described,
    fields: Sequence[Field],
    wanted: Mapping[Key, Sequence[Json]],
    *,
    order: SeveralMatches = SeveralMatches.REJECT,
) -> Found | Refusal:
    """The records that have one of the wanted keys; `wanted` has the values of each as they came.

    The oldest come first, or the newest where `order` says so.
    """
    ids: dict[Key, list[str]] = {}
    exchange = NOTHING_SENT
    names = ", ".join(dict.fromkeys((ID, *(one.name for one in fields))))
    start = f"SELECT {names} FROM {described.name} WHERE "  # noqa: S608 - names come from describe
    for condition in _conditions(fields, list(wanted.values())):
        query = f"{start}{condition}{_ordering(described, order)}"
        path: str | None = f"query?q={_quoted(query)}"
        while path is not None:
            reply = await client.read(path)
            if isinstance(reply, Refusal):
                return reply
            exchange = reply.exchange
            try:
                page = msgspec.json.decode(reply.body, type=_Page)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return garbled(exchange, writes=False)
            for record in page.records:
                key = key_of(fields, [record.get(one.name) for one in fields])
                if key is not None:
                    ids.setdefault(key, []).append(str(record[ID]))
            path = page.next_records_url
    return Found(ids=ids, exchange=exchange)


def _ordering(described: Described, order: SeveralMatches) -> str:
    if "CreatedDate" not in described.by_name:
        return f" ORDER BY {ID}"
    way = " DESC" if order is SeveralMatches.NEWEST else ""
    return f" ORDER BY CreatedDate{way}, {ID}{way}"


def _conditions(fields: Sequence[Field], values: Sequence[Sequence[Json]]) -> Iterator[str]:
    """Conditions that together ask for all values, each short enough for one address."""
    parts: list[str] = []
    length = 0
    for one in values:
        literals = [_literal(field, value) for field, value in zip(fields, one, strict=True)]
        part = literals[0] if len(fields) == 1 else _all_of(fields, literals)
        size = len(_quoted(part)) + len(_quoted(" OR "))
        if parts and length + size > MOST_QUERY:
            yield _any_of(fields, parts)
            parts, length = [], 0
        parts.append(part)
        length += size
    if parts:
        yield _any_of(fields, parts)


def _all_of(fields: Sequence[Field], literals: Sequence[str]) -> str:
    equal = (f"{field.name} = {literal}" for field, literal in zip(fields, literals, strict=True))
    return f"({' AND '.join(equal)})"


def _any_of(fields: Sequence[Field], parts: Sequence[str]) -> str:
    return f"{fields[0].name} IN ({','.join(parts)})" if len(fields) == 1 else " OR ".join(parts)


def _quoted(query: str) -> str:
    """A query as it stands in an address."""
    return escaped(query, safe="'(),")


def _literal(field: Field, value: Json) -> str:
    if field.type in NUMBERS:
        return format(Decimal(str(value)), "f")
    return "'" + str(value).translate(_ESCAPES) + "'"


def _number(value: object) -> str | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return format(number.normalize(), "f") if number.is_finite() else None
