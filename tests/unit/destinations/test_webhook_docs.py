from __future__ import annotations

import re
from pathlib import Path

from formlane.destinations.egress import BLOCKED
from formlane.destinations.webhook.config import SETTINGS
from formlane.destinations.webhook.errors import ESCALATED, STATUSES, Verdict

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "destinations/webhook.md").read_text(encoding="utf-8")


def test_each_setting_and_secret_has_a_line() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [setting.name for setting in SETTINGS]


def test_each_status_with_a_rule_of_its_own_is_in_the_table() -> None:
    table = PAGE.partition("## What your answer does")[2].partition("## Limits")[0]
    special = {row.first for row in STATUSES if row.verdict is not Verdict.REJECTED and row.first == row.last}
    special |= {key for key in ESCALATED if isinstance(key, int)}
    special -= {300}
    assert {status for status in special if str(status) not in table} == set()


def test_the_guards_page_names_the_open_space() -> None:
    assert "2000::/3" in (DOCS / "subsystems/egress.md").read_text(encoding="utf-8")
    assert len({row.network for row in BLOCKED}) == len(BLOCKED)
