"""What a row of the tables of errors says, and the outcome that comes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain


class Verdict(StrEnum):
    """Which outcome a row gives."""

    REJECTED = "rejected"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table. `first` to `last` are statuses, `code` the vendor's, `says` part of its text.

    What is empty fits everything. `wait` is ours, where the vendor names none. `bisect`: splitting the
    call may find the record that is at fault.
    """

    verdict: Verdict
    reason: Reason
    text: str
    source: str
    first: int = 100
    last: int = 999
    code: str = ""
    says: str = ""
    scope: Scope = Scope.CONNECTION
    bisect: bool = False
    wait: dt.timedelta | None = None

    def fits(self, status: int, code: str, message: str) -> bool:
        """Whether the row speaks of this answer. `message` in lower case."""
        return self.first <= status <= self.last and self.code in ("", code) and self.says in message


def outcome_of(
    row: Row,
    *,
    code: str = "",
    vendor_text: str | None = None,
    retry_after: dt.timedelta | None = None,
    before: str = "",
    fields: tuple[str, ...] = (),
) -> Outcome:
    """The outcome of a row; `before` is said in front of the row's text."""
    if fields and row.verdict is Verdict.REJECTED:
        before = f"{', '.join(fields)}:"
    message = f"{before} {row.text}".strip()
    told = code or None
    if row.verdict is Verdict.UNCERTAIN:
        return Uncertain(reason=row.reason, message=message)
    if row.verdict is Verdict.REJECTED:
        return Rejected(
            reason=row.reason,
            message=message,
            fields=fields,
            vendor_code=told,
            vendor_text=vendor_text,
        )
    if row.verdict is Verdict.BLOCKED:
        return Blocked(
            scope=row.scope,
            reason=row.reason,
            message=message,
            vendor_code=told,
            vendor_text=vendor_text,
        )
    return Deferred(
        scope=row.scope,
        reason=row.reason,
        message=message,
        retry_after=row.wait if retry_after is None else retry_after,
        vendor_code=told,
        vendor_text=vendor_text,
    )
