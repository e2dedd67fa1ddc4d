"""Tests by which generated code sees at a glance that a value is right and stays as it is.

Templates for `quasiquote`: `H_FIRST` is the value where it is named first, `H_V` after that. They
are sufficient, not necessary: what fails one is read in full. Text may still be empty.
"""

from __future__ import annotations

from collections.abc import Mapping

from formlane.domain.types import FieldType
from formlane.domain.values import INTEGER_BOUND, PLAIN_SHAPES, encodable
from formlane.mapping.conversions import PLAIN, PLAIN_FLOATS

EVIDENT: Mapping[FieldType, str] = {
    FieldType.INTEGER: f"type(H_FIRST) is int and -{INTEGER_BOUND} <= H_V <= {INTEGER_BOUND}",
    FieldType.BOOLEAN: "type(H_FIRST) is bool",
    FieldType.DECIMAL: f"type(H_FIRST) is float and {PLAIN_FLOATS[0]} < H_V < {PLAIN_FLOATS[1]}",
    **dict.fromkeys(PLAIN, "type(H_FIRST) is str and (H_V.isascii() or encodable(H_V))"),
    **{
        kind: f"type(H_FIRST) is str and H_V.isascii() and len(H_V) <= {longest} and matches_{kind}(H_V)"
        for kind, (longest, _) in PLAIN_SHAPES.items()
    },
}
"""Test per type of a raw value."""

GLANCES: Mapping[str, object] = {
    "encodable": encodable,
    **{f"matches_{kind}": matches for kind, (_, matches) in PLAIN_SHAPES.items()},
}
"""What the tests call; to be bound by generated code that uses them."""
