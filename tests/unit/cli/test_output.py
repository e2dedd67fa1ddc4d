"""What commands print, and how they tell that something did not work."""

from __future__ import annotations

import json

import pytest

from formlane.cli.faults import LISTED, ServerRefused, told
from formlane.cli.output import cell, harmless, print_json, print_made, print_rows, print_thing
from formlane.domain.types import Json
from formlane.errors import Conflict, InvalidInput, Problem

THING: dict[str, Json] = {
    "id": "form_1",
    "is_good": True,
    "names": ["a", "b"],
    "deep": {"er": [1]},
    "none": None,
    "n": 1.5,
}


def test_a_table_has_a_line_per_row_and_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Json] = [{"id": "x" * 200, "health": {"failures": 2}}, {"id": "y", "health": None}]
    print_rows(rows, ["id", "health.failures"], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["id", "failures"], ["x" * 200, "2"], ["y"]]


def test_an_empty_list_says_so_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], ["id"], as_json=False)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("id\n", "Nothing there.\n")


def test_json_is_whole_and_pure(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([THING], ["id"], as_json=True)
    assert json.loads(capsys.readouterr().out) == [THING]
    print_thing(THING, as_json=True)
    assert json.loads(capsys.readouterr().out) == THING
    print_json("é\u202e")
    assert json.loads(capsys.readouterr().out) == "é\u202e"


def test_a_thing_has_a_line_per_key(capsys: pytest.CaptureFixture[str]) -> None:
    print_thing(THING, as_json=False, leave_out=["n"])
    assert [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()] == [
        ["id", "form_1"],
        ["is", "good  yes"],
        ["names", "a, b"],
        ["deep", '{"er":[1]}'],
        ["none"],
    ]


def test_only_the_id_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    print_made(THING, as_json=False, only_id=True)
    assert capsys.readouterr().out == "form_1\n"


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x07", "a\rb", "\x9b0m", "\u202e"])
def test_text_of_others_cannot_steer_the_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert harmless(text).replace("\ufffd", "").isprintable()
    print_rows([{"id": text}], ["id"], as_json=False)
    out = capsys.readouterr().out
    assert text not in out
    assert text not in told(Conflict(text))


def test_markup_of_others_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"id": "[bold]x[/bold]"}], ["id"], as_json=False)
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_cells() -> None:
    values: list[Json] = [None, True, False, 0, [], {}, [{"a": 1}]]
    assert [cell(value) for value in values] == [
        "", "yes", "no", "0", "", "", '[{"a":1}]',
    ]  # fmt: skip


def test_a_fault_is_a_line_and_one_for_each_place() -> None:
    fault = InvalidInput(
        "The flow cannot be published.", [Problem("/steps/0", "x", "No."), Problem("", "y", "So.")]
    )
    assert told(fault) == "formlane: The flow cannot be published.\n  /steps/0: No.\n  (all): So.\n"


def test_a_fault_with_many_places_is_cut_with_a_count() -> None:
    problems = tuple(Problem(f"/{n}", "x", "No.") for n in range(LISTED + 5))
    lines = told(ServerRefused("No.", status=422, code="x", problems=problems)).splitlines()
    assert len(lines) == LISTED + 2
    assert lines[-1] == "  … and 5 more."
