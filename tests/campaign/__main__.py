"""Runs all campaigns and writes a report: `python -m tests.campaign [--short] --report FILE`."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import time
from pathlib import Path

from tests.campaign.report import report
from tests.campaign.run import Runner
from tests.campaign.table import CAMPAIGNS
from tests.chaos.processes import ROOT


def main() -> int:
    """The exit code: 1 when any campaign failed, 2 when none was chosen."""
    given = _options()
    began, start = dt.datetime.now(dt.UTC), time.monotonic()
    chosen = [
        (entry, entry.short if given.short else entry.long)
        for entry in CAMPAIGNS
        if not given.only or any(word in entry.name for word in given.only)
    ]
    if not chosen:
        tell(f"No campaign has {given.only} in its name.")
        return 2
    runner = Runner(ROOT / "build" / "campaign", tell)

    def end(*_: object) -> None:
        runner.end()
        sys.exit(143)

    signal.signal(signal.SIGTERM, end)
    results = runner.run_all(chosen, beside=given.beside)
    seconds = time.monotonic() - start
    page = report(results, size="short" if given.short else "long", began=began, seconds=seconds)
    given.report.write_text(page, encoding="utf-8")
    failed = [result.entry.name for result in results if result.fault is not None]
    if failed:
        tell(page)
    tell(
        f"{len(results) - len(failed)} of {len(results)} campaigns passed in {seconds:.0f} s: {given.report}"
    )
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--short", action="store_true", help="at the size that a build server runs")
    parser.add_argument("--report", type=Path, required=True, help="where the report is written")
    parser.add_argument("--only", action="append", help="campaigns with this in their name; may be repeated")
    parser.add_argument("--beside", type=int, default=min(4, os.cpu_count() or 1), help="how many at a time")
    return parser.parse_args()


def tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
