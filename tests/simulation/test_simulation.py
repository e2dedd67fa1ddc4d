"""The worker's core and the lanes keep every rule, whatever happens to them: a thousand seeded lives."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.scenario import live

SEEDS = 1000
CHUNK = 50
MUST_HAPPEN = {
    "attempt: blocked",
    "attempt: deferred",
    "attempt: delivered",
    "attempt: rejected",
    "attempt: uncertain",
    "connection blocked: credentials",
    "flow blocked",
    "held",
    "held between steps",
    "lapse",
    "lapse between steps",
    "lapse in sending",
    "lease of held records",
    "lease of live records",
    "lease of replay records",
    "looked up",
    "parked at the second step",
    "parked: answer_lost",
    "parked: crashes_worker",
    "rejected at the second step",
    "rejected: missing_required",
    "settled too late",
    "skipped: condition_false",
    "skipped: erased",
    "split",
    "told to stop",
    "tried again and held",
}
"""What eighty lives see, all in all; else the simulation is tamer than it claims."""


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_rule_is_kept(first: int) -> None:
    lives = [live(seed) for seed in range(first, first + CHUNK)]
    assert sum(one.effects for one in lives) > CHUNK


def test_a_seed_replays_exactly() -> None:
    assert live(5) == live(5)


def test_everything_that_may_go_wrong_does() -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        seen.update(live(seed).seen)
        if all(seen[what] for what in MUST_HAPPEN):
            return
    pytest.fail(f"never seen: {[what for what in MUST_HAPPEN if not seen[what]]}")


def test_after_three_days_of_outage_a_person_resumes_and_all_arrives_in_order() -> None:
    lives = [live(seed, days=3.2) for seed in range(8, 12)]
    assert all(one.hours > 72 for one in lives)
    assert any(one.seen["connection blocked: gave_up"] for one in lives)
