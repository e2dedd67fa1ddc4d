"""The page of the instance: how to log in, what it holds, what arrived, buttons to make it fail."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute


def page_routes(simulator: object) -> Sequence[BaseRoute]:
    """The page at `/` and where its buttons post to."""
    return ()
