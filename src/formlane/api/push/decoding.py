"""From a body's bytes to records, with everything that could hurt later refused here.

orjson decides what JSON is: RFC 8259 without NaN and Infinity, without half surrogate pairs, UTF-8
only. Of duplicate keys the last wins. Whole numbers beyond 64 bits are refused, as orjson would
silently make floats of them; other numbers are IEEE doubles (RFC 8259, section 6).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import orjson

from formlane.api.problems import Refused
from formlane.domain.values import JSON_DEPTH, shape
from formlane.errors import Problem

MOST_VALUES = 1_000_000
"""Values of one request: each costs some 60 bytes once decoded, however short it was written."""

JSON_TYPES = frozenset({"application/json"})
LINE_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})

_SEPARATORS = (b",", b"[", b"{")
_ZEROS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""A whole number beyond 64 bits has at least 19 digits."""

_INT64, _UINT64 = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most records of a request, and most bytes of one of them."""

    records: int = 10_000
    record_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Records as they came, not yet checked. `at` is the JSON Pointer of their list."""

    records: list[object]
    at: str


@lru_cache(maxsize=256)
def media_type(content_type: str | None) -> str:
    """The media type without parameters, in small letters; raises `Refused` if it is not taken here."""
    if content_type is None:
        raise _wrong_type("The Content-Type header is missing.")
    name, _, parameters = content_type.partition(";")
    name = name.strip().lower()
    if name not in JSON_TYPES and name not in LINE_TYPES:
        raise _wrong_type(f"The Content-Type {name[:100]!r} is not taken here.")
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if charset.startswith("charset=") and charset != "charset=utf-8":
        raise _wrong_type("The charset is not taken here: JSON is UTF-8.")
    return name


def decode(body: bytes, media: str, limits: Limits) -> Decoded:
    """The records of a body: an array, an object with `records`, or one object per line.

    Raises `Refused`; a record that is no object passes, to be refused by itself.
    """
    if len(body) > MOST_VALUES and sum(map(body.count, _SEPARATORS)) > MOST_VALUES:
        raise Refused(
            "too_large",
            f"The body holds more than {MOST_VALUES:,} values. Send fewer records in one request.",
        )
    decoded = _lines(body, limits) if media in LINE_TYPES else _document(body)
    if not decoded.records:
        raise Refused("invalid_input", "There are no records in the body.", (_no_records(decoded.at),))
    if len(decoded.records) > limits.records:
        raise _too_many(limits)
    if body.count(b"[") + body.count(b"{") > len(decoded.records) + JSON_DEPTH:
        check_nesting(decoded.records)
    if len(body) > limits.record_bytes:
        _check_sizes(decoded, limits)
    return decoded


def _document(body: bytes) -> Decoded:
    value = load_json(body)
    if isinstance(value, list):
        return Decoded(records=value, at="")
    if not isinstance(value, dict):
        message = f"The body must be a list of records or an object with 'records', not {shape(value)}."
        raise Refused("invalid_input", message, (Problem("", "not_a_list", message),))
    records = value.pop("records", None)
    if not isinstance(records, list):
        message = "The body is one object: put records into a list, or into a list under 'records'."
        raise Refused("invalid_input", message, (Problem("/records", "not_a_list", message),))
    if value:
        name = next(iter(value))[:100]
        message = f"{name} is not known here: beside 'records' the body may hold nothing."
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        raise Refused("invalid_input", message, (Problem(pointer, "unknown_key", message),))
    return Decoded(records=records, at="/records")


def _lines(body: bytes, limits: Limits) -> Decoded:
    records: list[object] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.isspace() or not line:
            continue
        if len(records) == limits.records:
            raise _too_many(limits)
        records.append(load_json(line, place=f"Line {number}"))
    return Decoded(records=records, at="")


def load_json(text: bytes, *, place: str = "The body") -> object:
    """The value of a JSON text; raises `Refused` that says where the fault is."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        _explain(text, error, place)
    if _LONG_NUMBER in text.translate(_ZEROS):
        _check_numbers(text, place)
    return value


def check_nesting(values: list[object]) -> None:
    """Raises `Refused` where a value is nested deeper than `JSON_DEPTH`; walks without recursion."""
    level: list[object] = values
    for _ in range(JSON_DEPTH + 1):
        level = [item for node in level for item in _items(node) if isinstance(item, dict | list)]
        if not level:
            return
    raise Refused("too_deep", f"A value is nested more than {JSON_DEPTH} deep. Flatten it.")


def _explain(text: bytes, error: orjson.JSONDecodeError, place: str) -> NoReturn:
    try:
        text.decode()
    except UnicodeDecodeError as fault:
        detail = f"{place} is not UTF-8: byte {fault.start + 1:,} cannot be decoded."
        raise Refused("invalid_encoding", detail) from None
    if not text.strip():
        raise Refused("malformed_json", f"{place} is empty.")
    if "depth limit" in error.msg or "allocate" in error.msg:
        raise Refused("too_deep", f"{place} is nested too deeply.")
    if "infinity" in error.msg:
        raise Refused("number_out_of_range", f"{place} holds a number beyond what a 64-bit float can be.")
    detail = f"{place} is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}."
    raise Refused("malformed_json", detail)


def _check_numbers(text: bytes, place: str) -> None:
    """A second reading, for the few bodies with very long digit runs; text that orjson accepted."""

    def within(digits: str) -> int:
        if len(digits) > 20 or not _INT64 <= int(digits) <= _UINT64:
            raise Refused(
                "number_out_of_range",
                f"{place} holds a whole number that does not fit into 64 bits. Send it as text.",
            )
        return 0

    try:
        json.loads(text, parse_int=within)
    except RecursionError:
        raise Refused("too_deep", f"{place} is nested too deeply.") from None


def _items(node: object) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values()
    return node if isinstance(node, list) else ()


def _check_sizes(decoded: Decoded, limits: Limits) -> None:
    for index, record in enumerate(decoded.records):
        if len(orjson.dumps(record)) > limits.record_bytes:
            message = f"The record is larger than {limits.record_bytes:,} bytes."
            raise Refused(
                "too_large",
                f"A record is larger than {limits.record_bytes:,} bytes.",
                (Problem(f"{decoded.at}/{index}", "too_large", message),),
            )


def _no_records(at: str) -> Problem:
    return Problem(at, "required", "At least one record is needed.")


def _too_many(limits: Limits) -> Refused:
    return Refused(
        "too_large", f"A request may hold {limits.records:,} records at most. Send them in several requests."
    )


def _wrong_type(what: str) -> Refused:
    return Refused(
        "unsupported_media_type",
        f"{what} Send application/json or application/x-ndjson.",
        headers={"accept": "application/json, application/x-ndjson"},
    )
