"""The page that a browser comes back to after a person was asked for consent."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from formlane.errors import Conflict, FormlaneError, InvalidInput, NotFound, Unavailable
from formlane.services.consents import Answered, Consents
from formlane.web.rendering import page

LONGEST = 4096
"""Characters of a parameter that are looked at."""

_log = structlog.get_logger()


class ConsentPages:
    """Finishes a consent and says what came of it. Names no tenant: whoever holds the link may read it."""

    def __init__(self, consents: Consents) -> None:
        self._consents = consents

    async def finish(self, request: Request) -> Response:
        """Uses the state up; only GET does, so that a look ahead at the link spends nothing."""
        if request.method != "GET":
            return _page(405, "Nothing was done", "Open this address in a browser.")
        state, code, error = (_only(request, name) for name in ("state", "code", "error"))
        try:
            view = await self._consents.finish(Answered(state=state, code=code, error=error))
        except FormlaneError as trouble:
            return _trouble(trouble)
        text = f"{view.connection.name} may be used now. What waited for it goes on. You can close this page."
        return _page(200, "The account is connected", text)


def _only(request: Request, name: str) -> str:
    """A parameter that is there once (RFC 6749 3.1); empty otherwise."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 and len(values[0]) <= LONGEST else ""


def _trouble(error: FormlaneError) -> Response:
    title = "The account is not connected"
    match error:
        case NotFound():
            return _page(404, title, str(error))
        case Conflict():
            return _page(409, title, str(error))
        case InvalidInput():
            return _page(400, title, str(error))
        case Unavailable():
            return _page(503, title, str(error))
        case _:
            _log.error("A page failed.", error=type(error).__name__)
            return _page(500, "A fault of ours", "Start connecting the account again.")


def _page(status: int, title: str, text: str) -> Response:
    return page("forms/message.html", status=status, title=title, text=text)
