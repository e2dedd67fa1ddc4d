"""Judges what arrived against what was sent: lost, phantom, twice, out of order, altered, elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.chaos.records import Record, digest, place_of
from tests.chaos.sent import Sent

SHOWN = 5
"""Examples of each kind of violation in a report."""


@dataclass(slots=True)
class Findings:
    """Violations by kind, with a few examples."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, example: str, number: int = 1) -> None:
        """One more."""
        if number > 0:
            self.counts[kind] += number
            if len(self.examples[kind]) < SHOWN:
                self.examples[kind].append(example)

    def lines(self) -> list[str]:
        """For a report."""
        return [
            f"{kind}: {number}; " + " | ".join(self.examples[kind]) for kind, number in self.counts.items()
        ]


@dataclass(slots=True)
class Oracle:
    """Reads the journals of receiver and consumer as they grow.

    `ordered`: flows that promise an order per key: of first arrivals at the receiver, and of file number and
    row at the file server. `journal` and `files` are the two journals.
    """

    sent: Sent
    ordered: Set[str]
    journal: Path
    files: Path
    findings: Findings = field(default_factory=Findings)
    repeats: int = 0
    messages: dict[tuple[str, str], str] = field(default_factory=dict)
    arrived: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    hashes: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    _last: dict[tuple[str, str], int] = field(default_factory=dict)
    _rows: dict[str, list[tuple[str, Sequence[Mapping[str, Any]]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _offsets: dict[Path, int] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Reads what came since the last time."""
        for line in self._lines(self.journal):
            self._message(line)
        for line in self._lines(self.files):
            self._file(line)

    def effects(self) -> int:
        """Distinct effects so far."""
        return sum(len(known) for known in self.arrived.values())

    def missing(self) -> dict[str, list[str]]:
        """Acknowledged records without an effect, by flow."""
        found = {
            flow: [one for one in known if one not in self.arrived[flow]]
            for flow, known in self.sent.acknowledged.items()
        }
        return {flow: ids for flow, ids in found.items() if ids}

    def judge(self, *, parked: Set[tuple[str, str]] = frozenset()) -> Findings:
        """The verdict once nothing is under way. `parked`: (flow, record) that wait for a person, visibly."""
        self.catch_up()
        for flow, ids in self.missing().items():
            lost = [one for one in ids if (flow, one) not in parked]
            self.findings.add("lost", f"{flow}: {lost[:3]}", len(lost))
        for flow, hashes in self.hashes.items():
            self._compare(flow, hashes)
        for flow, files in self._rows.items():
            if flow in self.ordered:
                self._order_of_files(flow, sorted(files, key=lambda one: one[0]))
        return self.findings

    def _lines(self, path: Path) -> Iterator[dict[str, Any]]:
        if not path.exists():
            return
        with path.open("rb") as stream:
            stream.seek(self._offsets.get(path, 0))
            for line in stream:
                if not line.endswith(b"\n"):
                    return
                self._offsets[path] = self._offsets.get(path, 0) + len(line)
                yield orjson.loads(line)

    def _message(self, line: dict[str, Any]) -> None:
        body = orjson.loads(line["body"])
        records = body.get("records", [body])
        message = (line["hook"], line["webhook_id"])
        if message in self.messages:
            self.repeats += 1
            if self.messages[message] != line["sha256"]:
                self.findings.add("repeat with other bytes", f"{line['hook']} {line['webhook_id']}")
            return
        self.messages[message] = line["sha256"]
        for fields in records:
            place = self._arrive(str(fields["flow"]), line["hook"], line["webhook_id"], fields)
            if place is not None and fields["flow"] in self.ordered:
                self._in_order(str(fields["flow"]), place)

    def _file(self, line: dict[str, Any]) -> None:
        folder, name = line["folder"], line["name"]
        if (folder, name) in self.messages:
            self.findings.add("file published twice", f"{folder}/{name}")
        self.messages[folder, name] = line["sha256"]
        self._rows[folder].append((name, line["rows"]))
        for fields in line["rows"]:
            self._arrive(folder, folder, name, fields)

    def _arrive(self, flow: str, where: str, message: str, fields: Mapping[str, Any]) -> Record | None:
        """Notes one effect; its place in order if it is the first of its record."""
        identity = str(fields["id"])
        try:
            place = place_of(identity)
        except ValueError:
            self.findings.add("phantom", f"{flow}: {fields}")
            return None
        if not where.startswith(place.tenant + "-") or not flow.startswith(place.tenant + "-"):
            self.findings.add("tenants mixed up", f"{identity} at {where} for {flow}")
        if fields["flow"] != flow or fields["who"] != place.tenant:
            self.findings.add("tenants mixed up", f"{flow}: {fields}")
        known = self.arrived[flow]
        if identity in known:
            kind = "row in two files" if where == flow else "record repeated under another id"
            self.findings.add(kind, f"{flow} {identity}: {known[identity]}, {message}")
            return None
        known[identity] = message
        self.hashes[flow][identity] = digest(fields)
        return place

    def _in_order(self, flow: str, place: Record) -> None:
        last = self._last.get((flow, place.key), 0)
        if place.n < last:
            self.findings.add("inversion", f"{flow}: {place.id} after {last}")
        self._last[flow, place.key] = max(last, place.n)

    def _order_of_files(self, flow: str, files: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
        last: dict[str, int] = {}
        for name, rows in files:
            for fields in rows:
                key, n = str(fields["key"]), int(fields["n"])
                if n < last.get(key, 0):
                    self.findings.add("inversion", f"{flow} {name}: {key}.{n} after {last[key]}")
                last[key] = max(n, last.get(key, 0))

    def _compare(self, flow: str, hashes: Mapping[str, str]) -> None:
        """Effects against what was sent: of records never sent, or with other content."""
        known = self.sent.acknowledged.get(flow, {})
        for identity, sha in hashes.items():
            place = place_of(identity)
            if identity not in known and identity not in self.sent.unknown:
                self.findings.add("phantom", f"{flow}: {identity}")
            elif sha != digest(place.fields()):
                self.findings.add("altered", f"{flow}: {identity}")
