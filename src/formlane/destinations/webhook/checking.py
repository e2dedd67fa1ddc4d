"""What `check` tries, step by step. Leaves nothing behind at the receiver."""

from __future__ import annotations

from functools import partial

from formlane.destinations.base import CheckReport, CheckStep, Equipment
from formlane.destinations.checks import Ask, Found, find_host, run_checks
from formlane.destinations.http import Answer, Failure

from .client import WebhookClient
from .config import WebhookSettings


async def check_endpoint(
    settings: WebhookSettings, client: WebhookClient, equipment: Equipment
) -> CheckReport:
    """Resolves the name, then asks the address for its options with the connection's credentials."""
    tries: tuple[tuple[str, Ask], ...] = (
        ("address", partial(find_host, settings.url, equipment.guard)),
        ("request", partial(_reach, client)),
    )
    return await run_checks(tries, equipment.clock)


async def _reach(client: WebhookClient) -> Found | CheckStep:
    answer = await client.options()
    if isinstance(answer, Failure):
        return False, f"The receiver was not reached: {answer.text}."
    if not isinstance(answer, Answer):
        return CheckStep(name="access token", passed=False, message=answer.message)
    if answer.status in {401, 407}:
        return False, f"HTTP {answer.status}: the receiver does not accept the credentials. Enter valid ones."
    if answer.status == 410:
        return False, "HTTP 410: the receiver is gone for good. Update the address."
    if 300 <= answer.status < 400:
        return (
            False,
            f"HTTP {answer.status}: the receiver redirects, which is not followed. Update the address.",
        )
    return True, f"The receiver answers (HTTP {answer.status}). Whether it takes messages shows later."
