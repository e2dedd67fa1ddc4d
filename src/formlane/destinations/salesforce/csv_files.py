"""Bulk files: records as CSV, results from CSV (Bulk API 2.0 Developer Guide, "Prepare CSV Files")."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from formlane.domain.types import Json

from .answers import Fault

NULL: Final = "#N/A"
"""Empties a field; an empty cell leaves it as it is."""

MOST_TEXT: Final = 32_000
"""Characters of a cell (Bulk API 2.0 Developer Guide, "Limits")."""


def is_carried(fields: Mapping[str, Json]) -> bool:
    """Whether a file can hold these values as they are: not a text that means empty, or is too long."""
    for value in fields.values():
        if isinstance(value, str) and (value == NULL or len(value) > MOST_TEXT or not _is_encodable(value)):
            return False
    return True


def table_of(records: Sequence[Mapping[str, Json]]) -> bytes:
    """The records as a file, a column for each field that one of them has."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(record, name) for name in columns] for record in records])
    return content.getvalue().encode()


def rows_of(content: bytes) -> Iterator[Mapping[str, str]]:
    """The rows of a result file by column."""
    return csv.DictReader(io.StringIO(content.decode("utf-8", errors="replace"), newline=""))


def fault_of_cell(text: str) -> Fault:
    """An error as a result file has it: `CODE:message:Field1,Field2 --`."""
    code, _, rest = text.partition(":")
    message, colon, names = rest.rpartition(":")
    if not colon:
        return Fault(status_code=code.strip(), message=rest)
    fields = tuple(filter(None, names.removesuffix("--").strip().split(",")))
    return Fault(status_code=code.strip(), message=message, fields=fields)


def _cell(record: Mapping[str, Json], name: str) -> str:
    value = record.get(name, "")
    if value is None or (value == "" and name in record):
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
