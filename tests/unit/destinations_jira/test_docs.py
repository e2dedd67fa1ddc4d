from __future__ import annotations

import re
from pathlib import Path

from formlane.destinations.jira.config import OPTIONS, SETTINGS
from formlane.destinations.jira.connector import DEADLINE, JIRA, MOST_BYTES
from formlane.destinations.jira.creating import BULK
from formlane.destinations.jira.errors import ANSWERS
from formlane.destinations.jira.fields import KINDS
from formlane.destinations.jira.visibility import LAG

PAGE = (Path(__file__).parents[3] / "docs/destinations/jira.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def names(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def test_each_setting_secret_and_option_has_a_line() -> None:
    assert names("Settings") == [setting.name for setting in (*SETTINGS, *OPTIONS)]


def test_each_answer_of_the_table_has_a_line_with_its_outcome() -> None:
    lines = re.findall(r"^\| `([^`]+)` \| (\w+)", section("Errors"), re.MULTILINE)
    assert lines == [(row.code, row.verdict.value) for row in ANSWERS.values()]


def test_each_shape_has_a_line() -> None:
    lines = re.findall(r"^\| (\w+) \| `(\w+)` \|", section("Fields"), re.MULTILINE)
    assert lines == [(shape.value, kind.value) for shape, (kind, _) in KINDS.items()]


def test_the_limits_are_those_of_the_declaration() -> None:
    limits = section("Limits")
    assert f"{BULK} records" in limits
    assert f"{MOST_BYTES // 1024 // 1024} MiB" in limits
    assert f"{DEADLINE.total_seconds():g} s" in limits
    assert f"{LAG.total_seconds():g} s" in limits
    assert f"{JIRA.limits.rate:g} calls a second" in limits
    assert f"{JIRA.limits.concurrency} at once" in limits
