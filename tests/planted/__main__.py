"""Plants every bug in turn and checks that it is found: `python -m tests.planted [--sound] [NAME …]`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.planted.finding import copy_of_tree, look, plant
from tests.planted.patches import Planted, planted_bugs

SOUND_SEEDS = 100
"""So many seeds must pass in the tree as it is; CI runs a thousand of them anyway."""


def main() -> int:
    """The exit code: 1 when a bug was not found, or the finders complain about the tree as it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of the names of bugs; all by default")
    parser.add_argument(
        "--sound", action="store_true", help="check first that the finders pass without a bug"
    )
    given = parser.parse_args()
    bugs = [bug for bug in planted_bugs() if not given.names or any(map(bug.name.startswith, given.names))]
    tell(f"{len(bugs)} planted bugs")
    sound = _is_sound(bugs) if given.sound else True
    found = [_is_found(bug) for bug in bugs]
    tell(f"{sum(found)} of {len(bugs)} planted bugs were found")
    return 0 if sound and bugs and all(found) else 1


def _is_sound(bugs: list[Planted]) -> bool:
    """Whether the same finders pass in the tree as it is."""
    finders = sorted({bug.finder for bug in bugs if not bug.is_simulated})
    if any(bug.is_simulated for bug in bugs):
        finders.append(f"simulation {SOUND_SEEDS}")
    sound = True
    with copy_of_tree() as place:
        for finder in finders:
            passed, said = look(finder, place)
            tell(f"{'passes' if passed else 'FAILS '} without a bug: {finder}")
            if not passed:
                tell(said[-2000:])
                sound = False
    return sound


def _is_found(bug: Planted) -> bool:
    began = time.perf_counter()
    with copy_of_tree() as place:
        plant(bug, place)
        passed, said = look(bug.finder, place)
    found = not passed and bug.finds.search(said) is not None
    seconds = time.perf_counter() - began
    tell(f"{'found' if found else 'NOT FOUND'} in {seconds:5.1f} s  {bug.name}: {bug.what}")
    if not found:
        tell(said[-2000:])
    elif bug.is_simulated:
        tell("    " + next((line for line in said.splitlines() if line.startswith("seed ")), "")[:160])
    return found


def tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
