from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.token_server import TokenServer, token_server


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as made:
        yield made
