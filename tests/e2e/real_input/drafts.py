"""Drafts of flows that send every input under its own name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def draft(
    types: Mapping[str, str],
    *,
    object_: str = "call",
    nulls: str = "null",
    key: Sequence[str] = (),
    shards: int = 1,
    window: Mapping[str, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A definition as the API takes it. `nulls` "default" keeps an empty text as one; ids are required."""
    default = {"default": ""} if nulls == "default" else {}
    made: dict[str, Any] = {
        "inputs": [{"name": name, "type": kind} for name, kind in types.items()],
        "shards": shards,
        "steps": [
            {
                "name": "send",
                "object": object_,
                "mapping": [
                    {
                        "target": name,
                        "type": kind,
                        "source": {"kind": "input", "input": name},
                        **({"nulls": nulls, **default} if kind in ("string", "text") else {"nulls": "null"}),
                    }
                    for name, kind in types.items()
                ],
                "options": dict(options or {}),
            }
        ],
    }
    if key:
        made["key_input"] = {"inputs": list(key)}
    if window:
        made["window"] = dict(window)
    return made
