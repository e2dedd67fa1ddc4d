"""A running product beside the six destinations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.e2e.destinations.place import Place
from tests.e2e.destinations.places import addresses_of, running_places
from tests.e2e.product import Addresses, Customer, Product, product, state_dir

__all__ = ["product", "state_dir"]


@pytest.fixture
async def places() -> AsyncIterator[Mapping[str, Place]]:
    """Each destination, started and empty."""
    async with running_places() as started:
        yield started


@pytest.fixture
def addresses(places: Mapping[str, Place]) -> Addresses:
    return addresses_of(places)


@pytest.fixture
async def customer(product: Product) -> Customer:
    return await product.customer()
