"""Checks of values that come from earlier steps and from lookups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from formlane.destinations.base import FieldInfo, Matching
from formlane.domain.flows import FieldMapping, FlowDefinition, LookupSource, OnMiss, Operation
from formlane.mapping.expansion import is_nameable
from formlane.mapping.findings import Finding, error, meant, warning
from formlane.mapping.fitting import Fields
from formlane.mapping.matches import key_findings, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a destination offers to every step of a flow.

    `related`: by object that is looked up, the fields it has now; objects that are not there are unknown.
    """

    matching: Matching = Matching.ANY
    looks_up: bool = True
    upserts: bool = True
    related: Mapping[str, Sequence[FieldInfo]] = field(default_factory=dict)


def check_related(definition: FlowDefinition, fields: Fields, offer: Offer) -> Iterator[Finding]:
    """What the destination cannot look up, or would take for a reference to something else.

    `fields` as in `check_flow`. That sources name inputs and earlier steps is checked by resolving them.
    """
    objects = {step.name: step.object for step in definition.steps}
    for index, step in enumerate(definition.steps):
        offered = fields[index] if index < len(fields) else None
        known = {info.name: info for info in offered or ()}
        for number, mapping in enumerate(step.mapping):
            at = f"/steps/{index}/mapping/{number}"
            lookup = mapping.source.lookup
            if lookup is not None:
                yield from _check_lookup(lookup, offer, f"{at}/source/lookup")
            given = objects.get(mapping.source.step or "") if lookup is None else lookup.object
            if given is not None:
                yield from _check_reference(mapping, known.get(mapping.target), given, at)


def _check_lookup(lookup: LookupSource, offer: Offer, at: str) -> Iterator[Finding]:
    if not offer.looks_up:
        yield error(at, "not_offered", "This destination cannot look objects up.")
        return
    known = {info.name: info for info in offer.related.get(lookup.object, ())}
    info = known.get(lookup.field)
    if known and info is None:
        message = f"{lookup.object} has no field {lookup.field}."
        yield error(f"{at}/field", "unknown_target", message, meant(lookup.field, known))
    elif info is not None and not info.matches:
        finders = [one.name for one in known.values() if one.matches]
        hint = f"It can be found by {listed(finders)}." if finders else None
        yield error(f"{at}/field", "not_matchable", f"{lookup.object} cannot be found by {info.name}.", hint)
    elif info is not None and not info.unique:
        message = f"{info.name} is not unique, so several objects may be found; the first is taken."
        yield warning(f"{at}/field", "not_unique", message)
    if lookup.on_miss is OnMiss.CREATE:
        yield from _check_creation(lookup, known, offer, at)


def _check_creation(
    lookup: LookupSource, known: Mapping[str, FieldInfo], offer: Offer, at: str
) -> Iterator[Finding]:
    """Whether an upsert by the field alone can make what is missing."""
    at = f"{at}/on_miss"
    if not offer.upserts:
        message = f"This destination offers no {Operation.UPSERT}, so a lookup cannot create what is missing."
        yield error(
            at, "not_offered", message, "Use null or reject, or write the object in a step of its own."
        )
        return
    if not is_nameable(lookup.input):
        message = f"Formulas cannot name the input {lookup.input}, which a lookup that creates needs."
        yield error(at, "not_nameable", message, "Name it with letters, digits and _ alone.")
    fields = tuple(known.values())
    yield from key_findings(lookup.object, (lookup.field,), fields, offer.matching, at)
    info = known.get(lookup.field)
    if info is not None and not info.createable:
        yield error(at, "not_createable", f"{info.name} cannot be set when an object is created.")
    missing = [one.name for one in fields if one.required and one.createable and one.name != lookup.field]
    if missing:
        message = f"{lookup.object} requires {listed(missing)} too, which a lookup does not fill."
        yield error(at, "missing_target", message, "Write the object in a step of its own.")


def _check_reference(mapping: FieldMapping, info: FieldInfo | None, given: str, at: str) -> Iterator[Finding]:
    if info is not None and info.reference_to not in (None, given):
        message = f"{info.name} refers to {info.reference_to}, and the line gives it the identity of {given}."
        yield warning(f"{at}/source", "other_reference", message)
