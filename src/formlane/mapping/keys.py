"""What of a record is hashed: the key input that orders records, and the identities they are found by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from formlane.domain.flows import FlowDefinition, Input, KeyInput, Normaliser
from formlane.domain.forms import FormDefinition
from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import ValueFault, is_empty, read, shape
from formlane.mapping.conversions import conversion

Record: TypeAlias = Mapping[str, object]
Normalise: TypeAlias = Callable[[str], str]

IDENTITIES = frozenset({FieldType.EMAIL, FieldType.PHONE, FieldType.REFERENCE})
"""Types by whose values a record can be searched."""

_SPACE = " \t\r\n"
_NO_DIGIT = re.compile(r"[^0-9]")
_EMPTY_PART = b"\xff\xff\xff\xff"

_NORMALISERS: Mapping[Normaliser, Normalise] = {
    Normaliser.NONE: lambda text: text,
    Normaliser.TRIM: lambda text: text.strip(_SPACE),
    Normaliser.LOWER: lambda text: text.strip(_SPACE).lower(),
    Normaliser.DIGITS: lambda text: _NO_DIGIT.sub("", text),
}


def key_parts(
    key: KeyInput | None, *, inputs: Sequence[Input], bindings: Mapping[str, str] | None = None
) -> Callable[[Record], bytes | None]:
    """The function from a record to the canonical bytes of its key input, for hashing.

    Each part is four bytes of length, big-endian, and UTF-8; an empty part is the length 2³²-1 alone,
    so no two different keys share their bytes. None when every part is empty, or there is no key: such
    a record has no order. Values are spelled by their input's type, so `"007"` and 7 are one key of an
    integer; text that cannot be read is taken as it is. `bindings` (input → form field) are for records
    of a form. Never raises.
    """
    if key is None:
        return lambda record: None
    types = {given.name: given.type for given in inputs}
    fields = bindings or {}
    chosen = key.normalisers or (Normaliser.NONE,) * len(key.inputs)
    parts = [
        (fields.get(name, name), types.get(name, FieldType.STRING), _NORMALISERS[normaliser])
        for name, normaliser in zip(key.inputs, chosen, strict=True)
    ]

    def key_of(record: Record) -> bytes | None:
        texts = [_part(record.get(name), kind, normalise) for name, kind, normalise in parts]
        return b"".join(map(_framed, texts)) if any(texts) else None

    return key_of


def lookup_texts(definition: FormDefinition | FlowDefinition) -> Callable[[Iterable[Record]], list[str]]:
    """The function from records to all their identities as `lookup_part` spells them, without repeats.

    For a whole batch at once: each way of writing a value is looked up and spelled in one go.
    """
    described: Sequence[tuple[str, FieldType]] = (
        [(given.name, given.type) for given in definition.inputs]
        if isinstance(definition, FlowDefinition)
        else [(asked.name, asked.type) for asked in definition.fields]
    )
    fields = [(name, kind) for name, kind in described if kind in IDENTITIES]

    def identities_of(records: Iterable[Record]) -> list[str]:
        found: dict[str, None] = {}
        for name, kind in fields:
            normalise = _NORMALISERS[_BY_TYPE.get(kind, Normaliser.TRIM)]
            values = dict.fromkeys(
                [
                    value if type(value := record.get(name)) is str else _told(value, kind)
                    for record in records
                ]
            )
            found.update([(f"{kind}:{text}", None) for value in values if (text := normalise(value))])
        return list(found)

    return identities_of


def lookup_parts(definition: FormDefinition | FlowDefinition) -> Callable[[Record], list[bytes]]:
    """The function from one record to its identities, as `lookup_part` gives them, without repeats."""
    texts_of = lookup_texts(definition)
    return lambda record: [text.encode("utf-8", "surrogatepass") for text in texts_of((record,))]


def lookup_part(kind: FieldType, raw: object) -> bytes | None:
    """One identity as it is kept in the search index, whatever field it came from; None when empty.

    An email is trimmed and in lower case, a phone its digits, a reference trimmed.
    """
    normaliser = _BY_TYPE.get(kind, Normaliser.TRIM)
    text = _part(raw, kind, _NORMALISERS[normaliser])
    return f"{kind}:{text}".encode("utf-8", "surrogatepass") if text else None


def _part(raw: object, kind: FieldType, normalise: Normalise) -> str:
    return normalise(raw if type(raw) is str and kind in TEXTUAL else _told(raw, kind))


def _told(raw: object, kind: FieldType) -> str:
    return "" if raw is None else _spelled(raw, kind)


def _spelled(raw: object, kind: FieldType) -> str:
    """One spelling for all ways to write a value of the type."""
    try:
        value = read(kind, raw)
    except ValueFault:
        return _loosely_spelled(raw)
    if is_empty(value):
        return ""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return _text(value, kind)


def _loosely_spelled(raw: object) -> str:
    """A spelling for what is not of its type, such as a number where text is expected."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    try:
        return str(read(FieldType.INTEGER if isinstance(raw, int) else FieldType.DECIMAL, raw))
    except ValueFault:
        return shape(raw)


def _text(value: Value, kind: FieldType) -> str:
    way = conversion(kind, FieldType.STRING)
    assert way is not None, "every type has a text form"
    return str(way(value))


def _framed(text: str) -> bytes:
    if not text:
        return _EMPTY_PART
    data = text.encode("utf-8", "surrogatepass")
    return len(data).to_bytes(4, "big") + data


_BY_TYPE = {FieldType.EMAIL: Normaliser.LOWER, FieldType.PHONE: Normaliser.DIGITS}
