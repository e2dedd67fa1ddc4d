"""Every kind of destination has a page and a line in the README."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = sorted(path.parent.name for path in ROOT.glob("src/formlane/destinations/*/connector.py"))


def test_the_readme_lists_the_kinds_that_exist_and_no_others() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == KINDS


def test_every_kind_has_a_page() -> None:
    assert [kind for kind in KINDS if not (ROOT / "docs/destinations" / f"{kind}.md").exists()] == []
