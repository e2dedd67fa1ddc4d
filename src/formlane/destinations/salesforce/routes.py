"""Which way a call takes: decided from the step and the object's description alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from formlane.destinations.base import Call, CallRecord
from formlane.domain.flows import NoMatch, Operation
from formlane.domain.outcomes import Blocked, Reason, Scope
from formlane.domain.types import Json

from .describing import Described
from .types import ID, TRACKING_LENGTH, Field


class Way(StrEnum):
    """How records get there.

    `create`: as new ones. `keyed`: by an external id that is unique, so that repeating makes no second one.
    `direct`: by the record id in hand. `match`: look for the match key first.
    """

    CREATE = "create"
    KEYED = "keyed"
    DIRECT = "direct"
    MATCH = "match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way, and the fields by which it finds records. `creates`: it makes those that are not found.

    `tracking` is the step's tracking field, where it may hold the key.
    """

    way: Way
    key: Sequence[Field] = ()
    creates: bool = False
    tracking: Field | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the same call again makes no second record."""
        return self.way is not Way.CREATE

    def with_tracking(self, record: CallRecord, fields: Mapping[str, Json]) -> Mapping[str, Json]:
        """A record's fields with its tracking key, unless the mapping writes one."""
        if self.tracking is None or fields.get(self.tracking.name):
            return fields
        return {**fields, self.tracking.name: record.tracking_key}


def route_of(call: Call, described: Described, *, allow_delete: bool) -> Route | Blocked:
    """The way of a call; `Blocked` if the step does not fit the object or the connection."""
    known = described.by_name
    names = (call.tracking_field or "",) if call.operation is Operation.INSERT else call.match_key
    if call.operation is Operation.DELETE and not allow_delete:
        return _unfit("The connection does not allow deleting. Allow it there, or remove the step.")
    if gone := [name for name in names if name and name not in known]:
        return drifted(described.name, gone)
    tracking = known.get(call.tracking_field or "")
    if tracking is not None and not tracking.tracks:
        return _unfit(
            f"The field {tracking.name} cannot hold the tracking key: it must be a text of {TRACKING_LENGTH}"
            " characters or more, marked External ID and Unique. Choose another one."
        )
    if call.operation is Operation.INSERT:
        if tracking is None:
            return Route(way=Way.CREATE, creates=True)
        return Route(way=Way.KEYED, key=(tracking,), creates=True, tracking=tracking)
    if unfit := [name for name in names if not known[name].matches]:
        return _unfit(f"Salesforce cannot search by {', '.join(unfit)}. Choose another match key.")
    return _route(call, [known[name] for name in names], tracking)


def _route(call: Call, key: Sequence[Field], tracking: Field | None) -> Route:
    upserts = call.operation is Operation.UPSERT
    creates = upserts or (call.operation is Operation.UPDATE and call.no_match is NoMatch.INSERT)
    if creates and len(key) == 1 and key[0].is_unique_key:
        return Route(way=Way.KEYED, key=key, creates=True)
    if not creates and call.no_match is NoMatch.REJECT and [field.name for field in key] == [ID]:
        return Route(way=Way.DIRECT, key=key)
    creates = creates and all(field.name != ID for field in key)
    return Route(way=Way.MATCH, key=key, creates=creates, tracking=tracking)


def misfits(call: Call, described: Described) -> Sequence[str]:
    """Fields of the call that the object does not have, or that may not be written any more."""
    known = described.by_name
    named = {name for record in call.records for name in record.fields}
    named |= {call.tracking_field} if call.tracking_field else set()
    return sorted(
        name
        for name in named | set(call.match_key)
        if name not in known or not (name in call.match_key or _is_writable(call.operation, known[name]))
    )


def drifted(name: str, fields: Sequence[str]) -> Blocked:
    """What is said of fields that are no longer as the flow's version has them."""
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"{name} does not offer {', '.join(fields)} to the user: it was removed, renamed, hidden or"
        " read-only. Publish a version that fits, or restore it there.",
    )


def _is_writable(operation: Operation, field: Field) -> bool:
    match operation:
        case Operation.INSERT:
            return field.createable
        case Operation.UPDATE:
            return field.updateable
        case _:
            return field.createable or field.updateable


def _unfit(message: str) -> Blocked:
    return Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.CONFIGURATION, message=message)
