"""Who may do what, and ETags."""

from __future__ import annotations

import hmac
import re
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from formlane.api.headers import read_headers
from formlane.api.options import ApiServices, ApiSettings
from formlane.api.problems import Refused
from formlane.errors import NotAllowed
from formlane.services.keys import Caller
from formlane.services.ports.tenancy import KeyScope

_scheme = HTTPBearer(
    auto_error=False, scheme_name="api_key", description="An API key: `fl_live_…` or `fl_test_…`."
)
_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')


def services_of(request: Request) -> ApiServices:
    """The services behind the routes."""
    return cast(ApiServices, request.app.state.services)


def settings_of(request: Request) -> ApiSettings:
    """The values of the API's settings."""
    return cast(ApiSettings, request.app.state.settings)


Services = Annotated[ApiServices, Depends(services_of)]
Settings = Annotated[ApiSettings, Depends(settings_of)]
_Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)]


async def reader(request: Request, services: Services, _shown: _Shown) -> Caller:
    """Whoever may look."""
    return await _caller(request, services, KeyScope.READ)


async def manager(request: Request, services: Services, _shown: _Shown) -> Caller:
    """Whoever may change things."""
    return await _caller(request, services, KeyScope.MANAGE)


async def anyone(request: Request, services: Services, _shown: _Shown) -> Caller:
    """Whoever has a key."""
    return await services.keys.authenticate(read_headers(request.scope).bearer)


async def operator(request: Request, settings: Settings, _shown: _Shown) -> None:
    """The operator of the installation, who alone sees that there are several tenants."""
    token = read_headers(request.scope).bearer
    if settings.operator_token is None or not hmac.compare_digest(
        token.encode(), settings.operator_token.reveal().encode()
    ):
        raise NotAllowed("Only the operator of the installation may do this, with the operator's token.")


Reader = Annotated[Caller, Depends(reader)]
Manager = Annotated[Caller, Depends(manager)]
Anyone = Annotated[Caller, Depends(anyone)]
Operator = Annotated[None, Depends(operator)]


def expected_revision(request: Request) -> int | None:
    """The revision that If-Match names; None for `*`.

    Raises `Refused`: 428 without the header, 412 for what was never an ETag of ours.
    """
    match = read_headers(request.scope).if_match
    if match is None:
        raise Refused(
            "precondition_required", "Send the ETag of what you read in If-Match, or * to change it anyhow."
        )
    if match.strip() == "*":
        return None
    tag = _TAG.fullmatch(match.strip())
    if tag is None:
        raise Refused("precondition_failed", "If-Match does not name an ETag of this resource.")
    return int(tag[1])


ExpectedRevision = Annotated[int | None, Depends(expected_revision)]


def etag(revision: int) -> str:
    """The ETag of a revision."""
    return f'"{revision}"'


async def _caller(request: Request, services: ApiServices, scope: KeyScope) -> Caller:
    caller = await services.keys.authenticate(read_headers(request.scope).bearer)
    caller.require(scope)
    return caller
