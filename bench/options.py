"""What a run of the benchmark was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`folder` is empty and ours. `check_bare`: a folder with another bare loop to compare ours with."""

    folder: Path
    quick: bool = False
    rounds: int = 5
    check_bare: Path | None = None

    def scaled(self, full: int, quick: int) -> int:
        """A size that depends on how much time there is."""
        return quick if self.quick else full

    def below(self, name: str) -> Path:
        """A folder of one figure; the database's own account may pass through it."""
        made = self.folder / name
        made.mkdir(mode=0o711, parents=True)
        return made
