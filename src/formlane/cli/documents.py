"""JSON documents that commands read: definitions, settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import orjson
import typer

from formlane.domain.types import Json
from formlane.errors import InvalidInput

LARGEST = 16 * 1024 * 1024
"""Bytes; the server takes less. Guards against a wrong file."""

DocumentFile = Annotated[
    str, typer.Argument(metavar="FILE", help="JSON file; - reads standard input.", show_default=False)
]


def read_document(file: str) -> dict[str, Json]:
    """The JSON object in a file, or on standard input for `-`. Raises `InvalidInput` naming the file."""
    name = "Standard input" if file == "-" else file
    try:
        raw = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else _bytes_of(Path(file))
    except OSError as failure:
        raise InvalidInput(f"{name} cannot be read: {failure.strerror}.") from None
    if len(raw) > LARGEST:
        raise InvalidInput(f"{name} has more than {LARGEST:,} bytes: it is no definition.")
    try:
        document = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as fault:
        raise InvalidInput(f"{name} is not JSON: {fault}.") from None
    if not isinstance(document, dict):
        raise InvalidInput(f"{name} must hold a JSON object.")
    return cast("dict[str, Json]", document)


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LARGEST + 1)
