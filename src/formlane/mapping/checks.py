"""Checks of a flow definition when it is saved and published, and of a form's bindings to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from formlane.destinations.base import OperationSpec, Resend
from formlane.domain.flows import FlowDefinition, KeyInput, Operation, SourceKind
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.types import FieldType
from formlane.formulas import compile_formula
from formlane.mapping.conversions import conversion
from formlane.mapping.findings import Finding, error, meant, repeated, warning
from formlane.mapping.fitting import Fields, fitted
from formlane.mapping.lines import FormulaCompiler
from formlane.mapping.matches import check_matches, check_offered_matches
from formlane.mapping.related import Offer, check_related
from formlane.mapping.resolve import ResolvedStep, Resolver
from formlane.mapping.targets import check_targets

NOT_KNOWN = Offer()
"""Of a destination that is not asked."""


def check_flow(
    definition: FlowDefinition,
    fields: Fields = (),
    specs: Sequence[OperationSpec | None] = (),
    offer: Offer = NOT_KNOWN,
    *,
    formulas: FormulaCompiler = compile_formula,
) -> list[Finding]:
    """Everything worth telling about a definition, errors first, then in the definition's order.

    `fields` is what each step's object offers now: None when unknown, empty when it takes any field.
    `specs` are the declarations of the steps' operations, None when unknown. Both may be shorter than
    the steps. A definition without errors compiles, fitted to these fields or not.
    """
    resolver = Resolver({given.name: given.type for given in definition.inputs}, 0, formulas=formulas)
    strictest = fitted(definition, fields)
    resolved = [resolver.step(step, f"/steps/{index}") for index, step in enumerate(strictest.steps)]
    findings = [*_check_names(definition), *_check_key(definition), *resolver.findings]
    for index, (step, line_up) in enumerate(zip(definition.steps, resolved, strict=True)):
        at = f"/steps/{index}"
        offered = fields[index] if index < len(fields) else None
        findings += _check_step(line_up, definition.key_input, at)
        findings += check_offered_matches(step, offered, offer.matching, at)
        if offered:
            findings += check_targets(step, offered, at)
    findings += check_related(definition, fields, offer)
    findings += _check_promises(definition, fields, specs)
    return sorted(findings, key=lambda finding: finding.severity)


def check_bindings(
    definition: FlowDefinition, form: FormDefinition, bindings: Sequence[Binding]
) -> list[Finding]:
    """Whether a form's route fills every input of the flow with something that it can take."""
    inputs = {given.name: given for given in definition.inputs}
    asked = {one.name: one for one in form.fields}
    findings: list[Finding] = []
    for index, binding in enumerate(bindings):
        at = f"/bindings/{index}"
        given, field = inputs.get(binding.input), asked.get(binding.field)
        if given is None:
            message = f"The flow has no input {binding.input}."
            findings.append(error(f"{at}/input", "unknown_input", message, meant(binding.input, inputs)))
        if field is None:
            message = f"The form has no field {binding.field}."
            findings.append(error(f"{at}/field", "unknown_field", message, meant(binding.field, asked)))
        if given is None or field is None:
            continue
        findings += _check_types(field.type, given.type, at, f"The field {field.name}")
        if given.required and not field.required:
            message = f"The flow requires {given.name}, but the form does not require {field.name}."
            findings.append(warning(at, "may_be_empty", message, f"Make {field.name} required."))
    for index, name in repeated(binding.input for binding in bindings):
        findings.append(error(f"/bindings/{index}/input", "duplicate", f"{name} is bound twice."))
    for name in inputs.keys() - {binding.input for binding in bindings}:
        findings.append(error("/bindings", "unbound_input", f"The input {name} is not bound to a field."))
    return sorted(findings, key=lambda finding: (finding.severity, finding.message))


def _check_names(definition: FlowDefinition) -> Iterator[Finding]:
    for index, name in repeated(given.name for given in definition.inputs):
        yield error(f"/inputs/{index}/name", "duplicate", f"There are two inputs named {name}.")
    for index, name in repeated(step.name for step in definition.steps):
        yield error(f"/steps/{index}/name", "duplicate", f"There are two steps named {name}.")
    if not definition.steps:
        yield error("/steps", "required", "A flow needs at least one step.")


def _check_key(definition: FlowDefinition) -> Iterator[Finding]:
    key = definition.key_input
    if key is None:
        return
    known = [given.name for given in definition.inputs]
    if not key.inputs:
        yield error(
            "/key_input/inputs", "required", "The key input names no input.", "Leave it out for no order."
        )
    for index, name in enumerate(key.inputs):
        if name not in known:
            message = f"The key input names {name}, which is not an input of the flow."
            yield error(f"/key_input/inputs/{index}", "unknown_input", message, meant(name, known))
    if key.normalisers and len(key.normalisers) != len(key.inputs):
        message = "Give one normaliser per key input, in the same order, or none at all."
        yield error("/key_input/normalisers", "wrong_length", message)


def _check_step(resolved: ResolvedStep, key: KeyInput | None, at: str) -> Iterator[Finding]:
    step = resolved.step
    for index, name in repeated(mapping.target for mapping in step.mapping):
        message = f"{name} is mapped twice; only the last value would be sent."
        yield error(f"{at}/mapping/{index}/target", "duplicate", message, "Remove one of the two lines.")
    if not step.mapping and step.operation is not Operation.DELETE:
        yield error(f"{at}/mapping", "required", "The step maps no field.")
    yield from _check_conversions(resolved, at)
    yield from check_matches(resolved, key, at)


def _check_conversions(resolved: ResolvedStep, at: str) -> Iterator[Finding]:
    places = {id(mapping): index for index, mapping in enumerate(resolved.step.mapping)}
    for line in resolved.lines:
        if line.mapping.source.kind not in (SourceKind.CONSTANT, SourceKind.FORMULA):
            place = f"{at}/mapping/{places[id(line.mapping)]}/type"
            yield from _check_types(line.source_type, line.mapping.type, place, line.mapping.target)


def _check_types(source: FieldType, target: FieldType, at: str, what: str) -> Iterator[Finding]:
    way = conversion(source, target)
    if way is None:
        yield error(at, "no_conversion", f"{what}: there is no conversion from {source} to {target}.")
    elif way.lossy:
        yield warning(at, "lossy", f"{what}: going from {source} to {target} drops part of every value.")
    elif way.may_fail:
        message = f"{what}: values of type {source} that are no {target} will be rejected."
        yield warning(at, "may_fail", message)


def _check_promises(
    definition: FlowDefinition, fields: Fields, specs: Sequence[OperationSpec | None]
) -> Iterator[Finding]:
    for index, (step, spec) in enumerate(zip(definition.steps, specs, strict=False)):
        if spec is None:
            continue
        if spec.resend is Resend.PARK and definition.key_input is not None:
            message = (
                f"After a lost answer, {spec.operation} of {step.object} waits for a person here, which "
                "would block every later record of the same key."
            )
            offered = fields[index] if index < len(fields) else None
            is_trackable = step.tracking_field is None and any(info.tracks for info in offered or ())
            hint = "Name a tracking field" if is_trackable else "Remove the key input"
            yield error("/key_input", "would_park", message, f"{hint}, or use another operation.")
        if spec.resend is Resend.FIND and step.tracking_field is None:
            message = (
                f"{spec.operation} needs a tracking field, by which a record is found after a lost answer."
            )
            yield warning(f"/steps/{index}/tracking_field", "no_tracking_field", message)
