"""The OpenAPI 3.1 document: what FastAPI finds, the push routes, problems, definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from formlane.api.management.definitions import definition_schemas, refer
from formlane.api.options import ApiSettings

Schema = dict[str, Any]

_PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "errors",
        "retryable",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean"},
        "docs": {"type": "string", "format": "uri"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON Pointer into what was sent."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
_PROBLEM_ANSWER: Final[Schema] = {
    "description": "A problem",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_RECORD: Final[Schema] = {"type": "object", "additionalProperties": True}
_FAULTS: Final[Schema] = _PROBLEM["properties"]["errors"]
_VERDICT: Final[Schema] = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": ["accepted", "rejected"]},
        "errors": _FAULTS,
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
}
_RECEIPT: Final[Schema] = {
    "type": "object",
    "description": "The batch, counts, and a verdict per record in order.",
    "required": ["batch", "records", "accepted", "rejected", "results"],
    "properties": {
        "batch": {"type": "string"},
        "records": {"type": "integer"},
        "accepted": {"type": "integer"},
        "rejected": {"type": "integer"},
        "results": {"type": "array", "items": _VERDICT},
    },
}


def describe(app: FastAPI, settings: ApiSettings) -> Schema:
    """The whole document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        routes=app.routes,
        servers=[{"url": settings.base_url}],
        description="Errors are problem documents (RFC 9457). Ids carry a prefix. Times are RFC 3339 in UTC.",
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {name: refer(schema) for name, schema in schemas.items()}
    schemas |= definition_schemas()
    schemas["Problem"] = _PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    paths = document["paths"]
    paths["/v1/forms/{form}/batches"] = {"post": _push("form")}
    paths["/v1/flows/{flow}/batches"] = {"post": _push("flow")}
    for path in paths.values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM_ANSWER
    return document


def _push(source: str) -> Mapping[str, Any]:
    listed: Schema = {"type": "array", "items": _RECORD, "minItems": 1}
    wrapped: Schema = {"type": "object", "required": ["records"], "properties": {"records": listed}}
    return {
        "tags": ["PUSH API"],
        "operationId": f"push_to_{source}",
        "summary": f"Takes records for a {source}",
        "description": "Durable when answered with 202. Content-Encoding gzip or zstd may be used.",
        "security": [{"api_key": []}],
        "parameters": [
            {"name": source, "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A repeat with the same key and body stores nothing again, for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [listed, wrapped]}},
                "application/x-ndjson": {"schema": _RECORD},
            },
        },
        "responses": {
            "202": {"description": "Stored", "content": {"application/json": {"schema": _RECEIPT}}}
        },
    }
