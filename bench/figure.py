"""A measured figure with its target, and how figures are shown and kept."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import orjson

LATEST: Final = Path(__file__).parent / "latest.json"

_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value. `target` None: told for information. `sign`: on which side of the target it must be."""

    name: str
    value: float
    unit: str
    target: float | None = None
    sign: Literal[">=", "<="] = ">="
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else _SIGNS[self.sign](self.value, self.target)

    @property
    def shown_target(self) -> str | None:
        """The target with its sign, as `>= 0.5`."""
        return None if self.target is None else f"{self.sign} {self.target:.4g}"


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], target: float, *, note: str) -> Figure:
    """The median of the rounds' ratios: both sides of a round met the same weather."""
    of_rounds = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    spread = f"{min(of_rounds):.2f} to {max(of_rounds):.2f} in {len(of_rounds)} rounds"
    return Figure(
        name=name, value=statistics.median(of_rounds), unit="ratio", target=target, note=f"{note}; {spread}"
    )


def told(name: str, values: Sequence[float], unit: str, *, note: str = "") -> Figure:
    """A median for information."""
    return Figure(name=name, value=statistics.median(values), unit=unit, note=note)


def table(figures: Iterable[Figure]) -> str:
    """The figures for a terminal."""
    rows = [("figure", "value", "unit", "target", "holds", "note")]
    for one in figures:
        holds = {True: "yes", False: "NO", None: ""}[one.holds]
        rows.append((one.name, _number(one.value), one.unit, one.shown_target or "", holds, one.note))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        cells[1] = row[1].rjust(widths[1])
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def write(figures: Iterable[Figure], path: Path = LATEST) -> None:
    """Keeps the figures; those measured before under another name stay."""
    fresh = {
        one.name: {
            "name": one.name,
            "value": round(one.value, 4),
            "unit": one.unit,
            "target": one.shown_target,
            "holds": one.holds,
        }
        for one in figures
    }
    before = orjson.loads(path.read_bytes()) if path.exists() else []
    kept = [one for one in before if one["name"] not in fresh]
    path.write_bytes(orjson.dumps([*kept, *fresh.values()], option=orjson.OPT_INDENT_2) + b"\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
