"""Every reason a record may carry is explained, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from formlane.domain.outcomes import Reason

PAGE = Path(__file__).parents[2] / "docs/reference/reasons.md"


def paragraphs() -> dict[str, str]:
    parts = re.split(r"^### `(\w+)`$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return {
        name: re.split(r"^#", text, flags=re.MULTILINE)[0].strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_each_member_has_its_paragraph_in_the_order_of_the_list() -> None:
    assert list(paragraphs()) == [reason.value for reason in Reason]


def test_each_paragraph_says_what_it_means_and_what_to_do() -> None:
    short = {name for name, text in paragraphs().items() if text.count(". ") < 1 or len(text) < 80}
    assert short == set()
