"""Trying connections: saved or not yet, and the report as it is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from uuid import UUID

from formlane.destinations.base import CheckReport
from formlane.destinations.tokens import TokenKeeper
from formlane.domain.types import Json
from formlane.engines.base import Account, Engine
from formlane.errors import InvalidInput, Problem


def unsaved_account(
    tenant: UUID,
    connection: UUID,
    kind: str,
    settings: Mapping[str, Json],
    secrets: Mapping[str, str],
    tokens: TokenKeeper | None = None,
) -> Account:
    """The account of settings and secrets that are not kept; its revision is 0."""

    async def opened() -> Mapping[str, str]:
        return secrets

    return Account(
        tenant=tenant,
        connection=connection,
        revision=0,
        kind=kind,
        settings=settings,
        secrets=opened,
        tokens=lambda: tokens,
    )


async def require_check(engine: Engine, account: Account) -> CheckReport:
    """The report of a check that passed. Raises `InvalidInput` with the step that did not."""
    report = await engine.check(account)
    for index, step in enumerate(report.steps):
        if not step.passed:
            fault = Problem(f"/check/{index}", "check_failed", step.message)
            raise InvalidInput(f"The connection was tried and failed: {step.name}.", [fault])
    return report


def report_to_json(report: CheckReport) -> dict[str, Json]:
    """A report as it is kept: `passed` and `steps` in the order tried."""
    return {"passed": report.passed, "steps": [dataclasses.asdict(step) for step in report.steps]}
