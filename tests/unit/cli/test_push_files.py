"""What `push` reads from files of each format."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from formlane.cli.pushing.files import LONGEST_RECORD, Format, RecordFile, Row, format_of, values_of
from formlane.errors import InvalidInput


def rows(path: Path, content: bytes, *, kind: Format = Format.CSV, delimiter: str = ",") -> list[Row]:
    path.write_bytes(content)
    return list(RecordFile(path=path, format=kind, delimiter=delimiter).rows())


def values(found: list[Row]) -> list[object]:
    return [values_of(row) for row in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records"


def test_csv_cells_are_text_and_quoted_ones_keep_every_character(path: Path) -> None:
    found = rows(path, 'name,note\r\nZoë,"a ""b"", c\nd"\r\n007,\r\n'.encode())
    assert values(found) == [{"name": "Zoë", "note": 'a "b", c\nd'}, {"name": "007", "note": ""}]
    assert [(row.number, row.line) for row in found] == [(1, 3), (2, 4)]


def test_csv_may_begin_with_a_byte_order_mark_and_have_blank_lines(path: Path) -> None:
    assert values(rows(path, b"\xef\xbb\xbfname\n\nAda\n\n")) == [{"name": "Ada"}]


def test_csv_with_another_delimiter(path: Path) -> None:
    assert values(rows(path, b"a;b\n1;2\n", delimiter=";")) == [{"a": "1", "b": "2"}]


def test_a_csv_row_of_another_length_stays_here_and_says_so(path: Path) -> None:
    found = rows(path, b"a,b\n1\n1,2\n1,2,3\n")
    assert [row.problem.code if row.problem else None for row in found] == ["columns", None, "columns"]
    assert values_of(found[2]) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,,c\n1,2,3\n", "column 2 has no name"),
        (b"a,b,a\n", "names a more than once"),
        (b'a\n"never closed\n', "broken as CSV"),
        (b"a\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_csv_file_that_cannot_be_read_on_says_why(path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        rows(path, content)


def test_a_cell_that_never_ends_is_refused_before_it_fills_memory(path: Path) -> None:
    with pytest.raises(InvalidInput, match="field larger than field limit"):
        rows(path, b'a\n"' + b"x" * (LONGEST_RECORD + 1) + b'"\n')


def test_ndjson_lines_go_out_as_they_are(path: Path) -> None:
    found = rows(path, b'\xef\xbb\xbf{"a": 1.10}\r\n\n  {"b":"\\u00e9"}\n{"c":2}', kind=Format.NDJSON)
    assert [row.raw for row in found] == [b'{"a": 1.10}', b'{"b":"\\u00e9"}', b'{"c":2}']
    assert [(row.number, row.line) for row in found] == [(1, 1), (2, 3), (3, 4)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "malformed_json"),
        (b"[1]", "not_an_object"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": "\xff"}', "malformed_json"),
        (b'{"a": "' + b"x" * LONGEST_RECORD + b'"}', "too_large"),
    ],
)
def test_a_line_that_is_no_record_stays_here_and_spoils_no_other(path: Path, line: bytes, code: str) -> None:
    found = rows(path, b'{"a":1}\n' + line + b'\n{"a":2}\n', kind=Format.NDJSON)
    assert [row.problem.code if row.problem else None for row in found] == [None, code, None]
    assert isinstance(orjson.dumps(values_of(found[1])), bytes)


@pytest.mark.parametrize(
    "content",
    [b'[{"a":1},\n{"b":12345678901234567890123}]', b'{"records": [{"a":1},{"b":12345678901234567890123}]}'],
)
def test_a_json_array_keeps_whole_numbers_whole(path: Path, content: bytes) -> None:
    assert [row.raw for row in rows(path, content, kind=Format.JSON)] == [
        b'{"a":1}',
        b'{"b":12345678901234567890123}',
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b'"text"', b"[" * 100_000])
def test_a_json_file_that_is_no_list_of_records_says_so(path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"is not JSON|must hold an array"):
        rows(path, content, kind=Format.JSON)


def test_half_a_surrogate_pair_stays_here(path: Path) -> None:
    found = rows(path, b'[{"a":"\\ud800"}]', kind=Format.JSON)
    assert found[0].problem is not None


def test_the_name_shows_the_format() -> None:
    names = ["a.csv", "a.TSV", "a.ndjson", "a.jsonl", "a.json"]
    assert [format_of(Path(name)).value for name in names] == ["csv", "csv", "ndjson", "ndjson", "json"]
    with pytest.raises(InvalidInput, match="--format"):
        format_of(Path("a.txt"))


def test_a_file_that_is_not_there_says_so(path: Path) -> None:
    source = RecordFile(path=path, format=Format.CSV)
    for read in (lambda: list(source.rows()), source.digest, source.stamp):
        with pytest.raises(InvalidInput, match="cannot be read: No such file"):
            read()
