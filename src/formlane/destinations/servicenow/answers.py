"""From answers and failures to outcomes, by the table of errors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, TypeAlias

import msgspec

from formlane.destinations.base import Clock
from formlane.destinations.http import Failure
from formlane.destinations.redaction import SHORT, kept_text
from formlane.destinations.retry_after import wait_asked_for
from formlane.domain.outcomes import Blocked, Deferred, Reason, Rejected, Scope, Uncertain

from .errors import FAULTS, LOCAL, Doubt, Row, Verdict, row_of
from .items import Reply

Trouble: TypeAlias = Deferred | Blocked | Uncertain
"""What keeps a whole request from being answered."""

SEARCHED: Final = 4096
"""Bytes of an answer without an error document that are searched for words of the table."""


class _Error(msgspec.Struct):
    message: str | None = None
    detail: str | None = None


class _Document(msgspec.Struct):
    error: _Error


class Judge:
    """Makes outcomes, with secrets blacked out of the instance's words."""

    def __init__(self, secrets: Callable[[], Collection[str]], clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock

    def outcome(self, row: Row, reply: Reply | None, words: str = "") -> Rejected | Deferred | Blocked:
        """The outcome of a row whose doubt is settled: nothing was written. `words` are the instance's."""
        text = self.shown(words or said(reply)) or None
        status = "" if reply is None else f"HTTP {reply.status}. "
        code = row.code if reply is None else f"{reply.status} {row.code}"
        message = status + row.text
        if row.verdict is Verdict.REJECTED:
            return Rejected(reason=row.reason, message=message, vendor_code=code, vendor_text=text)
        if row.verdict is Verdict.BLOCKED:
            return Blocked(
                scope=row.scope, reason=row.reason, message=message, vendor_code=code, vendor_text=text
            )
        return Deferred(
            scope=row.scope,
            reason=row.reason,
            message=message,
            retry_after=None if reply is None else wait_asked_for(reply.headers, now=self._clock.now()),
            vendor_code=code,
            vendor_text=text,
        )

    def local(self, code: str, reply: Reply | None = None, words: str = "") -> Rejected | Deferred | Blocked:
        """The outcome of a row that no status tells."""
        return self.outcome(LOCAL[code], reply, words)

    def writing(self, result: Reply | Failure) -> Trouble | Rejected:
        """The outcome of a whole request to write that failed; uncertain if it may have had an effect."""
        if isinstance(result, Failure):
            return _unanswered(result)
        row = row_for(result)
        if row.doubt is not Doubt.NO:
            return uncertain(f"HTTP {result.status}. {row.text}")
        return self.outcome(row, result)

    def reading(self, result: Reply | Failure) -> Deferred | Blocked:
        """The outcome of a request to read that failed: nothing was written, whatever the answer."""
        if isinstance(result, Failure):
            return as_reading(_unanswered(result))
        return as_reading(self.outcome(row_for(result), result))

    def reading_local(self, code: str, reply: Reply | None = None) -> Deferred | Blocked:
        """The same of a row that no status tells."""
        return as_reading(self.local(code, reply))

    def shown(self, text: str | bytes, *, most: int = SHORT) -> str:
        """The instance's words as they may be kept, on one line."""
        return " ".join(kept_text(text, self._secrets(), most=most).split())


def as_reading(outcome: Trouble | Rejected) -> Deferred | Blocked:
    """What an outcome means where something was only to be read: for the whole call, and without doubt."""
    if isinstance(outcome, Uncertain):
        return Deferred(scope=Scope.CONNECTION, reason=Reason.NETWORK, message=outcome.message)
    if isinstance(outcome, Rejected):
        return Blocked(
            scope=Scope.FLOW_OBJECT,
            reason=Reason.CONFIGURATION,
            message=f"Nothing could be looked up. {outcome.message}",
            vendor_code=outcome.vendor_code,
            vendor_text=outcome.vendor_text,
        )
    return replace(outcome, scope=Scope.LANE) if outcome.scope is Scope.RECORD else outcome


def row_for(reply: Reply) -> Row:
    """The row of an answer that is no success."""
    return row_of(reply.status, said(reply), reply.headers)


def said(reply: Reply | None) -> str:
    """Message and detail of an error document, else the start of the answer."""
    if reply is None:
        return ""
    try:
        error = msgspec.json.decode(reply.body, type=_Document).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return reply.body[:SEARCHED].decode("utf-8", errors="replace")
    return ": ".join(part for part in (error.message, error.detail) if part)


def uncertain(message: str) -> Uncertain:
    """A lost answer."""
    return Uncertain(reason=Reason.ANSWER_LOST, message=message)


def _unanswered(failure: Failure) -> Trouble:
    row = FAULTS[failure.fault]
    message = f"{failure.sentence} {row.text}"
    if row.verdict is Verdict.BLOCKED:
        return Blocked(scope=row.scope, reason=row.reason, message=message, vendor_code=failure.fault)
    if row.doubt is not Doubt.NO and failure.may_have_arrived:
        return uncertain(message)
    return Deferred(scope=row.scope, reason=row.reason, message=message, vendor_code=failure.fault)
