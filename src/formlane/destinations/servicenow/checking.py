"""What `check` tries, step by step. Only reads."""

from __future__ import annotations

from typing import Final

from formlane.destinations.base import CheckReport, Equipment
from formlane.destinations.checks import Ask, Found, find_host, run_checks
from formlane.domain.outcomes import Blocked, Deferred, Reason

from .client import Instance
from .config import Account
from .queries import table_path

_USER: Final = table_path("sys_user", "sys_idISNOTEMPTY", ("sys_id",), 1)
_DICTIONARY: Final = table_path("sys_dictionary", "name=task^elementISNOTEMPTY", ("element",), 1)

_HIDDEN: Final = (
    "The user may not read the dictionary (sys_dictionary, sys_db_object, sys_choice); fields are then read"
    " from the instance's forms."
)


async def check_instance(account: Account, instance: Instance, equipment: Equipment) -> CheckReport:
    """Resolves the name, signs in, and tries the interfaces that the connection uses."""
    tries: list[tuple[str, Ask]] = [
        ("address", lambda: find_host(account.url, equipment.guard)),
        ("sign_in", lambda: _sign_in(instance)),
    ]
    if account.batch_api:
        tries.append(("batch_api", lambda: _batch(instance)))
    tries.append(("dictionary", lambda: _dictionary(instance)))
    return await run_checks(tries, equipment.clock)


async def _sign_in(instance: Instance) -> Found:
    found = await instance.read([_USER])
    if isinstance(found, Blocked | Deferred) and found.reason is not Reason.PERMISSION:
        return False, found.message
    return True, "The instance accepts the credentials."


async def _batch(instance: Instance) -> Found:
    found = await instance.read([_USER, _USER])
    if isinstance(found, Blocked | Deferred) and not _is_denied(found, "batch_closed"):
        return False, found.message
    return True, "The Batch API is open."


async def _dictionary(instance: Instance) -> Found:
    found = await instance.read([_DICTIONARY])
    if isinstance(found, list) and found[0].rows:
        return True, "Tables and fields can be read."
    if isinstance(found, Deferred):
        return False, found.message
    return True, _HIDDEN


def _is_denied(found: Blocked | Deferred, otherwise: str) -> bool:
    """Whether a single query was denied, which says that the interface is open."""
    return found.reason is Reason.PERMISSION and otherwise not in (found.vendor_code or "")
