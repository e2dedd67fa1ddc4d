"""Checks of a step against the fields that its object offers now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import FieldMapping, NullPolicy, Operation, SourceKind, Step
from formlane.domain.types import TEXTUAL
from formlane.mapping.conversions import PLAIN, conversion
from formlane.mapping.findings import Finding, error, meant, warning

CREATING = frozenset({Operation.INSERT, Operation.UPSERT})


def check_targets(step: Step, fields: Sequence[FieldInfo], at: str) -> Iterator[Finding]:
    """What the destination would refuse, or might. `at` points to the step in the definition."""
    known = {info.name: info for info in fields}
    for index, mapping in enumerate(step.mapping):
        place = f"{at}/mapping/{index}"
        info = known.get(mapping.target)
        if info is None:
            message = f"{step.object} has no field {mapping.target}."
            yield error(f"{place}/target", "unknown_target", message, meant(mapping.target, known))
        else:
            yield from _check_line(step, mapping, info, place)
    yield from _check_missing(step, known, at)
    if step.tracking_field is not None and step.tracking_field not in known:
        message = f"{step.object} has no field {step.tracking_field} to keep the tracking key in."
        yield error(f"{at}/tracking_field", "unknown_target", message, meant(step.tracking_field, known))
    if step.match_key and not any(known[name].unique for name in step.match_key if name in known):
        message = "No field of the match key is unique at the destination, so several objects may match."
        yield warning(f"{at}/match_key", "not_unique", message)


def _check_missing(step: Step, known: Mapping[str, FieldInfo], at: str) -> Iterator[Finding]:
    if step.operation not in CREATING:
        return
    mapped = {mapping.target for mapping in step.mapping}
    for info in known.values():
        if info.required and info.createable and info.name not in mapped:
            message = f"{step.object} requires {info.label} ({info.name}), which is not mapped."
            yield error(f"{at}/mapping", "missing_target", message, f"Add a line for {info.name}.")


def _check_line(step: Step, mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    yield from _check_writable(step, mapping, info, at)
    if info.required and not mapping.required and mapping.nulls is not NullPolicy.DEFAULT:
        message = f"{info.name} is required by the destination, and this line may leave it empty."
        yield warning(f"{at}/required", "may_be_empty", message, "Mark the line required, or give a default.")
    yield from _check_type(mapping, info, at)
    if info.max_length is not None and mapping.type in TEXTUAL:
        yield from _check_length(mapping, info.max_length, at)
    if info.choices:
        yield from _check_choices(mapping, info, at)


def _check_writable(step: Step, mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    creates = step.operation in CREATING
    if creates and not info.createable:
        yield error(f"{at}/target", "not_createable", f"{info.name} cannot be set when an object is created.")
    updates = step.operation in (Operation.UPDATE, Operation.UPSERT) and info.name not in step.match_key
    if updates and not info.updateable:
        message = f"{info.name} cannot be changed once an object exists."
        tell = warning if creates else error
        yield tell(f"{at}/target", "not_updateable", message)


def _check_type(mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    if mapping.type is info.type or {mapping.type, info.type} <= PLAIN:
        return
    what = f"{info.name} is {info.type} at the destination, the line sends {mapping.type}."
    if conversion(mapping.type, info.type) is None:
        yield error(f"{at}/type", "wrong_type", what, f"Set the line's type to {info.type}.")
    else:
        yield warning(f"{at}/type", "other_type", what, f"Set the line's type to {info.type}.")


def _check_length(mapping: FieldMapping, longest: int, at: str) -> Iterator[Finding]:
    if mapping.max_length is None or mapping.max_length > longest:
        message = f"{mapping.target} takes {longest:,} characters; longer values would be refused there."
        yield warning(f"{at}/max_length", "too_long", message, f"Set max_length to {longest}.")


def _check_choices(mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    constant = mapping.source.constant
    if mapping.source.kind is SourceKind.CONSTANT and isinstance(constant, str):
        if constant and constant not in info.choices:
            message = f"{constant[:100]} is not a value that {info.name} offers."
            yield error(f"{at}/source/constant", "not_a_choice", message, meant(constant, info.choices))
    elif not mapping.choices or not set(mapping.choices) <= set(info.choices):
        message = f"{info.name} offers {len(info.choices)} values; others would be refused there."
        yield warning(f"{at}/choices", "not_a_choice", message, "Set choices to the values offered.")
