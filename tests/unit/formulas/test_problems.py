from __future__ import annotations

import pytest

from formlane.domain.types import FieldType
from formlane.formulas import FormulaError, compile_formula
from tests.unit.formulas.evaluating import problems_of

SYNTAX: list[tuple[str, int, int, str, str | None]] = [
    ("", 0, 0, "The formula is empty.", None),
    (" \n ", 0, 3, "The formula is empty.", None),
    ("=age", 0, 1, "A formula does not begin with an equals sign.", "Remove the =."),
    ("age +", 5, 0, "The formula ends where a value is missing.", None),
    ("age + * 2", 6, 1, "A value is missing before *.", None),
    ("TRIM(", 5, 0, "The formula ends where a value is missing.", None),
    ("TRIM(first_name", 4, 1, "This parenthesis is never closed.", "Add a )."),
    ("((age) + (1)", 0, 1, "This parenthesis is never closed.", "Add a )."),
    ("(age))", 5, 1, "This closing parenthesis has no opening one.", "Remove it."),
    ("age, age", 3, 1, "A comma can stand only between the arguments of a function.", None),
    ("LEFT(first_name,)", 16, 1, "A value is missing before ).", None),
    ("()", 1, 1, "A value is missing before ).", None),
    ("age (1)", 0, 3, "There is no function AGE.", None),
    ("2 (1)", 2, 1, "An operator is missing before (.", None),
    (
        "age first_name",
        4,
        10,
        "An operator is missing before first_name.",
        "Join texts with &; multiply with *.",
    ),
    (
        "1 < age < 3",
        8,
        1,
        "A comparison cannot be compared again.",
        "Combine comparisons: AND(a < b, b < c).",
    ),
    (
        'age & "abc',
        6,
        4,
        "This text has no closing quote.",
        'Close it with "; a quote within it is written twice.',
    ),
    ("age ^ 2", 4, 1, '"^" has no meaning in a formula.', "There are no powers; multiply."),
    ("a || b", 2, 1, '"|" has no meaning in a formula.', "Use OR(…)."),
    ("!a", 0, 1, '"!" has no meaning in a formula.', "Use NOT(…), or <> for unequal."),
    ("LEFT(a; 1)", 6, 1, '";" has no meaning in a formula.', "Separate arguments with commas."),
    (
        "“a”",
        0,
        1,
        '"“" (LEFT DOUBLE QUOTATION MARK) has no meaning in a formula.',
        'Use straight quotes: "…".',
    ),
    ("\u0663", 0, 1, '"\u0663" (ARABIC-INDIC DIGIT THREE) has no meaning in a formula.', None),
    (
        "a.b",
        1,
        1,
        '"." has no meaning in a formula.',
        "Inputs have no parts; a number needs a digit after the point.",
    ),
    ('"a\0"', 2, 1, "The character U+0000 is not text and cannot stand in a formula.", None),
    ('"\ud800"', 1, 1, "The character U+D800 is not text and cannot stand in a formula.", None),
    ("1" * 35, 0, 35, "A number can have at most 34 significant digits.", None),
]

TYPES: list[tuple[str, int, int, str, str | None]] = [
    ("frist_name", 0, 10, 'There is no input "frist_name".', "Did you mean first_name?"),
    ("xyz", 0, 3, 'There is no input "xyz".', None),
    ("1 & PROPR(first_name)", 4, 5, "There is no function PROPR.", "Did you mean PROPER?"),
    ("CONCATENATE(age, age)", 0, 11, "There is no function CONCATENATE.", "Join texts with &."),
    ("TRIM()", 0, 6, "TRIM takes 1 argument, not 0.", "Write TRIM(text)."),
    ("NOW(1)", 0, 6, "NOW takes no arguments, not 1.", "Write NOW()."),
    ("LEFT(1, 2, 3)", 0, 13, "LEFT takes 1 to 2 arguments, not 3.", "Write LEFT(text, [count])."),
    (
        "COALESCE(1)",
        0,
        11,
        "COALESCE takes at least 2 arguments, not 1.",
        "Write COALESCE(value, value, …).",
    ),
    (
        "age + first_name",
        6,
        10,
        "This is a text, but a number is needed.",
        "Use VALUE(…) to read a number from a text.",
    ),
    (
        "IF(first_name, 1, 2)",
        3,
        10,
        "This is a text, but TRUE or FALSE is needed.",
        'Compare it: … = "yes".',
    ),
    ("AND(age)", 4, 3, "This is a whole number, but TRUE or FALSE is needed.", "Compare it: … = 1."),
    (
        "IF(consent, first_name, age)",
        24,
        3,
        "Both results of IF must give one type: this is a whole number, an earlier one is a text.",
        "Use TEXT(…) to make a text of it.",
    ),
    (
        "age = first_name",
        0,
        16,
        "A whole number cannot be compared with a text.",
        "Use VALUE(…) to read a number from the text.",
    ),
    (
        'born > "2020-01-01"',
        0,
        19,
        "A date cannot be compared with a text.",
        "Use DATEVALUE(…) to read a date from the text.",
    ),
    ("consent < TRUE", 0, 14, "TRUE or FALSE cannot be compared with <.", None),
    ("topics = topics", 0, 15, "A list of choices cannot be compared with =.", None),
    ("extra = extra", 0, 13, "A JSON value cannot be compared with =.", None),
    ("UPPER(extra)", 6, 5, "This is a JSON value, but a text is needed.", None),
    ("born + 1.5", 7, 3, "To a date only whole days can be added; this is a number.", None),
    ("1 - born", 0, 1, "This is a whole number, but a date is needed.", None),
    ("-born", 1, 4, "This is a date, but a number is needed.", None),
    ("YEAR(opens)", 5, 5, "This is a time of day, but a date is needed.", None),
    ("DATEVALUE(age)", 10, 3, "This is a whole number, but a text is needed.", None),
    (
        'DATE_FORMAT(born, "' + "M" * 21 + '")',
        18,
        23,
        "M is repeated too often in this pattern.",
        None,
    ),
    ("x" * 70, 0, 70, f'There is no input "{"x" * 64}…".', None),
    ("VALUE(born)", 6, 4, "This is a date, but a text is needed.", None),
    (
        'TEXT(born, "YYYY")',
        11,
        6,
        "Only a number takes a pattern here; this is a date.",
        "Use DATE_FORMAT.",
    ),
    (
        'TEXT(age, "0.0#")',
        10,
        6,
        "This is not a number pattern.",
        'Patterns are like "0", "0.00", "000" or "#,##0.00".',
    ),
    (
        "TEXT(age, first_name)",
        10,
        10,
        "The pattern must be written out as a text, not computed.",
        None,
    ),
    (
        'DATE_FORMAT(born, "yyyy")',
        18,
        6,
        "yyyy is not a part of a date pattern.",
        "Did you mean YYYY?",
    ),
    ('DATE_FORMAT(born, "HH")', 18, 4, "A date has no HH to show.", None),
    ('DATE_FORMAT(opens, "YYYY")', 19, 6, "A time of day has no YYYY to show.", None),
    (
        'DATE_FORMAT(born, "Q")',
        18,
        3,
        "Q is not a part of a date pattern.",
        "To show these letters, write 'Q'.",
    ),
    (
        'DATE_FORMAT(born, "\'at")',
        18,
        5,
        "A quote in this pattern is never closed.",
        "Write the letters as 'at'.",
    ),
    (
        "DATE_FORMAT(born, first_name)",
        18,
        10,
        "The pattern must be written out as a text, not computed.",
        None,
    ),
    ('DATE_FORMAT(age, "YYYY")', 12, 3, "This is a whole number, but a date is needed.", None),
]


@pytest.mark.parametrize(("source", "position", "length", "message", "suggestion"), SYNTAX + TYPES)
def test_problems_name_place_cause_and_remedy(
    source: str, position: int, length: int, message: str, suggestion: str | None
) -> None:
    (problem,) = problems_of(source)
    assert (problem.position, problem.length) == (position, length)
    assert (problem.message, problem.suggestion) == (message, suggestion)


def test_all_problems_of_names_and_types_are_reported_at_once_in_order() -> None:
    problems = problems_of("TRIMM(nme) & LEFT(extra, 1) & (age + consent)")
    assert [problem.position for problem in problems] == [0, 6, 18, 37]


def test_one_mistake_is_reported_once() -> None:
    (problem,) = problems_of("ROUND(-nme * 2, 1) + 1 > age")
    assert problem.message == 'There is no input "nme".'


def test_no_more_than_twenty_problems_are_reported() -> None:
    assert len(problems_of("&".join(f"x{number}" for number in range(200)))) == 20


def test_an_error_reads_as_its_problems() -> None:
    with pytest.raises(FormulaError) as caught:
        compile_formula("x & y", inputs={"z": FieldType.STRING})
    assert str(caught.value) == 'There is no input "x". There is no input "y".'
