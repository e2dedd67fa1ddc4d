"""What `check` tries, step by step. Leaves nothing behind at the receiver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from formlane.destinations.base import CheckReport, CheckStep, Equipment
from formlane.destinations.egress import AddressRefused
from formlane.destinations.http import Answer, Failure

from .client import WebhookClient
from .config import WebhookSettings

LOOKUP_SECONDS = 5.0

Found: TypeAlias = tuple[str, str, str]
"""Name of a step, its fault or nothing, and what to say when all is well."""


async def check_endpoint(
    settings: WebhookSettings, client: WebhookClient, equipment: Equipment
) -> CheckReport:
    """Resolves the name, then asks the address for its options with the connection's credentials."""
    steps: list[CheckStep] = []
    tries: tuple[Callable[[], Awaitable[Found]], ...] = (
        partial(_resolve, settings, equipment),
        partial(_reach, client),
    )
    for ask in tries:
        started = equipment.clock.monotonic()
        name, fault, message = await ask()
        elapsed = round((equipment.clock.monotonic() - started) * 1000)
        steps.append(CheckStep(name=name, passed=not fault, message=fault or message, milliseconds=elapsed))
        if fault:
            break
    return CheckReport(steps=tuple(steps))


async def _resolve(settings: WebhookSettings, equipment: Equipment) -> Found:
    fault = ""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            await equipment.guard.resolve(settings.url.raw_host or "", settings.url.port or 0)
    except AddressRefused:
        fault = "Address not allowed. Use a public host."
    except OSError:
        fault = "The host name has no address. Check its spelling."
    return "address", fault, "The host name leads to an allowed address."


async def _reach(client: WebhookClient) -> Found:
    answer = await client.options()
    if isinstance(answer, Failure):
        return "request", f"The receiver was not reached: {answer.text}.", ""
    if not isinstance(answer, Answer):
        return "access token", answer.message, ""
    fault = ""
    if answer.status in {401, 407}:
        fault = f"HTTP {answer.status}: the receiver does not accept the credentials. Enter valid ones."
    elif answer.status == 410:
        fault = "HTTP 410: the receiver is gone for good. Update the address."
    elif 300 <= answer.status < 400:
        fault = f"HTTP {answer.status}: the receiver redirects, which is not followed. Update the address."
    return (
        "request",
        fault,
        f"The receiver answers (HTTP {answer.status}). Whether it takes messages shows later.",
    )
