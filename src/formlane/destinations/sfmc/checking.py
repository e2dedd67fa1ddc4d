"""What `check` tries, step by step. Only reads."""

from __future__ import annotations

from functools import partial
from typing import Final

from formlane.destinations.base import CheckReport, Clock
from formlane.destinations.checks import Ask, Found, run_checks
from formlane.destinations.http import Answer
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred

from .answers import delayed, trouble_outcome
from .client import SfmcClient
from .config import SfmcSettings
from .schema import Describer

NEEDED: Final = ("data_extensions_read", "data_extensions_write")
"""Scopes that writing rows takes."""

EVENTS_NEED: Final = ("journeys_execute",)


async def check_account(
    settings: SfmcSettings, client: SfmcClient, describer: Describer, clock: Clock
) -> CheckReport:
    """Gets a token, looks at what it permits, and asks the REST and the SOAP host a question each."""
    tries: tuple[tuple[str, Ask], ...] = (
        ("credentials", partial(_credentials, client)),
        ("permissions", partial(_permissions, settings, client)),
        ("rest", partial(_rest, settings, client, clock)),
        ("data extensions", partial(_extensions, describer)),
    )
    return await run_checks(tries, clock)


async def _credentials(client: SfmcClient) -> Found:
    token = await client.token()
    if isinstance(token, Token):
        return True, "Marketing Cloud accepts client id, secret and business unit."
    return False, token.message


async def _permissions(settings: SfmcSettings, client: SfmcClient) -> Found:
    token = await client.token()
    if not isinstance(token, Token):
        return False, token.message
    told = token.extra.get("scope")
    if not isinstance(told, str) or not told:
        return True, "Marketing Cloud does not tell what the package permits. Writing will show."
    needed = NEEDED + (EVENTS_NEED if settings.journey_events else ())
    missing = [scope for scope in needed if scope not in told.split()]
    if missing:
        return (
            False,
            f"The installed package lacks {', '.join(missing)}. Add it there; it takes effect in minutes.",
        )
    return True, "The installed package permits what the connection needs."


async def _rest(settings: SfmcSettings, client: SfmcClient, clock: Clock) -> Found:
    reply = await client.rest("GET", "data/v1/customobjects?$search=_&$page=1&$pagesize=1")
    if isinstance(reply, Answer) and reply.status == 200:
        return True, "The REST host answers."
    outcome, _ = trouble_outcome(reply, secret=settings.client_secret, now=clock.now())
    return False, delayed(outcome).message


async def _extensions(describer: Describer) -> Found:
    names = await describer.names()
    if isinstance(names, Blocked | Deferred):
        return False, names.message
    if not names:
        return False, "The business unit has no data extensions. Check its MID, or create one."
    return True, f"The business unit has {len(names)} data extensions."
