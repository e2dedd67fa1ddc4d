"""What arrived, read by others than wrote it: `csv.reader`, `json`, the sandbox's journal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from formlane_sandbox.webhook.simulator import WebhookReceiver

_SEQUENCE = re.compile(r"_(\d{8})_")


@dataclass(frozen=True, slots=True)
class Hook:
    """The sandbox's receiver with the journal of what it took."""

    receiver: WebhookReceiver
    journal: Path

    @property
    def port(self) -> int:
        return int(urlsplit(self.receiver.url).port or 0)

    def url(self, name: str) -> str:
        return self.receiver.hook_url(name)

    def messages(self, name: str) -> list[Any]:
        """The bodies of a hook's messages in order of arrival; one that came again counts once.

        Fails the test when a message came again with other bytes, or when one was refused.
        """
        assert self.receiver.stats()["faults_fired"] == 0
        lines = [json.loads(line) for line in self.journal.read_bytes().splitlines()]
        mine = [line for line in lines if line["hook"] == name]
        assert all(line["equal"] for line in mine if line["repeat"])
        return [read_json(line["body"]) for line in mine if not line["repeat"]]


def read_json(text: str | bytes) -> Any:
    """JSON with every digit of its numbers."""
    return json.loads(text, parse_float=Decimal)


def files_in(directory: Path) -> list[Path]:
    """Published files by their sequence number. Fails the test when anything else was left behind."""
    found = list(directory.iterdir())
    assert all(_SEQUENCE.search(one.name) for one in found)
    assert not [one.name for one in found if one.name.startswith(".")]
    return sorted(found, key=_sequence)


def csv_records(files: Iterable[Path], types: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of CSV files in order, numbers read by their column's type; an empty cell is ""."""
    rows: list[dict[str, Any]] = []
    for file in files:
        reader = csv.reader(io.StringIO(file.read_bytes().decode(), newline=""), strict=True)
        assert next(reader) == list(types)
        rows += [
            {name: _number(kind, cell) for (name, kind), cell in zip(types.items(), row, strict=True)}
            for row in reader
        ]
    return rows


def json_lines(files: Iterable[Path]) -> list[dict[str, Any]]:
    """The records of JSON Lines files in order."""
    lines: list[bytes] = []
    for file in files:
        content = file.read_bytes()
        assert content.endswith(b"\n")
        lines += content[:-1].split(b"\n")
    return [read_json(line) for line in lines]


def expected(records: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> list[dict[str, Any]]:
    """The records as documented: whole numbers of integer fields as such, decimals digit by digit."""
    return [{name: _sent(kind, record[name]) for name, kind in types.items()} for record in records]


def _sent(kind: str, value: Any) -> Any:
    match kind:
        case "integer":
            return int(value)
        case "decimal":
            return Decimal(repr(value))
        case _:
            return value


def _number(kind: str, cell: str) -> Any:
    match kind:
        case "integer":
            assert re.fullmatch(r"-?\d+", cell)
            return int(cell)
        case "decimal":
            assert re.fullmatch(r"-?\d+(\.\d+)?", cell)
            return Decimal(cell)
        case _:
            return cell


def _sequence(file: Path) -> int:
    found = _SEQUENCE.search(file.name)
    assert found is not None
    return int(found[1])
