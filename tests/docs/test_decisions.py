"""Decisions are numbered without gaps, have the same four parts, and are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/decisions"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def test_numbers_have_no_gap_and_no_double() -> None:
    assert [path.name[:5] for path in PAGES] == [f"{number:04}-" for number in range(1, len(PAGES) + 1)]
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_has_its_number_status_and_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]}. ")
    assert re.search(r"^Status: (proposed|accepted|superseded by \[\d{4}\])", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


def test_the_list_names_each_page_by_its_title() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    titles = [
        (path.name[:4], path.name, path.read_text().splitlines()[0][len("# 0000. ") :]) for path in PAGES
    ]
    assert listed == titles
