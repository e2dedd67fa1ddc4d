"""How a flow's inputs are read from records: as they are named, or from the fields of a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.types import FieldType, Value
from formlane.domain.values import read
from formlane.errors import InvalidInput, Problem
from formlane.mapping.conversions import SAME, Conversion, conversion


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundInput:
    """One input: the record's field, the type in which it is read, and its way to the input's type."""

    field: str
    kind: FieldType
    conversion: Conversion

    def read(self, raw: object) -> Value:
        """The input's value of the record's raw value. Raises `ValueFault`."""
        return self.conversion(read(self.kind, raw))


def sought(kind: FieldType, value: Value) -> str | None:
    """An input's value as a lookup asks for it: its one spelling as text; None when it is empty."""
    way = conversion(kind, FieldType.STRING)
    assert way is not None, "every type has a spelling"
    return cast("str | None", way(value)) or None


def bound_by_name(definition: FlowDefinition) -> dict[str, BoundInput]:
    """Inputs of the PUSH API: fields of the same name and type."""
    return {
        given.name: BoundInput(field=given.name, kind=given.type, conversion=SAME)
        for given in definition.inputs
    }


def bound_to_form(
    definition: FlowDefinition, form: FormDefinition, bindings: Iterable[Binding]
) -> dict[str, BoundInput]:
    """Inputs taken from a form's fields; an input without a binding is always empty.

    Raises `InvalidInput` for names that do not exist and types that have no conversion.
    """
    inputs = {given.name: given.type for given in definition.inputs}
    fields = {asked.name: asked.type for asked in form.fields}
    problems: list[Problem] = []
    bound: dict[str, BoundInput] = {}
    for index, binding in enumerate(bindings):
        way = _way(inputs.get(binding.input), fields.get(binding.field))
        if way is None:
            message = _refusal(binding, inputs, fields)
            problems.append(Problem(f"/bindings/{index}", "cannot_bind", message))
        else:
            bound[binding.input] = BoundInput(field=binding.field, kind=fields[binding.field], conversion=way)
    if problems:
        raise InvalidInput("The form cannot be bound to the flow like this.", problems)
    return bound


def _way(wanted: FieldType | None, given: FieldType | None) -> Conversion | None:
    return None if wanted is None or given is None else conversion(given, wanted)


def _refusal(binding: Binding, inputs: Mapping[str, FieldType], fields: Mapping[str, FieldType]) -> str:
    if binding.input not in inputs:
        return f"The flow has no input {binding.input}."
    if binding.field not in fields:
        return f"The form has no field {binding.field}."
    return (
        f"The field {binding.field} is {fields[binding.field]}, from which there is no conversion to "
        f"{inputs[binding.input]}, the type of the input {binding.input}."
    )
