"""Planted bugs: patches of the product, each with the check that must find it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One bug. `finder`: `simulation <seeds>` or `contract <arguments of pytest>`; `finds`: what it says."""

    name: str
    what: str
    patch: Path
    finder: str
    finds: re.Pattern[str]

    @property
    def is_simulated(self) -> bool:
        """Whether seeds find it, and not the contract suite."""
        return self.finder.startswith("simulation ")


def planted_bugs() -> list[Planted]:
    """All of them, by name."""
    return [_planted(path) for path in sorted(HERE.glob("*.patch"))]


def _planted(path: Path) -> Planted:
    header = dict(line.split(": ", 1) for line in path.read_text("utf-8").split("\n\n", 1)[0].splitlines())
    return Planted(
        name=path.stem,
        what=header["Planted bug"],
        patch=path,
        finder=header["Finder"],
        finds=re.compile(header["Finds"]),
    )
