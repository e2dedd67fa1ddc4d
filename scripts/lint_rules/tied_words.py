"""Nothing in the tree is tied to one machine: no path of a workplace, no address of a package registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scripts.lint_rules.finding import Finding, Source

PATTERNS: Final = {
    "an absolute path of one machine": re.compile(r"(?<![\w.~}])/(?:work|farm|root|Users/\w+)/"),
    "the address of a package registry": re.compile(
        r"index-url[ =]+https?:|\"resolved\": *\"https?:|https?://[^\s\"']+/simple\b|\bregistry *= *https?:"
    ),
}
"""What is refused, and the pattern that finds it (written so that it does not find itself)."""


def check(source: Source) -> Iterator[Finding]:
    """Finds lines that would only hold true on one machine."""
    for number, line in enumerate(source.lines, start=1):
        for what, pattern in PATTERNS.items():
            if match := pattern.search(line):
                yield Finding(source, number, f"holds {what}: {match[0]}")
