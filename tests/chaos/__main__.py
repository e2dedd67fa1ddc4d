"""Kills and stops the product under load and counts what it promised: see docs/contributing/campaigns.md."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

from tests.chaos.campaign import Campaign, Options, Report, tell, verdict
from tests.chaos.controls import CONTROLS
from tests.chaos.faults import Plan
from tests.chaos.installation import installation

CONTROL_PLANS = {
    "fence": Plan(random_kills=0, at_each=0, stops=40, places=(), spacing=1.0),
    "window": Plan(random_kills=0, at_each=12, stops=0, places=("answered", "sent"), spacing=2.0),
}
"""What each control needs to be caught; it ends with the first violation."""


def main() -> int:
    """The exit code: 1 when a promise was broken or a control was not caught."""
    given = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process is ended with us
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    reports = []
    if given.control is None:
        plan = Plan.of(given.kills, given.stops, spacing=given.spacing)
        reports.append(_run(Options(seed=seed, plan=plan), given))
    controls = CONTROLS if given.control in {None, "all"} else [given.control]
    if given.control is not None or given.controls:
        for control in controls:
            options = Options(seed=seed, plan=CONTROL_PLANS[control], control=control, peak_seconds=2.0)
            reports.append(_run(options, given))
    return verdict(reports)


def _run(options: Options, given: argparse.Namespace) -> Report:
    tell(f"seed {options.seed}" + (f", {options.control} switched off" if options.control else ""))
    keep = given.keep / (options.control or "main") if given.keep else None
    with installation(time_scale=given.time_scale, keep=keep, worker_processes="2") as place:
        report = asyncio.run(Campaign(place, options).run())
    tell(report.text())
    if options.control is not None:
        tell("caught, as it must be" if not report.clean else "NOT CAUGHT: this campaign proves nothing")
    return report


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many processes are killed")
    parser.add_argument("--stops", type=int, default=20, help="how many workers are frozen for two leases")
    parser.add_argument("--seed", type=int, help="of everything that is left to chance")
    parser.add_argument("--spacing", type=float, default=3.0, help="seconds between kills at random")
    parser.add_argument("--time-scale", type=float, default=0.1, help="shortens leases and deadlines")
    parser.add_argument("--controls", action="store_true", help="then the controls as well")
    parser.add_argument("--control", choices=[*CONTROLS, "all"], help="only this control")
    parser.add_argument("--keep", type=Path, help="copy logs and journals to this directory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
