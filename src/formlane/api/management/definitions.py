"""Definitions of forms and flows inside bodies: read by the codec, shown in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from pydantic import JsonValue, WithJsonSchema

from formlane.api.management.models import JsonObject, plain
from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import FormDefinition
from formlane.errors import InvalidInput, Problem
from formlane.mapping.codec import definition_from_json, definition_to_json
from formlane.mapping.documents import FlowDocument, FormDocument

Definition = TypeVar("Definition", FlowDefinition, FormDefinition)

DOCUMENT = "x-document"
"""Stands for a reference to a schema that pydantic does not know, until `refer` puts it there."""

FlowJson = Annotated[
    dict[str, JsonValue], WithJsonSchema({"type": "object", DOCUMENT: "FlowDocument"}, mode="validation")
]
FormJson = Annotated[
    dict[str, JsonValue], WithJsonSchema({"type": "object", DOCUMENT: "FormDocument"}, mode="validation")
]


def definition_schemas() -> dict[str, object]:
    """The schemas of definitions, by name, for the OpenAPI document."""
    _, components = msgspec.json.schema_components(
        [FlowDocument, FormDocument], schema_hook=_any, ref_template="#/components/schemas/{name}"
    )
    return dict(components)


def _any(_kind: type) -> dict[str, object]:
    """JSON that is checked elsewhere."""
    return {"description": "Any JSON value."}


def refer(schema: object) -> object:
    """The schema with references where `DOCUMENT` stood."""
    if isinstance(schema, dict):
        if DOCUMENT in schema:
            return {"$ref": f"#/components/schemas/{schema[DOCUMENT]}"}
        return {name: refer(item) for name, item in schema.items()}
    return [refer(item) for item in schema] if isinstance(schema, list) else schema


def read_definition(kind: type[Definition], raw: JsonObject, *, at: str) -> Definition:
    """The definition that stands at `at` of a body; raises `InvalidInput` that points there."""
    try:
        return definition_from_json(kind, raw)
    except InvalidInput as fault:
        raise moved(fault, at) from None


def show_definition(definition: FlowDefinition | FormDefinition) -> JsonObject:
    """A definition as answered: what equals its default is left out."""
    return plain(definition_to_json(definition)) or {}


def moved(fault: InvalidInput, at: str) -> InvalidInput:
    """The same faults, pointing into the body that was sent."""
    problems = [Problem(f"{at}{one.pointer}", one.code, one.message) for one in fault.problems]
    return InvalidInput(str(fault), problems)
