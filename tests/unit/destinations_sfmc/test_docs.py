from __future__ import annotations

import json
import re
from pathlib import Path

from formlane.destinations.sfmc import connector, jobs, writing
from formlane.destinations.sfmc.config import MOST_ROWS, SETTINGS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/destinations/sfmc.md").read_text(encoding="utf-8")
CODES = json.loads((Path(__file__).parent / "codes.json").read_text(encoding="utf-8"))


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_each_setting_and_secret_has_a_line() -> None:
    lines = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)
    assert lines == [setting.name for setting in SETTINGS]


def test_each_code_has_a_line() -> None:
    table = section("Errors and what to do")
    codes = {str(one["code"] or one["status"]).removesuffix(" alone") for one in CODES}
    known = {code for code in codes if code in table or code in {"200", "302", "418"}}
    assert codes - known == set()


def test_sizes_are_those_of_the_code() -> None:
    text = section("How rows are written")
    assert f"{MOST_ROWS} rows, {writing.ROWSET_BYTES // 1_000_000} MB" in text
    assert f"{connector.JOB_ROWS:,} rows, {jobs.JOB_BYTES // 1_000_000} MB" in text
    assert f"{connector.JOB_LEAST} and more" in text
    assert connector.JOB_LEAST > MOST_ROWS


def test_the_level_is_the_declared_one() -> None:
    assert f"Level: {connector.SFMC.level}." in PAGE
