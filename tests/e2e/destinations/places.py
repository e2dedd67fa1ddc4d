"""The six destinations."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from tests.e2e.destinations.files import FilesPlace
from tests.e2e.destinations.jira import JiraPlace
from tests.e2e.destinations.place import Place
from tests.e2e.destinations.salesforce import SalesforcePlace
from tests.e2e.destinations.servicenow import ServiceNowPlace
from tests.e2e.destinations.sfmc import SfmcPlace
from tests.e2e.destinations.webhook import WebhookPlace
from tests.e2e.product import Addresses

MAKERS: Final[Mapping[str, Callable[[], Place]]] = {
    "salesforce": SalesforcePlace,
    "sfmc": SfmcPlace,
    "servicenow": ServiceNowPlace,
    "jira": JiraPlace,
    "sftp": FilesPlace,
    "webhook": WebhookPlace,
}
KINDS: Final = tuple(MAKERS)
VENDORS: Final = ("salesforce", "sfmc", "servicenow", "jira")
"""Those that hold objects, which can be looked up or changed."""


@contextlib.asynccontextmanager
async def running_places(kinds: Sequence[str] = KINDS) -> AsyncIterator[Mapping[str, Place]]:
    """These destinations, started, by kind."""
    async with contextlib.AsyncExitStack() as stack:
        places = {kind: MAKERS[kind]() for kind in kinds}
        for place in places.values():
            await stack.enter_async_context(place.running())
        yield places


def addresses_of(places: Mapping[str, Place]) -> Addresses:
    """Where they listen."""
    return [("127.0.0.1", port) for place in places.values() for port in place.ports]
