from __future__ import annotations

import re
from pathlib import Path

from formlane.destinations.oauth_errors import CODES as TOKEN_CODES
from formlane.destinations.salesforce.config import OPTIONS, SETTINGS
from formlane.destinations.salesforce.errors import CODES, LOGIN, STATUSES
from formlane.destinations.salesforce.types import TYPES

PAGE = (Path(__file__).parents[3] / "docs/destinations/salesforce.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_each_setting_secret_and_option_has_a_line() -> None:
    named = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)
    assert named == [setting.name for setting in (*SETTINGS, *OPTIONS)]


def test_defaults_are_those_declared() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", section("Settings"), re.MULTILINE))
    for setting in (*SETTINGS, *OPTIONS):
        if isinstance(setting.default, bool):
            assert rows[setting.name] == ("yes" if setting.default else "no")
        elif setting.default is not None:
            assert rows[setting.name].strip("`") == str(setting.default)


def test_the_table_of_codes_is_the_one_in_the_code() -> None:
    lines = re.findall(
        r"^\| `([A-Za-z_*]+)` \| (\w+) \| `(\w+)` \| (.+) \|$", section("Errors and what to do"), re.M
    )
    declared = {
        code: (row.verdict, row.reason, row.text) for code, row in {**CODES, "LOGIN_*": LOGIN}.items()
    }
    assert {code: (verdict, reason, text) for code, verdict, reason, text in lines} == declared


def test_every_status_of_the_table_is_named() -> None:
    table = section("Errors and what to do").partition("| Status |")[2]
    named = set(map(int, re.findall(r"\b\d{3}\b", table)))
    assert {status for status in STATUSES if status not in named} <= {301, 302, 304, 307, 308}


def test_every_type_and_token_code_is_named() -> None:
    assert {kind for kind in TYPES if not re.search(rf"\b{kind}\b", section("Types"))} == set()
    listed = (Path(__file__).parent / "token_codes.txt").read_text(encoding="utf-8").split()
    assert {code for code in listed if f"`{code}`" not in PAGE} == set()
    assert set(listed) <= set(TOKEN_CODES)
