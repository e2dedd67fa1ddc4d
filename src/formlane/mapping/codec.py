"""Definitions to and from JSON, with faults told by place and in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from formlane.domain import flows, forms
from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.types import FieldType, Json
from formlane.domain.values import ValueFault, bounded, read, render
from formlane.errors import InvalidInput, Problem
from formlane.mapping import documents
from formlane.mapping.findings import meant

Definition = TypeVar("Definition", FlowDefinition, FormDefinition, Binding)

_DOMAIN: Mapping[type[Struct], type] = {
    documents.FlowDocument: FlowDefinition,
    documents.InputDocument: flows.Input,
    documents.StepDocument: flows.Step,
    documents.MappingDocument: flows.FieldMapping,
    documents.SourceDocument: flows.Source,
    documents.LookupDocument: flows.LookupSource,
    documents.KeyInputDocument: flows.KeyInput,
    documents.WindowDocument: flows.WindowSetting,
    documents.FormDocument: FormDefinition,
    documents.FormFieldDocument: forms.FormField,
    documents.BindingDocument: Binding,
}
_DOCUMENTS = {domain: document for document, domain in _DOMAIN.items()}

_BY_KEY: Mapping[str, type[Struct]] = {
    "inputs": documents.InputDocument,
    "steps": documents.StepDocument,
    "mapping": documents.MappingDocument,
    "source": documents.SourceDocument,
    "lookup": documents.LookupDocument,
    "key_input": documents.KeyInputDocument,
    "window": documents.WindowDocument,
    "fields": documents.FormFieldDocument,
}
"""Shape of what stands at a key, or in the list there."""

_ENUMS: Mapping[str, type[StrEnum]] = {
    "kind": flows.SourceKind,
    "type": FieldType,
    "operation": flows.Operation,
    "no_match": flows.NoMatch,
    "several_matches": flows.SeveralMatches,
    "on_miss": flows.OnMiss,
    "nulls": flows.NullPolicy,
    "system": flows.SystemValue,
    "normalisers": flows.Normaliser,
}

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def definition_to_json(definition: FlowDefinition | FormDefinition | Binding) -> dict[str, Json]:
    """The definition's JSON without what equals its default; numbers of forms as numbers or text."""
    plain = _plain(definition)
    assert isinstance(plain, dict)
    return plain


def definition_from_json(kind: type[Definition], raw: object) -> Definition:
    """The definition of a decoded JSON value.

    Raises `InvalidInput` with the first fault: unknown keys, wrong types, limits. What the definition
    means is not checked here, but by `checks.check_flow` and `form_checks.check_form`.
    """
    try:
        read(FieldType.JSON, raw)
        document = msgspec.convert(raw, _DOCUMENTS[kind])
    except ValueFault as fault:
        raise _invalid(Problem("", fault.code, f"The definition {fault.message}.")) from None
    except msgspec.ValidationError as error:
        raise _invalid(_problem_of(str(error), _DOCUMENTS[kind])) from None
    definition = _built(document)
    assert isinstance(definition, kind)
    if isinstance(definition, FormDefinition):
        _check_bounds(definition)
    return definition


def _plain(value: object) -> Json:
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != field.default
            and not (field.name == "options" and not getattr(value, field.name))
        }
    if isinstance(value, Decimal):
        return render(FieldType.DECIMAL, value)
    if isinstance(value, StrEnum):
        return value.value
    return [_plain(item) for item in value] if isinstance(value, tuple) else cast(Json, value)


def _built(value: object) -> object:
    """The domain object of a document, and of all within."""
    if isinstance(value, documents.Document):
        names = value.__struct_fields__
        return _DOMAIN[type(value)](**{name: _built(getattr(value, name)) for name in names})
    return tuple(map(_built, value)) if isinstance(value, tuple) else value


def _check_bounds(form: FormDefinition) -> None:
    for index, asked in enumerate(form.fields):
        for name, limit in (("minimum", asked.minimum), ("maximum", asked.maximum)):
            try:
                if limit is not None:
                    bounded(limit)
            except ValueFault as fault:
                pointer = f"/fields/{index}/{name}"
                raise _invalid(Problem(pointer, fault.code, f"{name} {fault.message}.")) from None


def _invalid(problem: Problem) -> InvalidInput:
    return InvalidInput("The definition cannot be read.", [problem])


def _problem_of(message: str, root: type[Struct]) -> Problem:
    """The fault that msgspec reports as "<what> - at `$.steps[0].name`", by pointer and in our words."""
    what, _, place = message.partition(" - at ")
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", place)
    path = [name or index for name, index in steps]
    keys = [name for name, _ in steps if name]
    pointer = "".join(f"/{part}" for part in path)
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        return _unknown_key(found[1], pointer, _BY_KEY[keys[-1]] if keys else root)
    if found := re.fullmatch(r"Object missing required field `(.*)`", what):
        return Problem(f"{pointer}/{found[1]}", "required", f"{found[1]} is required.")
    name = keys[-1] if keys else "The definition"
    if what.startswith("Invalid enum value") and keys:
        given = what.removeprefix("Invalid enum value ").strip("'")
        offered = [member.value for member in _ENUMS[keys[-1]]]
        hint = meant(given, offered) or ""
        message = f"{name} must be one of {', '.join(offered)}. {hint}".rstrip()
        return Problem(pointer, "not_a_choice", message)
    return Problem(pointer, "invalid", f"{name}: {_in_words(what)}.")


def _unknown_key(key: str, pointer: str, shape: type[Struct]) -> Problem:
    known = shape.__struct_fields__
    hint = meant(key, known) or f"Known keys: {', '.join(known)}."
    name = key[:200].replace("~", "~0").replace("/", "~1")
    return Problem(f"{pointer}/{name}", "unknown_key", f"{key[:200]} is not known here. {hint}")


def _in_words(what: str) -> str:
    if "matching regex" in what:
        return "must not be blank or contain control characters"
    text = what.replace("Expected ", "must be ").replace("Invalid ", "is not a valid ")
    text = re.sub(
        r"`([^`]*)`", lambda found: " or ".join(_word(part) for part in found[1].split(" | ")), text
    )
    return text.replace(">=", "at least").replace("<=", "at most").replace(", got", ", not")


def _word(name: str) -> str:
    return _WORDS.get(name, name)
