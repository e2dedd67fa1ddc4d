from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.product import Addresses, product, state_dir
from tests.token_server import TokenServer, token_server

__all__ = ["product", "state_dir"]


@pytest.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with token_server() as made:
        yield made


@pytest.fixture
def addresses(server: TokenServer) -> Addresses:
    return (("127.0.0.1", server.port),)
