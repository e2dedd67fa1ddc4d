"""A database of its own for interleaving, with breakpoints in its functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.database import TestDatabase
from tests.interleave.schedules import Interleaver, open_interleaver, prepare


@pytest.fixture(scope="module")
def places(database: TestDatabase) -> Mapping[int, str]:
    """Puts the breakpoints into the module's database; where each is."""
    return asyncio.run(prepare(database))


@pytest.fixture
async def interleaver(database: TestDatabase, places: Mapping[int, str]) -> AsyncIterator[Interleaver]:
    """Two sessions on the module's database."""
    async with open_interleaver(database, places) as opened:
        yield opened
