"""Files of Bulk API 2.0: reading uploads, writing results (its Developer Guide, Prepare Data)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


class BadFileError(Exception):
    """The file as a whole cannot be read; the text becomes the job's errorMessage."""


def read_rows(data: bytes, *, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows; BadFileError for another line ending, encoding or number of columns."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFileError("InvalidBatch : The file is not encoded in UTF-8") from None
    if first_line_ending(text) not in ("", line_ending):
        raise BadFileError(f"LineEnding is invalid on user data. Current LineEnding setting is {line_ending}")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True))
    except csv.Error as error:
        raise BadFileError(f"InvalidBatch : Failed to parse CSV: {error}") from None
    rows = [row for row in rows if row]
    if not rows:
        raise BadFileError("InvalidBatch : The file is empty")
    header = [name.strip() for name in rows[0]]
    if any(len(row) != len(header) for row in rows[1:]):
        raise BadFileError("InvalidBatch : The number of columns of a row differs from the header's")
    return header, rows[1:]


def first_line_ending(text: str) -> str:
    """LF or CRLF, as the header's line ends; empty if it does not."""
    end = text.find("\n")
    if end < 0:
        return ""
    return "CRLF" if text[end - 1 : end] == "\r" else "LF"


def write_rows(
    system: Sequence[str],
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str,
    line_ending: str,
) -> bytes:
    """A result file: system columns quoted in the header, own columns not, every value quoted."""
    end = LINE_ENDINGS[line_ending]
    names = [f'"{name}"' for name in system] + list(header)
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=DELIMITERS[delimiter], lineterminator=end, quoting=csv.QUOTE_ALL)
    file.write(DELIMITERS[delimiter].join(names) + end)
    writer.writerows(rows)
    return file.getvalue().encode()
