"""What a receiver's answer means, as a table: one row per status or range, no status in two rows.

Source of the rows: RFC 9110 15, Standard Webhooks 1.0.0 ("Operational considerations"), and the practice
of other senders. What concerns the endpoint keeps its records (Deferred, Blocked); what concerns the
message rejects it. An answer that comes too often in a row is escalated to a person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from formlane.destinations.http import Failure, NetworkFault
from formlane.domain.outcomes import DELIVERED, Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain


class Verdict(StrEnum):
    """Which outcome a row gives."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `bisect`: splitting the batch may find the record that is at fault."""

    verdict: Verdict
    reason: Reason
    text: str
    scope: Scope = Scope.CONNECTION
    bisect: bool = False


@dataclass(frozen=True, slots=True)
class StatusRow(Row):
    """A row for statuses `first` to `last`."""

    first: int = 0
    last: int = 0


def _status(
    first: int,
    last: int,
    verdict: Verdict,
    reason: Reason,
    text: str,
    *,
    scope: Scope = Scope.CONNECTION,
    bisect: bool = False,
) -> StatusRow:
    return StatusRow(verdict, reason, text, scope, bisect, first, last)


_UPDATE = "Update the address of the connection."
_REPAIR = "Correct the record or the receiver, then replay it."
_LATER = "It is tried again by itself."

STATUSES: tuple[StatusRow, ...] = (
    _status(100, 199, Verdict.REJECTED, Reason.REFUSED, f"The receiver wants another protocol. {_REPAIR}"),
    _status(200, 299, Verdict.DELIVERED, Reason.REFUSED, "Accepted."),
    _status(
        300,
        300,
        Verdict.DEFERRED,
        Reason.UNAVAILABLE,
        f"The receiver redirects, which is not followed. {_UPDATE}",
    ),
    _status(301, 301, Verdict.BLOCKED, Reason.CONFIGURATION, f"The receiver has moved for good. {_UPDATE}"),
    _status(
        302,
        307,
        Verdict.DEFERRED,
        Reason.UNAVAILABLE,
        f"The receiver redirects, which is not followed. {_UPDATE}",
    ),
    _status(308, 308, Verdict.BLOCKED, Reason.CONFIGURATION, f"The receiver has moved for good. {_UPDATE}"),
    _status(
        309,
        399,
        Verdict.DEFERRED,
        Reason.UNAVAILABLE,
        f"The receiver redirects, which is not followed. {_UPDATE}",
    ),
    _status(
        400,
        400,
        Verdict.REJECTED,
        Reason.INVALID_VALUE,
        f"The receiver calls the message wrong. {_REPAIR}",
        bisect=True,
    ),
    _status(
        401,
        401,
        Verdict.BLOCKED,
        Reason.CREDENTIALS,
        "The receiver does not accept the credentials. Enter valid ones.",
    ),
    _status(402, 402, Verdict.DEFERRED, Reason.QUOTA_EXHAUSTED, f"The receiver asks for payment. {_LATER}"),
    _status(
        403,
        403,
        Verdict.DEFERRED,
        Reason.PERMISSION,
        f"The receiver forbids this message. {_LATER}",
        scope=Scope.RECORD,
    ),
    _status(404, 404, Verdict.DEFERRED, Reason.UNAVAILABLE, f"The receiver knows no such address. {_LATER}"),
    _status(
        405, 406, Verdict.REJECTED, Reason.REFUSED, f"The receiver does not take this kind of call. {_REPAIR}"
    ),
    _status(
        407,
        407,
        Verdict.BLOCKED,
        Reason.CREDENTIALS,
        "A proxy does not accept the credentials. Enter valid ones.",
    ),
    _status(408, 408, Verdict.DEFERRED, Reason.UNAVAILABLE, f"The receiver waited too long for us. {_LATER}"),
    _status(409, 409, Verdict.REJECTED, Reason.DUPLICATE, f"The receiver reports a conflict. {_REPAIR}"),
    _status(410, 410, Verdict.BLOCKED, Reason.ENDPOINT_GONE, f"The receiver is gone for good. {_UPDATE}"),
    _status(411, 412, Verdict.REJECTED, Reason.REFUSED, f"The receiver refuses the message. {_REPAIR}"),
    _status(
        413, 413, Verdict.REJECTED, Reason.TOO_LARGE, f"The message is too large. {_REPAIR}", bisect=True
    ),
    _status(414, 420, Verdict.REJECTED, Reason.REFUSED, f"The receiver refuses the message. {_REPAIR}"),
    _status(421, 421, Verdict.DEFERRED, Reason.UNAVAILABLE, f"The wrong server answered. {_LATER}"),
    _status(
        422,
        422,
        Verdict.REJECTED,
        Reason.INVALID_VALUE,
        f"The receiver calls a value wrong. {_REPAIR}",
        bisect=True,
    ),
    _status(
        423,
        424,
        Verdict.DEFERRED,
        Reason.LOCKED,
        f"The receiver is busy with the same thing. {_LATER}",
        scope=Scope.LANE,
    ),
    _status(
        425,
        425,
        Verdict.DEFERRED,
        Reason.UNAVAILABLE,
        f"Too early for the receiver. {_LATER}",
        scope=Scope.LANE,
    ),
    _status(426, 428, Verdict.REJECTED, Reason.REFUSED, f"The receiver refuses the message. {_REPAIR}"),
    _status(
        429, 429, Verdict.DEFERRED, Reason.RATE_LIMITED, f"The receiver asks for a slower pace. {_LATER}"
    ),
    _status(430, 499, Verdict.REJECTED, Reason.REFUSED, f"The receiver refuses the message. {_REPAIR}"),
    _status(500, 599, Verdict.DEFERRED, Reason.UNAVAILABLE, f"The receiver has a fault of its own. {_LATER}"),
    _status(
        600,
        999,
        Verdict.DEFERRED,
        Reason.UNAVAILABLE,
        f"The receiver answers with an unknown status. {_LATER}",
    ),
)

_LOST = Row(Verdict.UNCERTAIN, Reason.ANSWER_LOST, "The receiver may have the message.")
_NETWORK = Row(Verdict.DEFERRED, Reason.NETWORK, _LATER)

FAULTS: Mapping[NetworkFault, Row] = {
    NetworkFault.ADDRESS_NOT_ALLOWED: Row(Verdict.BLOCKED, Reason.ADDRESS_NOT_ALLOWED, _UPDATE),
    NetworkFault.DNS_LOOKUP_FAILED: _NETWORK,
    NetworkFault.CONNECTION_REFUSED: _NETWORK,
    NetworkFault.UNREACHABLE: _NETWORK,
    NetworkFault.CONNECTION_TIMEOUT: _NETWORK,
    NetworkFault.TLS_FAILED: _NETWORK,
    NetworkFault.TLS_INVALID: Row(Verdict.DEFERRED, Reason.TLS_INVALID, "Renew the receiver's certificate."),
    NetworkFault.TIMED_OUT: _LOST,
    NetworkFault.RESET: _LOST,
    NetworkFault.PROTOCOL_ERROR: _LOST,
    NetworkFault.RESPONSE_TOO_LARGE: _LOST,
}
"""A lost answer is Uncertain only if the request may have arrived, else Deferred."""

_MALFORMED = Row(
    Verdict.BLOCKED, Reason.CONFIGURATION, "Correct the receiver; its answers are not valid HTTP."
)
_UNKNOWN_CALL = Row(
    Verdict.BLOCKED, Reason.CONFIGURATION, f"The receiver does not know this kind of call. {_UPDATE}"
)

ESCALATED: Mapping[int | NetworkFault, tuple[int, Row]] = {
    403: (
        3,
        Row(Verdict.BLOCKED, Reason.PERMISSION, "The receiver forbids every message. Ask its operator."),
    ),
    404: (50, Row(Verdict.BLOCKED, Reason.ENDPOINT_GONE, f"The receiver's address stays unknown. {_UPDATE}")),
    501: (3, _UNKNOWN_CALL),
    505: (3, _UNKNOWN_CALL),
    NetworkFault.PROTOCOL_ERROR: (3, _MALFORMED),
    NetworkFault.RESPONSE_TOO_LARGE: (3, _MALFORMED),
    NetworkFault.TLS_INVALID: (
        16,
        Row(Verdict.BLOCKED, Reason.TLS_INVALID, "The receiver's certificate stays invalid. Renew it."),
    ),
}
"""After so many of the same answer in a row the second row holds. 16 tries are about an hour."""


def row_of(status: int) -> StatusRow:
    """The row of a status; ValueError outside of 100-999."""
    for row in STATUSES:
        if row.first <= status <= row.last:
            return row
    raise ValueError(f"not an HTTP status: {status}")


def row_for(answer: int | Failure, *, in_a_row: int) -> Row:
    """The row of a status or a failure that has now come `in_a_row` times."""
    key = answer.fault if isinstance(answer, Failure) else answer
    limit, escalated = ESCALATED.get(key, (0, _LOST))
    if limit and in_a_row >= limit:
        return escalated
    if not isinstance(answer, Failure):
        return row_of(answer)
    row = FAULTS[answer.fault]
    return _NETWORK if row.verdict is Verdict.UNCERTAIN and not answer.may_have_arrived else row


def outcome_of(
    row: Row, *, text: str, code: str, vendor_text: str | None, retry_after: dt.timedelta | None
) -> Outcome:
    """The outcome of a row. `text` goes before the row's own; `code` is the status or the fault's word."""
    message = f"{text} {row.text}".strip()
    match row.verdict:
        case Verdict.DELIVERED:
            return DELIVERED
        case Verdict.REJECTED:
            return Rejected(reason=row.reason, message=message, vendor_code=code, vendor_text=vendor_text)
        case Verdict.DEFERRED:
            return Deferred(
                scope=row.scope,
                reason=row.reason,
                message=message,
                retry_after=retry_after,
                vendor_code=code,
                vendor_text=vendor_text,
            )
        case Verdict.BLOCKED:
            return Blocked(
                scope=row.scope, reason=row.reason, message=message, vendor_code=code, vendor_text=vendor_text
            )
        case _:
            return Uncertain(reason=row.reason, message=message)
