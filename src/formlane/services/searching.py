"""Finding records by what they hold: tokens for the store, and the look into the opened records."""

from __future__ import annotations

from collections.abc import Mapping

from formlane.domain.flows import Input, KeyInput, Normaliser
from formlane.domain.ids import TenantId
from formlane.domain.sealing import Sealing
from formlane.domain.types import FieldType, Json
from formlane.mapping.keys import IDENTITIES, key_parts, lookup_part
from formlane.services.preparing import key_text, lookup_numbers


async def search_tokens(sealing: Sealing, tenant: TenantId, value: str) -> tuple[int, ...]:
    """Tokens of every spelling under which intake may have kept the value."""
    identities = [part for kind in IDENTITIES if (part := lookup_part(kind, value)) is not None]
    lookup = await sealing.lookup(tenant)
    keys = await sealing.lookup(tenant, "key")
    tokens = lookup.tokens(part.decode("utf-8", "surrogatepass") for part in identities)
    return lookup_numbers(tokens + keys.tokens(map(key_text, _as_keys(value))))


def _as_keys(value: str) -> set[bytes]:
    """The value as each kind of key of one input would spell it."""
    parts = {
        key_parts(KeyInput(inputs=("v",), normalisers=(normaliser,)), inputs=[Input(name="v", type=kind)])(
            {"v": value}
        )
        for normaliser in Normaliser
        for kind in (FieldType.STRING, FieldType.INTEGER, FieldType.DECIMAL)
    }
    return {part for part in parts if part is not None}


def holds(values: Mapping[str, Json] | None, wanted: str) -> bool:
    """Whether any field of the record is the value searched for, as an identity or as text."""
    if values is None:
        return False
    targets = {lookup_part(kind, wanted) for kind in IDENTITIES} - {None}
    plain = wanted.strip().casefold()
    for value in values.values():
        if value is None or isinstance(value, dict | list):
            continue
        if str(value).strip().casefold() == plain:
            return True
        if any(lookup_part(kind, value) in targets for kind in IDENTITIES):
            return True
    return False
