"""What `check` tries, step by step. Reads only, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from formlane.destinations.base import CheckReport, CheckStep, Clock

from .client import SalesforceClient
from .describing import Descriptions, offered
from .judging import Refusal

Said = tuple[bool, str]
"""Whether a step passed, and what to tell."""

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
    tries: tuple[tuple[str, Callable[[], Awaitable[Said]]], ...] = (
        ("sign in", lambda: _sign_in(client)),
        ("API version", lambda: _version(client, version)),
        ("daily requests", lambda: _quota(client)),
        ("objects", lambda: _objects(descriptions)),
    )
    steps: list[CheckStep] = []
    for name, ask in tries:
        started = clock.monotonic()
        passed, message = await ask()
        elapsed = round((clock.monotonic() - started) * 1000)
        steps.append(CheckStep(name=name, passed=passed, message=message, milliseconds=elapsed))
        if not passed:
            break
    return CheckReport(steps=tuple(steps))


async def _sign_in(client: SalesforceClient) -> Said:
    token = await client.sign_in()
    if isinstance(token, Refusal):
        return False, explained(token)
    return True, "Salesforce gives an access token."


async def _version(client: SalesforceClient, version: str) -> Said:
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


async def _quota(client: SalesforceClient) -> Said:
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


async def _objects(descriptions: Descriptions) -> Said:
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
