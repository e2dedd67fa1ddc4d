"""Checks of a step against the fields that its object offers now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import FieldMapping, NullPolicy, Operation, SourceKind, Step
from formlane.mapping.conversions import PLAIN, conversion
from formlane.mapping.findings import Finding, error, meant, warning
from formlane.mapping.fitting import creates, fitted_line
from formlane.mapping.limits import CHOOSING
from formlane.mapping.matches import listed


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
    if step.tracking_field is not None:
        yield from _check_tracking(step.object, step.tracking_field, known, f"{at}/tracking_field")


def _check_tracking(name: str, target: str, known: Mapping[str, FieldInfo], at: str) -> Iterator[Finding]:
    keepers = [info.name for info in known.values() if info.tracks]
    if target not in known:
        message = f"{name} has no field {target} to keep the tracking key in."
        yield error(at, "unknown_target", message, meant(target, known))
    elif keepers and target not in keepers:
        message = f"{target} cannot keep the tracking key."
        yield error(at, "not_trackable", message, f"It can be kept in {listed(keepers)}.")


def _check_missing(step: Step, known: Mapping[str, FieldInfo], at: str) -> Iterator[Finding]:
    if not creates(step):
        return
    mapped = {mapping.target for mapping in step.mapping} | {step.tracking_field}  # we fill the latter
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
    if mapping.source.kind is SourceKind.CONSTANT:
        yield from _check_constant(mapping, info, at)
        return
    kept = fitted_line(step, mapping, info)
    if kept.max_length != mapping.max_length:
        message = f"{info.name} takes {kept.max_length:,} characters; longer values would be refused there."
        yield warning(f"{at}/max_length", "too_long", message, f"Set max_length to {kept.max_length}.")
    if (kept.digits, kept.decimals) != (mapping.digits, mapping.decimals):
        yield _digits_warning(info, kept, at)
    is_wider = not mapping.choices or not set(mapping.choices) <= set(info.choices)
    if info.choices and not info.open_choices and mapping.type in CHOOSING and is_wider:
        message = f"{info.name} offers {len(info.choices)} values; others would be refused there."
        yield warning(f"{at}/choices", "not_a_choice", message, "Set choices to the values offered.")


def _check_writable(step: Step, mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    is_made = creates(step)
    if is_made and not info.createable:
        yield error(f"{at}/target", "not_createable", f"{info.name} cannot be set when an object is created.")
    updates = step.operation in (Operation.UPDATE, Operation.UPSERT) and info.name not in step.match_key
    if updates and not info.updateable:
        message = f"{info.name} cannot be changed once an object exists."
        tell = warning if is_made else error
        yield tell(f"{at}/target", "not_updateable", message)


def _check_type(mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    if mapping.type is info.type or {mapping.type, info.type} <= PLAIN:
        return
    what = f"{info.name} is {info.type} at the destination, the line sends {mapping.type}."
    hint = f"Set the line's type to {info.type}."
    way = conversion(mapping.type, info.type)
    if way is None:
        yield error(f"{at}/type", "wrong_type", what, hint)
    elif way.lossy:
        yield warning(f"{at}/type", "lossy", f"{what} Part of every value would be lost there.", hint)
    else:
        yield warning(f"{at}/type", "other_type", what, hint)


def _check_constant(mapping: FieldMapping, info: FieldInfo, at: str) -> Iterator[Finding]:
    constant = mapping.source.constant
    if not info.choices or info.open_choices or not isinstance(constant, str):
        return
    if constant and constant not in info.choices:
        message = f"{constant[:100]} is not a value that {info.name} offers."
        yield error(f"{at}/source/constant", "not_a_choice", message, meant(constant, info.choices))


def _digits_warning(info: FieldInfo, kept: FieldMapping, at: str) -> Finding:
    """The line may send numbers that its field cannot hold exactly."""
    limits = {"digits": kept.digits, "decimals": kept.decimals}
    told = [f"{name} to {limit}" for name, limit in limits.items() if limit is not None]
    decimals = "" if kept.decimals is None else f", {kept.decimals} of them after the point"
    count = f"{kept.digits} digits{decimals}" if kept.digits else f"{kept.decimals} decimal places"
    message = f"{info.name} keeps {count}; other numbers would be refused or rounded there."
    return warning(f"{at}/digits", "too_many_digits", message, f"Set {' and '.join(told)}.")
