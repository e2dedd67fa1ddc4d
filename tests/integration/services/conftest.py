from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from formlane.store.connect import Pool
from tests.integration.services.world import World


@pytest.fixture
async def world(pool: Pool) -> AsyncIterator[World]:
    made = World(pool)
    await made.intake.start()
    yield made
    await made.intake.stop()
    await made.engine.close()


@pytest.fixture
async def alice(world: World) -> UUID:
    return await world.new_tenant(f"Alice {uuid4().hex}")


@pytest.fixture
async def charlie(world: World) -> UUID:
    return await world.new_tenant(f"Charlie {uuid4().hex}")
