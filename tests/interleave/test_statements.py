"""The splitter sees every statement, and a breakpoint changes nothing."""

from __future__ import annotations

import pytest

from tests.interleave.statements import find_statements, instrument

BODY = """
#variable_conflict use_column
DECLARE
    wanted uuid[];  -- BEGIN; not here
    n integer := 0;
BEGIN
    SELECT CASE WHEN n = 1 THEN 'a;b' ELSE $q$ END; $q$ END INTO wanted;
    /* IF; */ IF EXISTS (SELECT FROM t WHERE (CASE WHEN x THEN y END)) THEN
        n := 1;
    ELSIF CASE WHEN n = 2 THEN true ELSE false END THEN
        n := 2;
    ELSE
        n := 3;
    END IF;
    FOR one IN SELECT 1 AS "loop;" LOOP
        PERFORM f(one);
        IF n > 1 THEN
            RETURN;
        END IF;
    END LOOP;
    RETURN QUERY SELECT (';');
END
"""


def test_statements_are_found_at_every_depth_and_the_end_counts_as_one() -> None:
    assert [(one.line, one.text) for one in find_statements(BODY)] == [
        (7, "SELECT CASE WHEN n = 1 THEN 'a;b' ELSE $q$ END; $q$ END INTO wanted;"),
        (8, "IF EXISTS (SELECT FROM t WHERE (CASE WHEN x THEN y END)) THEN"),
        (9, "n := 1;"),
        (11, "n := 2;"),
        (13, "n := 3;"),
        (15, 'FOR one IN SELECT 1 AS "loop;" LOOP'),
        (16, "PERFORM f(one);"),
        (17, "IF n > 1 THEN"),
        (18, "RETURN;"),
        (21, "RETURN QUERY SELECT (';');"),
        (22, "END"),
    ]


def test_a_breakpoint_stands_before_each_statement_and_nothing_else_changes() -> None:
    changed = instrument(BODY, range(5, 16))
    assert changed.count("breakpoint(") == 11
    assert "IF formlane.breakpoint(13) THEN NULL; END IF; RETURN;" in changed
    mark = "IF formlane.breakpoint(%d) THEN NULL; END IF; "
    for number in range(5, 16):
        changed = changed.replace(mark % number, "", 1)
    assert changed == BODY


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN SELECT 1; EXCEPTION WHEN others THEN NULL; END",
        "BEGIN CASE n WHEN 1 THEN NULL; END CASE; END",
        "BEGIN SELECT 1;",
        "SELECT 1",
    ],
)
def test_what_is_not_understood_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"understood|early|expected"):
        find_statements(body)
