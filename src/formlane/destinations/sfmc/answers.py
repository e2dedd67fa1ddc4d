"""From an answer of the REST API to an outcome: reads the vendor's several forms of error."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from formlane.destinations.base import Exchange
from formlane.destinations.http import Answer, Failure
from formlane.destinations.redaction import exchange_of, kept_text
from formlane.destinations.retry_after import LONGEST_WAIT, wait_asked_for
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain

from .client import Reply
from .errors import ALONE, answer_row, fault_row
from .verdicts import Row, outcome_of

_MERGED: Final = ("additionalErrors", "validationErrors")
_COLUMN: Final = re.compile(r"for column \[([^\]]{1,200})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What an error body says: a code, its messages, the most telling first, and the columns they name.

    `wait` in seconds, as the body puts it.
    """

    code: str = ""
    messages: Sequence[str] = ()
    columns: tuple[str, ...] = ()
    wait: float | None = None


def trouble_outcome(
    reply: Reply, *, secret: str, now: dt.datetime, attempt: int = 1, first: Sequence[Row] = ()
) -> tuple[Outcome, bool]:
    """What became of a request that did not succeed, and whether splitting its call may help.

    `first`: rows that hold for this request alone.
    """
    if isinstance(reply, Failure):
        return outcome_of(fault_row(reply), code=reply.fault, before=reply.sentence), False
    if not isinstance(reply, Answer):
        return reply, False
    trouble = read_trouble(reply.body)
    text = " ".join(trouble.messages)
    row = answer_row(reply.status, trouble.code, text, attempt=attempt, first=first)
    wait = wait_asked_for(reply.headers, now=now)
    if wait is None and trouble.wait is not None:
        wait = min(LONGEST_WAIT, dt.timedelta(seconds=trouble.wait))
    outcome = outcome_of(
        row,
        code=f"{reply.status} {trouble.code}".strip(),
        vendor_text=kept_text(text or reply.body, (secret,)) or None,
        retry_after=wait,
        fields=trouble.columns,
    )
    return outcome, row.bisect


def exchange_with(line: str, reply: Reply, secret: str) -> Exchange:
    """The redacted trace of a request, or of why none was made."""
    if isinstance(reply, Answer | Failure):
        good = reply.status is not None and reply.status < 300
        return exchange_of(line, reply, (secret,), good=good)
    return Exchange(request=line, response=reply.message)


def delayed(outcome: Outcome) -> Blocked | Deferred:
    """The outcome of a mere question: whatever became of it, nothing was written."""
    if isinstance(outcome, Blocked | Deferred):
        return outcome
    lost = isinstance(outcome, Uncertain)
    assert isinstance(outcome, Uncertain | Rejected)
    return Deferred(
        scope=Scope.CONNECTION,
        reason=Reason.NETWORK if lost else Reason.UNAVAILABLE,
        message="Marketing Cloud did not answer a question that comes before writing. It is asked again.",
    )


def read_trouble(body: bytes) -> Trouble:
    """The code and the texts of an error body, whichever of the vendor's forms it has."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Trouble()
    if not isinstance(said, dict):
        return Trouble()
    parts = [part for name in _MERGED for part in _members(said.get(name))]
    results = [_inner(part) for part in _members(said.get("resultMessages"))]
    code = said.get("errorcode", said.get("error", results[0].get("resultCode") if results else None))
    if str(code) == "10006" and not parts:
        code = ALONE
    messages = [
        str(part["message"]) for part in (*parts, *results, said) if isinstance(part.get("message"), str)
    ]
    columns = dict.fromkeys(name for message in messages for name in _COLUMN.findall(message))
    wait = said.get("retryAfter")
    good = isinstance(wait, int | float) and not isinstance(wait, bool) and wait >= 0
    return Trouble(
        code="" if code is None else str(code),
        messages=messages,
        columns=tuple(columns),
        wait=wait if good else None,
    )


def _members(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _inner(part: dict[str, object]) -> dict[str, object]:
    """Older documents show a further object around each message."""
    inner = part.get("resultMessage")
    return inner if isinstance(inner, dict) else part
