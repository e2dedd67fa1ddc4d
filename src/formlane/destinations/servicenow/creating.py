"""Plans for records that are created: by the table itself, or by an import set."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from formlane.destinations.base import Call, CallRecord
from formlane.domain.types import Json

from .plans import SYS_ID, Plan, Sought
from .queries import cannot_ask
from .values import spelling_of, text_of, wire

_IDENTITIES: Final = UUID("7d3f0a52-5f0e-5c8c-9a3e-0b8f6d0c2e41")
"""Our own namespace for identities that are made of tracking keys."""


def plan_creates(call: Call) -> Plan:
    """A create per record, which carries its tracking key if the step has a field for it."""
    plan = Plan(call)
    spelling = spelling_of(call)
    for position, record in enumerate(call.records):
        fields = wire(record.fields, spelling)
        sought = None
        if call.tracking_field:
            value = tracking_value(call.tracking_field, record)
            fields[call.tracking_field] = value
            sought = None if cannot_ask((value,)) else Sought((call.tracking_field,), (value,))
        plan.create(position, fields, sought)
    return plan


def plan_stages(call: Call) -> Plan:
    """A row of the staging table per record."""
    plan = Plan(call)
    spelling = spelling_of(call)
    for position, record in enumerate(call.records):
        plan.stage(position, wire(record.fields, spelling))
    return plan


def tracking_value(field: str, record: CallRecord) -> str:
    """What the tracking field of a record holds: what the mapping gives it, else the tracking key.

    As `sys_id` it is 32 hexadecimal digits made of the key.
    """
    mapped: Json = record.fields.get(field)
    if mapped not in (None, ""):
        return text_of(mapped)
    return uuid5(_IDENTITIES, record.tracking_key).hex if field == SYS_ID else record.tracking_key
