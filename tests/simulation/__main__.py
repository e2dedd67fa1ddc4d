"""Runs seeds of the simulation, or one with everything it does: see `--help`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.simulation.scenario import Life, live


def main() -> int:
    """The exit code: 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--trace", action="store_true", help="tell everything that happens")
    parser.add_argument("--go-on", action="store_true", help="do not stop at the first violation")
    parser.add_argument("--seen", action="store_true", help="tell how often what happened")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds) if given.seed is None else [given.seed]
    began, lives, failures = time.process_time(), [], 0
    for seed in seeds:
        try:
            lives.append(live(seed, tracing=given.trace))
        except Exception as error:  # noqa: BLE001 - told with its seed, whatever it is
            failures += 1
            tell(f"seed {seed}: {type(error).__name__}: {error}")
            if given.trace or not given.go_on:
                traceback.print_exc(limit=-6)
                tell(f"Replay with: python -m tests.simulation --seed {seed} --trace")
            if not given.go_on:
                break
    _report(lives, failures, time.process_time() - began)
    if given.seen:
        for what, times in sorted(sum((one.seen for one in lives), Counter()).items()):
            tell(f"{times:>9,}  {what}")
    return 1 if failures else 0


def tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _report(lives: list[Life], failures: int, seconds: float) -> None:
    effects = sum(one.effects for one in lives)
    tell(
        f"{len(lives)} seeds kept every rule, {failures} broke one, in {seconds:.1f} s of processor time:"
        f" {len(lives) / seconds:.1f} seeds/s, {effects / seconds * 60:,.0f} records delivered per minute,"
        f" {sum(one.calls for one in lives):,} calls, {sum(one.steps for one in lives):,} events,"
        f" {sum(one.hours for one in lives):,.0f} simulated hours"
    )


if __name__ == "__main__":
    sys.exit(main())
