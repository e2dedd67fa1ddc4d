"""CSV as RFC 4180 means it: one encoder of our own.

The standard library's writer (Python 3.11) leaves a bare CR unquoted when lines end in LF, writes None and
the empty text alike, and lets NUL through. Reading back is left to readers that know nothing of this file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeGuard

from formlane.destinations.base import CallRecord
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType, Json

from .content import Fault, Refused, Rendered
from .json_format import json_text

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
NEWLINES = {"crlf": "\r\n", "lf": "\n"}
BOM = b"\xef\xbb\xbf"

NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""C0 control characters but tab, LF and CR; halves of surrogate pairs."""

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters that spreadsheets may run (OWASP ASVS 5.0 1.2.10), with their full-width twins."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDialect:
    """How cells and rows are written. `null_token` stands, unquoted, for an empty value."""

    header: bool = True
    delimiter: str = ","
    newline: str = "\r\n"
    quoting: str = "minimal"
    bom: bool = False
    null_token: str = ""
    formula_guard: str = "off"


def render_csv(
    records: Sequence[CallRecord], columns: Sequence[str], types: Sequence[FieldType], dialect: CsvDialect
) -> Rendered:
    """The file of all records that can be written, and a fault for each that cannot.

    Columns in the order given. A record without one of them has an empty value there.
    """
    writer = _RowWriter(columns, types, dialect)
    lines = [writer.header()] if dialect.header else []
    rows, faults = 0, {}
    for index, record in enumerate(records):
        try:
            lines.append(writer.row(record))
            rows += 1
        except Refused as refusal:
            faults[index] = refusal.fault
    lines.append("")
    body = dialect.newline.join(lines).encode("utf-8")
    return Rendered(body=BOM + body if dialect.bom else body, rows=rows, faults=faults)


class _RowWriter:
    def __init__(self, columns: Sequence[str], types: Sequence[FieldType], dialect: CsvDialect) -> None:
        self._columns = tuple(columns)
        self._numeric = tuple(kind in NUMERIC for kind in types) or (False,) * len(self._columns)
        self._dialect = dialect
        self._special = re.compile(f'["\r\n{re.escape(dialect.delimiter)}]')
        self._costly = re.compile(f'["\x00-\x1f{re.escape(dialect.delimiter)}\ud800-\udfff]')
        self._marks = {"", dialect.null_token}
        self._is_plain = dialect.quoting == "minimal" and dialect.formula_guard == "off"

    def header(self) -> str:
        """Names of the columns; they were checked when the flow was saved, so they are only quoted."""
        names = (_UNFIT.sub("_", name) for name in self._columns)
        return self._dialect.delimiter.join(self._quoted_if_needed(name) for name in names)

    def row(self, record: CallRecord) -> str:
        fields = record.fields
        values = [fields.get(column) for column in self._columns]
        if self._is_plain:
            line = self._plain_row(values)
            if line is not None:
                return line
        line = self._dialect.delimiter.join(
            value if self._is_bare(value) else self._cell(column, value, numeric)
            for column, value, numeric in zip(self._columns, values, self._numeric, strict=True)
        )
        # An empty line is no record for most readers.
        return line or '""'

    def _plain_row(self, values: list[Json]) -> str | None:
        """The common case in two passes: every value a text without anything special. None if not so."""
        try:
            line = self._dialect.delimiter.join(values)  # type: ignore[arg-type]  # other types raise
        except TypeError:
            return None
        if "" in values or self._dialect.null_token in values or self._costly.search("".join(values)):  # type: ignore[arg-type]  # texts, or join had raised
            return None
        return line

    def _is_bare(self, value: Json) -> TypeGuard[str]:
        """The common cell: a text that may stand as it is."""
        return (
            self._is_plain
            and isinstance(value, str)
            and value not in self._marks
            and self._costly.search(value) is None
        )

    def _cell(self, column: str, value: Json, numeric: bool) -> str:
        if value is None:
            return self._dialect.null_token
        if not isinstance(value, str):
            return self._scalar(column, value)
        if unfit := _UNFIT.search(value):
            raise Refused(_unfit_fault(column, unfit.group()))
        is_number = numeric and _NUMBER.fullmatch(value) is not None
        if not is_number:
            value = self._guarded(column, value)
        if self._dialect.quoting == "non_numeric" and is_number:
            return value
        if self._dialect.quoting == "minimal":
            return self._quoted_if_needed(value)
        return _quoted(value)

    def _scalar(self, column: str, value: Json) -> str:
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, int):
            text = str(value)
        elif isinstance(value, float):
            text = _decimal_text(column, value)
        else:
            text = json_text(column, value)
            return self._quoted_if_needed(text) if self._dialect.quoting == "minimal" else _quoted(text)
        return _quoted(text) if self._dialect.quoting == "all" else text

    def _guarded(self, column: str, value: str) -> str:
        if self._dialect.formula_guard == "off" or not value.startswith(_RISKY):
            return value
        if self._dialect.formula_guard == "prefix":
            return "'" + value
        message = (
            f"{column} begins with {value[0]!r}, which a spreadsheet may run as a formula, and this step "
            "refuses such values. Remove the character in the mapping, or set the formula guard to 'prefix'."
        )
        raise Refused(Fault(reason=Reason.INVALID_VALUE, message=message, fields=(column,)))

    def _quoted_if_needed(self, value: str) -> str:
        if not value or value == self._dialect.null_token or self._special.search(value):
            return _quoted(value)
        return value


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _decimal_text(column: str, value: float) -> str:
    if not math.isfinite(value):
        message = f"{column} is not a finite number, which a file cannot hold. Correct the mapping."
        raise Refused(Fault(reason=Reason.INVALID_VALUE, message=message, fields=(column,)))
    text = repr(value)
    return text if "e" not in text else format(Decimal(text), "f")


def _unfit_fault(column: str, character: str) -> Fault:
    message = (
        f"{column} holds the character U+{ord(character):04X}, which a CSV file cannot carry. "
        "Remove it in the mapping (SUBSTITUTE), or write JSON Lines instead."
    )
    if "\ud800" <= character <= "\udfff":
        message = (
            f"{column} holds half of a surrogate pair (U+{ord(character):04X}), which is no text. "
            "The source sent a broken character; correct it there."
        )
    return Fault(reason=Reason.NOT_ENCODABLE, message=message, fields=(column,))
