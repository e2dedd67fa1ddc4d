"""One world per test module."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from formlane.store.connect import Pool
from tests.database import TestDatabase
from tests.e2e.api.world import World, open_world

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's installation keeps its master key."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
async def world(database: TestDatabase, admin_pool: Pool, state_dir: Path) -> AsyncIterator[World]:
    """A tenant of the test's own in the module's database."""
    async with open_world(database.dsn, admin_pool, state_dir, f"Tenant {next(_numbers)}") as opened:
        yield opened
