"""What `check` tries, step by step. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from formlane.destinations.base import CheckReport, CheckStep, Equipment
from formlane.destinations.egress import AddressRefused
from formlane.domain.outcomes import Blocked, Deferred, Reason

from .client import Instance
from .config import Account
from .queries import table_path

LOOKUP_SECONDS: Final = 5.0

_USER: Final = table_path("sys_user", "sys_idISNOTEMPTY", ("sys_id",), 1)
_DICTIONARY: Final = table_path("sys_dictionary", "name=task^elementISNOTEMPTY", ("element",), 1)

_HIDDEN: Final = (
    "The user may not read the dictionary (sys_dictionary, sys_db_object, sys_choice); fields are then read"
    " from the instance's forms."
)


async def check_instance(account: Account, instance: Instance, equipment: Equipment) -> CheckReport:
    """Resolves the name, signs in, and tries the interfaces that the connection uses."""
    tries: list[tuple[str, Callable[[], Awaitable[tuple[bool, str]]]]] = [
        ("address", lambda: _resolve(account, equipment)),
        ("sign_in", lambda: _sign_in(instance)),
    ]
    if account.batch_api:
        tries.append(("batch_api", lambda: _batch(instance)))
    tries.append(("dictionary", lambda: _dictionary(instance)))
    steps: list[CheckStep] = []
    for name, attempt in tries:
        started = equipment.clock.monotonic()
        passed, message = await attempt()
        elapsed = round((equipment.clock.monotonic() - started) * 1000)
        steps.append(CheckStep(name=name, passed=passed, message=message, milliseconds=elapsed))
        if not passed:
            break
    return CheckReport(steps=tuple(steps))


async def _resolve(account: Account, equipment: Equipment) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            await equipment.guard.resolve(account.url.raw_host or "", account.url.port or 0)
    except AddressRefused:
        return False, "Address not allowed. Use a public host."
    except OSError:
        return False, "The host name has no address. Check its spelling."
    return True, "The host name leads to an allowed address."


async def _sign_in(instance: Instance) -> tuple[bool, str]:
    found = await instance.read([_USER])
    if isinstance(found, Blocked | Deferred) and found.reason is not Reason.PERMISSION:
        return False, found.message
    return True, "The instance accepts the credentials."


async def _batch(instance: Instance) -> tuple[bool, str]:
    found = await instance.read([_USER, _USER])
    if isinstance(found, Blocked | Deferred) and not _is_denied(found, "batch_closed"):
        return False, found.message
    return True, "The Batch API is open."


async def _dictionary(instance: Instance) -> tuple[bool, str]:
    found = await instance.read([_DICTIONARY])
    if isinstance(found, list) and found[0].rows:
        return True, "Tables and fields can be read."
    if isinstance(found, Deferred):
        return False, found.message
    return True, _HIDDEN


def _is_denied(found: Blocked | Deferred, otherwise: str) -> bool:
    """Whether a single query was denied, which says that the interface is open."""
    return found.reason is Reason.PERMISSION and otherwise not in (found.vendor_code or "")
