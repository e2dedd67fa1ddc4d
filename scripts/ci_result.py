"""Reads pytest's JUnit report, refuses skips for missing components, prints the closing line.

`python -m scripts.ci_result build/junit.xml`
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

LACKING: Final = ("missing component", "could not import")
"""How pytest's reasons begin when a test was lost rather than not meant for this machine."""


def main(report: Path) -> int:
    """Prints lost tests and the counts; 1 when a test was lost or failed, or none ran."""
    lost, counts = read(report)
    for line in lost:
        sys.stdout.write(f"lost: {line}\n")
    sys.stdout.write(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped\n")
    return 1 if lost or counts["failed"] or not counts["passed"] else 0


def read(report: Path) -> tuple[list[str], Counter[str]]:
    """Tests skipped for a missing component, with the reason; and how many passed, failed, were skipped."""
    lost: list[str] = []
    counts: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - our own report, written a moment ago
        skipped = case.find("skipped")
        if skipped is not None:
            counts["skipped"] += 1
            reason = skipped.get("message", "")
            if reason.lower().startswith(LACKING):
                lost.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
        elif case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
        else:
            counts["passed"] += 1
    return lost, counts


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
