"""What `check` tries, step by step. Reads only, and leaves nothing behind."""

from __future__ import annotations

from typing import Final

import msgspec

from formlane.destinations.base import CheckReport, Clock
from formlane.destinations.checks import Ask, Found, run_checks

from .client import SalesforceClient
from .describing import Descriptions, offered
from .judging import Refusal

_QUOTA: Final = "DailyApiRequests"


class _Version(msgspec.Struct, frozen=True):
    version: str
    label: str = ""


class _Allowance(msgspec.Struct, frozen=True, rename="pascal"):
    max: int = 0
    remaining: int = 0


async def check_account(
    client: SalesforceClient, descriptions: Descriptions, clock: Clock, version: str
) -> CheckReport:
    """Signs in, then looks at the API's version, the day's requests and the objects."""
    tries: tuple[tuple[str, Ask], ...] = (
        ("sign in", lambda: _sign_in(client)),
        ("API version", lambda: _version(client, version)),
        ("daily requests", lambda: _quota(client)),
        ("objects", lambda: _objects(descriptions)),
    )
    return await run_checks(tries, clock)


async def _sign_in(client: SalesforceClient) -> Found:
    token = await client.sign_in()
    if isinstance(token, Refusal):
        return False, explained(token)
    return True, "Salesforce gives an access token."


async def _version(client: SalesforceClient, version: str) -> Found:
    reply = await client.read("/services/data/")
    if isinstance(reply, Refusal):
        return False, explained(reply)
    try:
        versions = msgspec.json.decode(reply.body, type=list[_Version])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False, "The address does not answer like Salesforce. Check the login address."
    labels = {one.version: one.label for one in versions}
    if version not in labels:
        newest = max(labels, key=float, default="none")
        return False, f"Salesforce has no API version {version} there. Its newest is {newest}: set that one."
    return True, f"The API version is {version} ({labels[version]})."


async def _quota(client: SalesforceClient) -> Found:
    reply = await client.read("limits")
    if isinstance(reply, Refusal):
        return False, explained(reply)
    try:
        allowances = msgspec.json.decode(reply.body, type=dict[str, _Allowance])
    except (msgspec.DecodeError, UnicodeDecodeError):
        allowances = {}
    day = allowances.get(_QUOTA)
    if day is None:
        return True, "The user may use the API. How many requests a day allows is not told."
    return True, f"Of {day.max:,} API requests a day {day.remaining:,} are left."


async def _objects(descriptions: Descriptions) -> Found:
    listing = await descriptions.listing()
    if isinstance(listing, Refusal):
        return False, explained(listing)
    count = len(offered(listing, deleting=False))
    if not count:
        return False, "The user may not create records of any object. Grant it access."
    return True, f"The user may create records of {count} objects."


def explained(refusal: Refusal) -> str:
    """A refusal in a customer's words, with Salesforce's own behind it."""
    outcome = refusal.outcome
    words = getattr(outcome, "vendor_text", None)
    return f"{outcome.message} Salesforce says: {words}" if words else outcome.message
