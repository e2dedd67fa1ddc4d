"""The consumer reads only whole files, and sees a name again that is used again."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.chaos.consumer import Consumer, read_rows

CSV = b'id,text\r\na,"one;\r\ntwo"\r\n'


def consumer(tmp_path: Path, habit: str) -> Consumer:
    (tmp_path / "t0-csv").mkdir()
    return Consumer(tmp_path, tmp_path / "files.jsonl", {"t0-csv": habit})


def seen(one: Consumer) -> list[str]:
    return [orjson.loads(line)["name"] for line in one.journal.read_bytes().splitlines()]


@pytest.mark.parametrize("habit", ["leave", "move", "delete"])
def test_a_file_is_noted_once_however_often_it_is_looked_for(tmp_path: Path, habit: str) -> None:
    one = consumer(tmp_path, habit)
    (tmp_path / "t0-csv" / "out.csv").write_bytes(CSV)
    (tmp_path / "t0-csv" / ".out.csv.part").write_bytes(b"half")
    one.look()
    one.look()
    assert seen(one) == ["out.csv"]
    assert len(one.leftovers()) == 1


@pytest.mark.parametrize("habit", ["leave", "move", "delete"])
def test_a_name_that_is_used_again_is_noted_again(tmp_path: Path, habit: str) -> None:
    one = consumer(tmp_path, habit)
    for _ in range(2):
        fresh = tmp_path / "t0-csv" / ".fresh"
        fresh.write_bytes(CSV)
        fresh.rename(tmp_path / "t0-csv" / "out.csv")
        one.look()
    assert seen(one) == ["out.csv", "out.csv"]


def test_rows_of_both_formats_are_read(tmp_path: Path) -> None:
    assert read_rows("a.csv", CSV) == [{"id": "a", "text": "one;\r\ntwo"}]
    assert read_rows("a.jsonl", b'{"id": 1}\n{"id": 2}\n') == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", CSV[:-2]),
        ("a.csv", b"id,text\r\na\r\n"),
        ("a.jsonl", b'{"id": 1}\n{"i'),
        ("a.jsonl", b"{\n"),
    ],
)
def test_a_file_that_is_cut_off_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_rows(name, body)
