"""The worker's core and the lanes keep every rule, whatever happens to them: a thousand seeded lives."""

from __future__ import annotations

import pytest

from tests.simulation.scenario import live

SEEDS = 1000
CHUNK = 50


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_rule_is_kept(first: int) -> None:
    lives = [live(seed) for seed in range(first, first + CHUNK)]
    assert sum(one.effects for one in lives) > CHUNK


def test_a_seed_replays_exactly() -> None:
    assert live(5) == live(5)


def test_lives_differ() -> None:
    assert len({(one.steps, one.calls, one.effects) for one in map(live, range(12))}) == 12
