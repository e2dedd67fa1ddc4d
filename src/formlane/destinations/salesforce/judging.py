"""From answers to outcomes, by the table of errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from formlane.destinations.base import CallResult, Exchange
from formlane.destinations.http import Answer, Failure
from formlane.destinations.retry_after import wait_asked_for
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain

from .answers import Fault, fault_of, kept_words
from .errors import FAULTS, KEY_RACE, NOTHING_WRITTEN, UNKNOWN_CODE, row_of, row_of_status
from .verdicts import Row, Verdict

NOTHING_SENT = Exchange()

Trouble: TypeAlias = Rejected | Deferred | Blocked | Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that did not succeed: one outcome for everything it carried.

    `row` is the table's, None where no answer of Salesforce's is behind it.
    """

    outcome: Trouble
    exchange: Exchange = NOTHING_SENT
    row: Row | None = None

    def result(self, size: int, *, repeatable: bool = True) -> CallResult:
        """The result of a call of `size` records that was refused so.

        `repeatable`: what may have been written can be sent again, so it may be split as well.
        """
        outcome, row = self.outcome, self.row
        if size > 1 and row is not None and row.smaller and repeatable and isinstance(outcome, Uncertain):
            outcome = Rejected(reason=Reason.TOO_LARGE, message=outcome.message)
            return CallResult.whole(outcome, size, exchange=self.exchange, bisect=True)
        bisect = size > 1 and row is not None and row.bisect and isinstance(outcome, Rejected)
        return CallResult.whole(outcome, size, exchange=self.exchange, bisect=bisect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of the records of an answered request. `drift`: a new description should be looked at."""

    outcomes: list[Outcome]
    bisect: bool = False
    drift: bool = False


def judge_answer(
    answer: Answer, *, writes: bool, secrets: Collection[str], exchange: Exchange, now: dt.datetime
) -> Refusal:
    """The meaning of an answer that is no success, for the whole request."""
    fault = fault_of(answer.body) or Fault(error_code=f"HTTP {answer.status}")
    row = row_of(fault.code, fault.message or "") or row_of_status(answer.status)
    if row.verdict is Verdict.UNCERTAIN and not writes:
        return Refusal(outcome=_later(row, fault, Scope.CONNECTION, secrets), row=row, exchange=exchange)
    scope = Scope.LANE if row.verdict is Verdict.DEFERRED and row.scope is Scope.RECORD else row.scope
    outcome = outcome_of(row, fault, scope=scope, secrets=secrets)
    if isinstance(outcome, Deferred) and (wait := wait_asked_for(answer.headers, now=now)) is not None:
        outcome = replace(outcome, retry_after=wait)
    return Refusal(outcome=outcome, row=row, exchange=exchange)


def judge_failure(failure: Failure, *, writes: bool, exchange: Exchange) -> Refusal:
    """The meaning of no complete answer."""
    row = FAULTS[failure.fault]
    fault = Fault(error_code=failure.fault)
    prefix = f"{failure.sentence} "
    if row.verdict is Verdict.UNCERTAIN and not (writes and failure.may_have_arrived):
        row = NOTHING_WRITTEN
    return Refusal(outcome=outcome_of(row, fault, scope=row.scope, prefix=prefix), exchange=exchange)


def garbled(exchange: Exchange, *, writes: bool) -> Refusal:
    """A success that cannot be read: cut short, or of another form."""
    if writes:
        text = "Salesforce's answer is incomplete or malformed; the records may have been written."
        return Refusal(outcome=Uncertain(reason=Reason.ANSWER_LOST, message=text), exchange=exchange)
    text = "Salesforce's answer is incomplete or malformed. It is asked again by itself."
    outcome = Deferred(scope=Scope.CONNECTION, reason=Reason.UNAVAILABLE, message=text)
    return Refusal(outcome=outcome, exchange=exchange)


def judge_records(
    answers: Sequence[Outcome | Fault], *, key: str | None, insists: bool, secrets: Collection[str]
) -> Judged:
    """The outcomes of records, each of which is settled already or was answered with an error.

    `key` is the external id of an upsert. What asks for a person blocks only if every record of several met
    it, or Salesforce `insists`: one record alone may just be out of the user's reach, and waits by itself.
    """
    rows = {at: _record_row(one, key) for at, one in enumerate(answers) if isinstance(one, Fault)}
    if not rows:
        return Judged(outcomes=[one for one in answers if not isinstance(one, Fault)])
    several = len(answers) > 1
    whole = len(rows) == len(answers)
    blocks = (several or insists) and whole and all(row.verdict is Verdict.BLOCKED for row in rows.values())
    too_many = several and whole and all(row.smaller for row in rows.values())

    def outcome(at: int, fault: Fault) -> Outcome:
        row = rows[at]
        waits = row.verdict is Verdict.BLOCKED and not blocks
        alone = row.smaller and several and not too_many
        if waits or alone or row.verdict is Verdict.UNCERTAIN:
            return _later(row, fault, Scope.RECORD, secrets)
        return outcome_of(row, fault, scope=row.scope, secrets=secrets)

    return Judged(
        outcomes=[outcome(at, one) if isinstance(one, Fault) else one for at, one in enumerate(answers)],
        bisect=too_many,
        drift=any(row.drift for row in rows.values()),
    )


def outcome_of(
    row: Row, fault: Fault, *, scope: Scope, secrets: Collection[str] = (), prefix: str = ""
) -> Trouble:
    """The outcome of a row. `prefix` goes before the row's own text."""
    words = kept_words(fault.message, secrets)
    code = fault.code or None
    text = f"{prefix}{row.text}"
    match row.verdict:
        case Verdict.REJECTED:
            if row.verbatim and words:
                text = f"{text} It says: {words}"
            fields = fault.fields or ()
            if fields:
                text = f"{', '.join(fields)}: {text}"
            return Rejected(
                reason=row.reason, message=text, fields=fields, vendor_code=code, vendor_text=words
            )
        case Verdict.DEFERRED:
            return Deferred(
                scope=scope,
                reason=row.reason,
                message=text,
                retry_after=row.wait,
                vendor_code=code,
                vendor_text=words,
            )
        case Verdict.BLOCKED:
            return Blocked(scope=scope, reason=row.reason, message=text, vendor_code=code, vendor_text=words)
        case _:
            return Uncertain(reason=row.reason, message=f"{text} The records may have been written.")


def _later(row: Row, fault: Fault, scope: Scope, secrets: Collection[str]) -> Deferred:
    """A trouble that passes, or is taken for one, and left nothing written."""
    advises = row.verdict is Verdict.REJECTED  # what to do then is for when it does not pass
    text = f"{row.text.partition('. ')[0]}." if advises else row.text
    return Deferred(
        scope=scope,
        reason=Reason.UNAVAILABLE if row.verdict is Verdict.UNCERTAIN else row.reason,
        message=f"{text} It is tried again by itself.",
        vendor_code=fault.code or None,
        vendor_text=kept_words(fault.message, secrets),
    )


def _record_row(fault: Fault, key: str | None) -> Row:
    row = row_of(fault.code, fault.message or "") or UNKNOWN_CODE
    return KEY_RACE if fault.code == "DUPLICATE_VALUE" and key is not None and _is_about(key, fault) else row


def _is_about(key: str, fault: Fault) -> bool:
    """Whether a value that is there already is the key's: API names are told, and never translated."""
    words = (fault.message or "").split()
    return key in (fault.fields or words) or not (fault.fields or any(one.endswith("__c") for one in words))
