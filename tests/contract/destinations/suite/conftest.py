"""A running place, for tests that are asked of each; the name is the test's parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.destinations.suite.place import Place
from tests.contract.destinations.suite.places import PLACES


@pytest.fixture(params=list(PLACES))
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    made = PLACES[request.param]()
    async with made.running():
        yield made
