"""Prepares a request's records for the store: checked, routed, hashed, sealed. Pure but for sealing."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import orjson

from formlane.domain.lanes import NewBatch, NewDelivery, Refusal
from formlane.domain.outcomes import Reason
from formlane.domain.sealing import LookupTokens, Sealer, SealKind
from formlane.errors import InvalidInput, Problem
from formlane.mapping.keys import Record
from formlane.services.blobs import pack_text
from formlane.services.plans import FlowPlan, SourcePlan
from formlane.services.receipts import Receipt

KEY_BYTES = 8
NO_KEY = bytes(KEY_BYTES)
DETAIL = "exception"
"""The field under which the detail of an undelivered record is sealed, here as by workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A tenant's sealer and tokens for one request. `key`, `lookup`, `idempotency`: a purpose each."""

    sealer: Sealer
    key: LookupTokens
    lookup: LookupTokens
    idempotency: LookupTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says besides its records: where they stand in it, and its idempotency key.

    `turn` counts requests, for lanes by turns.
    """

    batch: UUID
    at: str
    key: str | None
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch ready to be stored, and what will be told about it."""

    batch: NewBatch
    receipt: Receipt


def prepare(plan: SourcePlan, records: Sequence[object], keys: Keys, asked: Asked) -> Prepared:
    """The batch of a request. Raises `InvalidInput` when no record is valid, `TooLarge` for its JSON."""
    refused, unknown = _examine(plan, records, asked.at)
    if len(refused) == len(records):
        problems = [problem for found in refused.values() for problem in found]
        raise InvalidInput("No record can be accepted; nothing was stored.", problems)
    receipt = Receipt(batch=asked.batch, records=len(records), refused=refused, unknown=unknown)
    stored = (
        [_storable(record) if i in refused else record for i, record in enumerate(records)]
        if refused
        else records
    )
    text = orjson.dumps(stored)
    valid = [index for index in range(len(records)) if index not in refused] if refused else None
    chosen = cast("Sequence[Record]", records if valid is None else [records[index] for index in valid])
    deliveries: list[NewDelivery] = []
    lookup: dict[bytes, None] = {}
    for flow in plan.flows:
        deliveries += _deliveries(flow, chosen, valid, keys.key, asked.turn, len(text), lookup)
    if plan.identities is not None:
        lookup.update(dict.fromkeys(keys.lookup.tokens(plan.identities(chosen))))
    key = body_hash = answer = None
    if asked.key is not None:
        key = keys.idempotency.token(asked.key)
        body_hash = keys.idempotency.token(hashlib.sha256(_canonical(records, stored, text)).hexdigest())
        answer = keys.sealer.seal(SealKind.ANSWER, asked.batch, receipt.summary())
    batch = NewBatch(
        tenant=plan.tenant,
        id=asked.batch,
        source=plan.source,
        revision=plan.revision,
        records=len(records),
        blob=keys.sealer.seal(SealKind.PAYLOAD, asked.batch, pack_text(text)),
        deliveries=tuple(deliveries),
        lookup=lookup_numbers(lookup),
        refusals=tuple(
            _refusal(index, found, records[index], keys, asked) for index, found in refused.items()
        ),
        key=key,
        body_hash=body_hash,
        answer=answer,
    )
    return Prepared(batch=batch, receipt=receipt)


def lookup_numbers(tokens: Iterable[bytes]) -> tuple[int, ...]:
    """The first 64 bits of each token as a signed number: what records are found by, before a look inside."""
    heads = [token[:KEY_BYTES] for token in tokens]
    return struct.unpack(f">{len(heads)}q", b"".join(heads))


def key_text(part: bytes) -> str:
    """The bytes of a key as the text that is hashed."""
    return part.decode("latin-1")


def _examine(
    plan: SourcePlan, records: Sequence[object], at: str
) -> tuple[dict[int, Sequence[Problem]], dict[int, Sequence[str]]]:
    """Problems and unknown fields by index, of those records that have any."""
    refused: dict[int, Sequence[Problem]] = {}
    unknown: dict[int, Sequence[str]] = {}
    is_clean = plan.validator.is_clean
    for index, record in enumerate(records):
        if is_clean(record):
            continue
        verdict = plan.validator.examine(record, f"{at}/{index}")
        if verdict.problems:
            refused[index] = verdict.problems
        if verdict.unknown:
            unknown[index] = verdict.unknown
    return refused, unknown


def _deliveries(
    flow: FlowPlan,
    records: Sequence[Record],
    valid: Sequence[int] | None,
    tokens: LookupTokens,
    turn: int,
    size: int,
    lookup: dict[bytes, None],
) -> list[NewDelivery]:
    """The records by lane. Without a key the whole batch goes to one lane, by turns."""
    lanes = flow.lanes
    count = len(records)
    spare = turn % len(lanes)
    if flow.key is None:
        rows = None if valid is None else tuple(valid)
        return [NewDelivery(lane=lanes[spare], records=count, bytes=size, rows=rows)]
    parts = list(map(flow.key, records))
    hashed = iter(tokens.tokens([key_text(part) for part in parts if part is not None]))
    whole = [None if part is None else next(hashed) for part in parts]
    heads = [NO_KEY if token is None else token[:KEY_BYTES] for token in whole]
    if flow.searchable:
        lookup.update(dict.fromkeys(head for head in heads if head is not NO_KEY))
    if len(lanes) == 1:
        rows = None if valid is None else tuple(valid)
        return [NewDelivery(lane=lanes[0], records=count, bytes=size, rows=rows, keys=b"".join(heads))]
    places: list[list[int]] = [[] for _ in lanes]
    for place, head in enumerate(heads):
        shard = spare if head is NO_KEY else int.from_bytes(head, "big") % len(lanes)
        places[shard].append(place)
    return [
        NewDelivery(
            lane=lanes[shard],
            records=len(mine),
            bytes=max(1, size * len(mine) // count),
            rows=tuple(mine if valid is None else [valid[place] for place in mine]),
            keys=b"".join([heads[place] for place in mine]),
        )
        for shard, mine in enumerate(places)
        if mine
    ]


def _storable(record: object) -> object:
    """A refused record as it is kept beside the others; None when it is no object or no JSON."""
    if not isinstance(record, dict):
        return None
    try:
        orjson.dumps(record)
    except TypeError:
        return None
    return record


def _canonical(records: Sequence[object], stored: Sequence[object], text: bytes) -> bytes:
    """The bytes by which two requests are told apart: what is stored, unless something could not be."""
    if records is stored:
        return text
    return text + repr(records).encode("utf-8", "surrogatepass")


def _refusal(index: int, problems: Sequence[Problem], record: object, keys: Keys, asked: Asked) -> Refusal:
    missing = all(problem.code == "required" for problem in problems)
    detail = orjson.dumps(
        {
            "message": " ".join(problem.message for problem in problems),
            "fields": [problem.pointer.rpartition("/")[2] for problem in problems],
            "code": problems[0].code,
            "text": None if _storable(record) is not None else repr(record)[:1000],
        }
    )
    return Refusal(
        index=index,
        reason=str(Reason.MISSING_REQUIRED if missing else Reason.INVALID_VALUE),
        detail=keys.sealer.seal(SealKind.OUTCOMES, asked.batch, detail, field=DETAIL, version=index),
    )
