"""The records of a file, one after the other: CSV and NDJSON in bounded memory, a JSON array at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import orjson

from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_RECORD: Final = 1024 * 1024
"""Bytes of a line, characters of a cell; the server takes no larger record."""

BOM: Final = b"\xef\xbb\xbf"
_PIECE: Final = 1024 * 1024


class Format(StrEnum):
    """How records stand in a file."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"


_SUFFIXES: Final = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.JSON,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A record of a file. `number` counts records from 1, `line` is where it ends.

    `raw` is its JSON as it goes out; with a `problem` it stays here, and `raw` is whatever was found.
    """

    number: int
    line: int
    raw: bytes
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """A file and how it is read."""

    path: Path
    format: Format
    delimiter: str = ","

    def rows(self) -> Iterator[Row]:
        """Its records in order. Raises `InvalidInput` where the file cannot be read on."""
        try:
            with self.path.open("rb") as stream:
                yield from _READERS[self.format](stream, self)
        except OSError as failure:
            raise InvalidInput(f"{self.path} cannot be read: {failure.strerror}.") from None

    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        hashed = sha256()
        try:
            with self.path.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    hashed.update(piece)
        except OSError as failure:
            raise InvalidInput(f"{self.path} cannot be read: {failure.strerror}.") from None
        return hashed.hexdigest()

    def stamp(self) -> tuple[int, int]:
        """Size and time of change: what differs when somebody writes to the file meanwhile."""
        try:
            state = self.path.stat()
        except OSError as failure:
            raise InvalidInput(f"{self.path} cannot be read: {failure.strerror}.") from None
        return state.st_size, state.st_mtime_ns


def format_of(path: Path) -> Format:
    """The format that the file's name shows; raises `InvalidInput` for one that shows none."""
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise InvalidInput(f"The name {path.name!r} does not show the format. Give --format.")
    return found


def _csv_rows(stream: io.BufferedReader, source: RecordFile) -> Iterator[Row]:
    """Rows below a header row; the cells are text, an empty one too."""
    csv.field_size_limit(LONGEST_RECORD)
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=source.delimiter, strict=True)
        yield from _csv_rows_of(reader, source)


def _csv_rows_of(reader: Reader, source: RecordFile) -> Iterator[Row]:
    try:
        header = _checked_header(next(reader, []), source.path)
        filled = (cells for cells in reader if cells)
        for number, cells in enumerate(filled, start=1):
            yield _csv_row(number, reader.line_num, header, cells)
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{source.path} is not UTF-8 somewhere after line {reader.line_num}. Convert it, "
            "for instance: iconv -f WINDOWS-1252 -t UTF-8."
        ) from None
    except csv.Error as fault:
        raise InvalidInput(f"{source.path} is broken as CSV in line {reader.line_num}: {fault}.") from None


def _checked_header(header: list[str], path: Path) -> list[str]:
    if not header:
        raise InvalidInput(f"{path} is empty. Its first row must name the fields.")
    if "" in header:
        raise InvalidInput(f"{path}: column {header.index('') + 1} has no name in the header row.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InvalidInput(f"{path}: the header row names {', '.join(twice)} more than once.")
    return header


def _csv_row(number: int, line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        text = f"The row has {len(cells)} cells, the header row {len(header)}. Is the delimiter right?"
        return Row(number, line, orjson.dumps(cells), Problem("", "columns", text))
    return Row(number, line, orjson.dumps(dict(zip(header, cells, strict=True))))


def _lines(stream: io.BufferedReader, _: RecordFile) -> Iterator[Row]:
    """JSON objects, one per line; blank lines do not count."""
    number = line = 0
    while raw := stream.readline(LONGEST_RECORD + 1):
        line += 1
        too_long = len(raw) > LONGEST_RECORD and not raw.endswith(b"\n")
        while too_long and not stream.readline(LONGEST_RECORD).endswith(b"\n"):
            if not stream.peek(1):
                break
        raw = (raw.removeprefix(BOM) if line == 1 else raw).strip(b" \t\r\n")
        if not raw:
            continue
        number += 1
        if too_long:
            text = f"The line has more than {LONGEST_RECORD:,} bytes."
            yield Row(number, line, raw[:1000], Problem("", "too_large", text))
        else:
            yield _checked(number, line, raw)


def _array(stream: io.BufferedReader, source: RecordFile) -> Iterator[Row]:
    """The elements of an array, or of `{"records": […]}`. Python's reader keeps whole numbers whole."""
    try:
        document = json.loads(stream.read().removeprefix(BOM))
    except (ValueError, RecursionError) as fault:
        raise InvalidInput(f"{source.path} is not JSON: {fault}.") from None
    records = document.get("records") if isinstance(document, dict) else document
    if not isinstance(records, list):
        raise InvalidInput(f'{source.path} must hold an array of records, or {{"records": [...]}}.')
    for number, record in enumerate(records, start=1):
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        yield _checked(number, number, text.encode("utf-8", "surrogatepass"))


def _checked(number: int, line: int, raw: bytes) -> Row:
    """The row if a server can read it by itself; one that it cannot must not spoil a whole batch."""
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        return Row(number, line, raw, Problem("", "malformed_json", f"This is not JSON: {fault}."))
    if not isinstance(record, dict):
        return Row(number, line, raw, Problem("", "not_an_object", "A record is a JSON object."))
    return Row(number, line, raw)


def values_of(row: Row) -> Json:
    """What the file holds there: the record, or text where it is no JSON."""
    try:
        return cast(Json, orjson.loads(row.raw))
    except orjson.JSONDecodeError:
        return row.raw.decode("utf-8", "replace")


_Reader: TypeAlias = Callable[[io.BufferedReader, RecordFile], Iterator[Row]]
_READERS: Final[Mapping[Format, _Reader]] = {
    Format.CSV: _csv_rows,
    Format.NDJSON: _lines,
    Format.JSON: _array,
}
