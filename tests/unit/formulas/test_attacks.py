from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from formlane.domain.types import Value
from formlane.formulas import compile_formula
from formlane.formulas.limits import TEXT_CHARACTERS
from tests.unit.formulas.attacks import ATTACKS, TEXTS
from tests.unit.formulas.evaluating import CONTEXT, INPUTS, fault_of, outcome_of, result_of

ROOT = Path(__file__).parents[3]
KILLED_AFTER_SECONDS = 240


def test_every_attack_ends_in_a_result_or_a_plain_refusal_within_64_megabytes() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "tests.unit.formulas.attack_process"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=KILLED_AFTER_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    assert [line["name"] for line in lines] == [name for name, _, _ in ATTACKS]
    assert {line["outcome"] for line in lines} == {"result", "error", "fault"}
    assert not [line for line in lines if "memory" in line["detail"]]
    assert not [line for line in lines if line["outcome"] != "result" and len(line["detail"]) > 300]
    sizes = [int(line["detail"].split()[1]) for line in lines if line["outcome"] == "result"]
    assert max(sizes) <= TEXT_CHARACTERS


def test_attacks_have_names_of_their_own() -> None:
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('"{0.__class__} {values} %s %(x)s"', "{0.__class__} {values} %s %(x)s"),
        ('"a""b\'c" & \'d""e\'', 'a"b\'cd""e'),
        ('"""""" & "x"', '""x'),
        ('"\rimport os"', "\rimport os"),
        ('"\\"', "\\"),
        (r'"\u0022 + age"', r"\u0022 + age"),
        ('"\u2028x"', "\u2028x"),
        ('"{" & first_name & "}"', "{%s}"),
        ("DATE_FORMAT(TODAY(), \"'{0}' '%s'\")", "{0} %s"),
    ],
)
def test_texts_meant_to_leave_their_literal_stay_texts(source: str, text: str) -> None:
    assert result_of(source, first_name="%s") == text


@pytest.mark.parametrize(("name", "source", "values"), TEXTS)
def test_cut_text_consists_of_whole_code_points(name: str, source: str, values: dict[str, Value]) -> None:
    result = result_of(source, **values)
    given = "".join(str(value) for value in values.values())
    assert isinstance(result, str), name
    assert set(result) <= set(given + given.upper() + given.title())
    if "\ud83d" not in given:
        assert not any(unicodedata.category(character) == "Cs" for character in result)


def test_the_longest_text_can_be_made_and_one_more_character_cannot() -> None:
    half = "é" * (TEXT_CHARACTERS // 2)
    assert result_of("notes & notes", notes=half) == half * 2
    assert "32,768" in fault_of("notes & notes & 1", notes=half).message
    assert result_of('SUBSTITUTE(notes, "é", "éé")', notes=half) == half * 2
    assert "32,768" in fault_of('SUBSTITUTE(notes & 1, "é", "éé")', notes=half).message
    assert "32,768" in fault_of('SUBSTITUTE(notes & notes, "é", "éé", 3)', notes=half).message
    assert result_of("UPPER(notes)", notes="ß" * (TEXT_CHARACTERS // 2)) == "SS" * (TEXT_CHARACTERS // 2)
    assert "32,768" in fault_of("UPPER(notes & 1)", notes="ß" * (TEXT_CHARACTERS // 2)).message


def test_a_longer_input_can_be_passed_on_or_cut_but_not_worked_on() -> None:
    long = "a " * TEXT_CHARACTERS
    assert result_of("notes", notes=long) == long
    assert result_of("COALESCE(first_name, notes)", notes=long) == long
    assert result_of("LEN(notes)", notes=long) == len(long)
    assert result_of("TRIM(LEFT(notes, 3))", notes=long) == "a a"
    assert result_of("MID(notes, 3, 1) & RIGHT(notes, 2)", notes=long) == "aa "
    for source in (
        "TRIM(notes)",
        "UPPER(notes)",
        'notes = "a"',
        'FIND("b", notes)',
        "notes & 1",
        "TEXT(notes)",
    ):
        assert outcome_of(source, notes=long) == "fault", source


def test_a_formula_of_very_many_text_operations_works_on_shorter_inputs() -> None:
    for count, outcome in ((64, "result"), (65, "fault")):
        source = f"OR({','.join(['FIND(1, notes) = 1'] * count)})"
        assert outcome_of(source, notes="a" * 8_192) == "result"
        assert outcome_of(source, notes="a" * 8_193) == outcome


def test_one_compiled_formula_keeps_the_records_of_many_threads_apart() -> None:
    formula = compile_formula(
        'PROPER(TRIM(first_name)) & "/" & CASE(age, 1, "x", TEXT(age*2)) & "/" & COALESCE(notes,last_name)',
        inputs=INPUTS,
    )
    records: list[dict[str, Value]] = [
        {"first_name": f" n{number} ", "age": number, "last_name": str(number)} for number in range(2, 1_002)
    ]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda record: formula(record, CONTEXT), records * 5))
    assert results == [f"N{number}/{number * 2}/{number}" for number in range(2, 1_002)] * 5
