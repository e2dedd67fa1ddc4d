"""The campaign's judge must be able to say no: one test per kind of violation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from tests.chaos.cast import Source
from tests.chaos.oracle import Oracle
from tests.chaos.records import Record
from tests.chaos.sent import Sent

FLOW, FILES = "t0-keyed", "t0-csv"
ORDERS = Source(tenant="t0", name="form", path="", token="", flows=(FLOW,), size=1, share=1)
EXPORT = Source(tenant="t0", name="csv", path="", token="", flows=(FILES,), size=1, share=1)


@dataclass(slots=True)
class Scene:
    """What was sent, and the two journals."""

    sent: Sent
    oracle: Oracle
    numbers: int = field(default=0)

    def acknowledge(self, *records: Record, source: Source = ORDERS) -> None:
        self.sent.acknowledge(source, records, "bat_1")

    def message(
        self, *records: Record, id_: str, hook: str = "t0-batches", flow: str = FLOW, **changed: object
    ) -> None:
        body = orjson.dumps({"records": [{**one.fields(), "flow": flow, **changed} for one in records]})
        self._append(
            self.oracle.journal,
            {
                "hook": hook,
                "webhook_id": id_,
                "sha256": hashlib.sha256(body).hexdigest(),
                "body": body.decode(),
            },
        )

    def file(self, name: str, *records: Record) -> None:
        rows = [{**one.fields(), "n": str(one.n), "flow": FILES} for one in records]
        self._append(self.oracle.files, {"folder": FILES, "name": name, "sha256": "", "rows": rows})

    def verdict(self, parked: Sequence[tuple[str, str]] = ()) -> Mapping[str, int]:
        return self.oracle.judge(parked=set(parked)).counts

    @staticmethod
    def _append(path: Path, line: Mapping[str, object]) -> None:
        with path.open("ab") as stream:
            stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    sent = Sent(tmp_path / "sent.jsonl")
    return Scene(sent, Oracle(sent, {FLOW, FILES}, tmp_path / "journal.jsonl", tmp_path / "files.jsonl"))


def record(n: int, *, key: str = "k1", source: str = "form", tenant: str = "t0") -> Record:
    return Record(tenant, source, key, n)


def row(n: int) -> Record:
    return record(n, source="csv")


def test_what_arrives_once_in_order_is_no_violation(scene: Scene) -> None:
    scene.acknowledge(record(1), record(2))
    scene.acknowledge(row(1), row(2), source=EXPORT)
    scene.message(record(1), id_="a")
    scene.message(record(2), id_="b")
    scene.file("out_2", row(2))
    scene.file("out_1", row(1))
    assert not scene.verdict()
    assert scene.oracle.effects() == 4


def test_a_message_repeated_with_equal_bytes_is_counted_and_no_violation(scene: Scene) -> None:
    scene.acknowledge(record(1), record(2))
    for n, id_ in ((1, "a"), (2, "b"), (1, "a")):
        scene.message(record(n), id_=id_)
    assert not scene.verdict()
    assert scene.oracle.repeats == 1


def test_a_record_of_unknown_fate_may_be_missing_or_there(scene: Scene) -> None:
    scene.sent.lose_sight(ORDERS, [record(1), record(2)])
    scene.message(record(1), id_="a")
    assert not scene.verdict()


def test_a_parked_record_is_not_lost(scene: Scene) -> None:
    scene.acknowledge(record(1))
    assert not scene.verdict(parked=[(FLOW, record(1).id)])


Act = Callable[[Scene], None]


def _altered(scene: Scene) -> None:
    scene.message(record(1), id_="a", text="something else")


def _other_bytes(scene: Scene) -> None:
    scene.message(record(1), id_="a")
    scene.message(record(1), id_="a", more="a field")


def _other_id(scene: Scene) -> None:
    scene.message(record(1), id_="a")
    scene.message(record(1), id_="b")


def _inversion(scene: Scene) -> None:
    scene.acknowledge(record(2))
    scene.message(record(2), id_="b")
    scene.message(record(1), id_="a")


def _phantom(scene: Scene) -> None:
    scene.message(record(1), id_="a")
    scene.message(record(7), id_="b")


def _other_tenants_hook(scene: Scene) -> None:
    scene.message(record(1), id_="a", hook="t1-batches")


def _other_tenants_name(scene: Scene) -> None:
    scene.message(record(1), id_="a", who="t1")


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda _scene: None, "lost"),
        (_altered, "altered"),
        (_other_bytes, "repeat with other bytes"),
        (_other_id, "record repeated under another id"),
        (_inversion, "inversion"),
        (_phantom, "phantom"),
        (_other_tenants_hook, "tenants mixed up"),
        (_other_tenants_name, "tenants mixed up"),
    ],
)
def test_a_message_that_breaks_a_promise_is_found(scene: Scene, act: Act, kind: str) -> None:
    scene.acknowledge(record(1))
    act(scene)
    assert kind in scene.verdict()


def test_a_file_name_that_is_used_twice_is_found(scene: Scene) -> None:
    scene.acknowledge(row(1), source=EXPORT)
    scene.file("out_1", row(1))
    scene.file("out_1")
    assert scene.verdict() == {"file published twice": 1}


def test_a_row_in_two_files_is_found(scene: Scene) -> None:
    scene.acknowledge(row(1), source=EXPORT)
    scene.file("out_1", row(1))
    scene.file("out_2", row(1))
    assert scene.verdict() == {"row in two files": 1}


def test_files_out_of_order_are_found_whatever_order_they_are_seen_in(scene: Scene) -> None:
    scene.acknowledge(row(1), row(2), source=EXPORT)
    scene.file("out_2", row(1))
    scene.file("out_1", row(2))
    assert scene.verdict() == {"inversion": 1}
