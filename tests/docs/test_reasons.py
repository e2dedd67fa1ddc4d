"""Every reason a record may carry is explained, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from formlane.domain.outcomes import Reason

PAGE = Path(__file__).parents[2] / "docs/reference/reasons.md"


def paragraphs() -> dict[str, str]:
    """Text below the heading of each reason, up to the next heading."""
    parts = re.split(r"^### `(\w+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    texts = (re.split(r"^#", part, flags=re.MULTILINE)[0].strip() for part in parts[1::2])
    return dict(zip(parts[::2], texts, strict=True))


def test_each_member_has_its_paragraph_in_the_order_of_the_list() -> None:
    assert list(paragraphs()) == [reason.value for reason in Reason]


def test_each_paragraph_says_what_it_means_and_what_to_do() -> None:
    short = {name for name, text in paragraphs().items() if len(re.findall(r"[.?](?:\s|$)", text)) < 2}
    assert short == set()
