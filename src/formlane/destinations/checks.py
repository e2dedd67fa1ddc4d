"""Runs what a kind tries when a connection is checked, and times it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from yarl import URL

from formlane.destinations.base import CheckReport, CheckStep, Clock
from formlane.destinations.egress import AddressRefused, Guard

LOOKUP_SECONDS: Final = 5.0
"""How long a host name is looked up."""

Found: TypeAlias = tuple[bool, str]
"""Whether a step passed, and what to say."""

Ask: TypeAlias = Callable[[], Awaitable[Found | CheckStep]]
"""One try. A `CheckStep` is for what turns out to be another step than was announced."""


async def run_checks(tries: Iterable[tuple[str, Ask]], clock: Clock) -> CheckReport:
    """The named steps up to the first that fails."""
    steps: list[CheckStep] = []
    for name, ask in tries:
        started = clock.monotonic()
        found = await ask()
        step = (
            found if isinstance(found, CheckStep) else CheckStep(name=name, passed=found[0], message=found[1])
        )
        steps.append(replace(step, milliseconds=round((clock.monotonic() - started) * 1000)))
        if not step.passed:
            break
    return CheckReport(steps=tuple(steps))


async def find_host(url: URL, guard: Guard) -> Found:
    """Whether the host of an address can be found and may be called."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            await guard.resolve(url.raw_host or "", url.port or 0)
    except AddressRefused:
        return False, "Address not allowed. Use a public host."
    except OSError:
        return False, "The host name has no address. Check its spelling."
    return True, "The host name leads to an allowed address."
