"""Every store that the lanes' contract suite runs against."""

from __future__ import annotations

import pytest

from formlane.store.connect import Pool
from tests.contract.ports.memory_world import MemoryWorld
from tests.contract.ports.postgres_world import PostgresWorld
from tests.contract.ports.worlds import World


@pytest.fixture(params=["postgres", "memory"])
def world(request: pytest.FixtureRequest) -> World:
    """A store under test."""
    if request.param == "memory":
        return MemoryWorld()
    pool: Pool = request.getfixturevalue("pool")
    admin: Pool = request.getfixturevalue("admin_pool")
    return PostgresWorld(pool, admin)
