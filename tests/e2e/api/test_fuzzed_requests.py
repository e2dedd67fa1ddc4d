"""Ten thousand fuzzed requests: clear 4xx, no 5xx, nothing half stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send

from tests.e2e.api.fuzz import fuzz
from tests.e2e.api.fuzzing import FuzzedRequest, Fuzzer
from tests.e2e.api.world import World

REQUESTS = 2_500


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_the_database_holds_what_was_answered_and_no_more(world: World, seed: int) -> None:
    report = await fuzz(world, seed=seed, requests=REQUESTS)
    assert report.faults == []
    assert report.statuses.total() == REQUESTS
    assert report.statuses[202] > REQUESTS / 10
    for status in (303, 400, 401, 404, 405, 413, 415, 422):
        assert report.statuses[status] > 0


async def test_a_batch_that_was_stored_and_denied_is_noticed(world: World) -> None:
    """A control: an application that stores a batch beside each request it refuses."""
    honest = world.app

    async def storing_more(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "PATCH":
            assert (await world.push(b'[{"email": "ada@example.org"}]')).status == 202
        await honest(scope, receive, send)

    report = await fuzz(replace(world, app=storing_more), seed=1, requests=250)
    assert report.faults


def test_the_same_seed_makes_the_same_requests() -> None:
    def requests(seed: int) -> list[FuzzedRequest]:
        fuzzer = Fuzzer(seed)
        return [fuzzer.request() for _ in range(200)]

    assert requests(7) == requests(7)
    assert requests(7) != requests(8)
