"""What Jira's answers mean, as tables: one row per status or signal, one per sentence.

Statuses, headers and the field that an error is filed under decide; sentences only refine, and they are
English because every request forces that language. Sources: Jira Cloud platform REST API v3 (`v3`), its
page "Rate limiting" (`limits`), "Adjusting your code for rate limiting" of Data Center (`dc`), and what
public clients quote of live answers (`clients`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from formlane.destinations.http import Failure, NetworkFault
from formlane.domain.outcomes import Blocked, Deferred, Reason, Rejected, Scope, Uncertain

Trouble: TypeAlias = Rejected | Deferred | Blocked | Uncertain


class Verdict(StrEnum):
    """Which outcome a row gives."""

    REJECTED = "rejected"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table. `code` is a status, a status with a signal, a header's word, or a sentence.

    `bisect`: splitting the call may find the record at fault. `wait`: seconds, where the answer names none.
    `field`: the row holds only for errors filed under it. `recheck`: the fields may have changed.
    """

    code: str
    verdict: Verdict
    reason: Reason
    text: str
    source: str
    scope: Scope = Scope.CONNECTION
    bisect: bool = False
    wait: int | None = None
    field: str | None = None
    recheck: bool = False


_AGAIN: Final = "It is tried again by itself."
_CHECKED: Final = "What became of the call is found out first."
_REPAIR: Final = "Correct the record or the mapping, then replay it."
_ASK: Final = "Ask an administrator of Jira."

_DEFERRED, _BLOCKED, _REJECTED, _UNCERTAIN = (
    Verdict.DEFERRED,
    Verdict.BLOCKED,
    Verdict.REJECTED,
    Verdict.UNCERTAIN,
)


def _row(
    code: str,
    verdict: Verdict,
    reason: Reason,
    text: str,
    source: str,
    *,
    scope: Scope = Scope.CONNECTION,
    bisect: bool = False,
    wait: int | None = None,
) -> Row:
    return Row(
        code=code,
        verdict=verdict,
        reason=reason,
        text=text,
        source=source,
        scope=scope,
        bisect=bisect,
        wait=wait,
    )


ANSWERS: Final[Mapping[str, Row]] = {
    row.code: row
    for row in (
        _row(
            "3xx",
            _BLOCKED,
            Reason.CONFIGURATION,
            "The address leads elsewhere, which is not followed. Correct the address of the connection.",
            "RFC 9110 15.4",
        ),
        _row(
            "400",
            _REJECTED,
            Reason.INVALID_VALUE,
            f"Jira refuses the request. {_REPAIR}",
            "v3",
            bisect=True,
        ),
        _row(
            "400 html",
            _DEFERRED,
            Reason.UNAVAILABLE,
            f"The edge in front of Jira refuses the request. {_AGAIN}",
            "clients",
            scope=Scope.LANE,
        ),
        _row(
            "400 html again",
            _REJECTED,
            Reason.REFUSED,
            "The edge in front of Jira refuses the content. Shorten or clean the record, then replay it.",
            "clients",
            bisect=True,
        ),
        _row(
            "401",
            _BLOCKED,
            Reason.CREDENTIALS,
            "Jira does not accept the credentials. Enter valid ones, or connect the account again.",
            "v3",
        ),
        _row(
            "401 scope",
            _BLOCKED,
            Reason.PERMISSION,
            "The token lacks a scope (read:jira-work, write:jira-work, read:jira-user). Grant it and connect "
            "the account again.",
            "clients",
        ),
        _row(
            "AUTHENTICATED_FAILED",
            _BLOCKED,
            Reason.CREDENTIALS,
            "Jira does not know the credentials and treats us as anonymous. Enter valid ones.",
            "clients",
        ),
        _row(
            "AUTHENTICATION_DENIED",
            _BLOCKED,
            Reason.CREDENTIALS,
            "Jira asks this user for a CAPTCHA. Log in once in a browser, then check the connection.",
            "clients",
        ),
        _row(
            "403",
            _BLOCKED,
            Reason.PERMISSION,
            f"The account lacks a permission in Jira. {_ASK}",
            "v3",
        ),
        _row(
            "404",
            _BLOCKED,
            Reason.OBJECT_GONE,
            "Jira knows no such project or issue type, or hides it from the account. Restore it, or publish "
            "a version for its successor.",
            "v3",
            scope=Scope.FLOW_OBJECT,
        ),
        _row(
            "405",
            _BLOCKED,
            Reason.CONFIGURATION,
            "This is not the address of Jira's API. Correct the address and deployment of the connection.",
            "v3",
        ),
        _row(
            "409",
            _DEFERRED,
            Reason.LOCKED,
            f"Somebody else is changing the issue. {_AGAIN}",
            "v3",
            scope=Scope.RECORD,
        ),
        _row(
            "410",
            _BLOCKED,
            Reason.CONFIGURATION,
            "Jira no longer offers this part of its API. Check the deployment setting; update the product.",
            "v3, CHANGE-2046",
        ),
        _row(
            "413",
            _REJECTED,
            Reason.TOO_LARGE,
            f"Too large, or the issue has too many comments, links or attachments. {_REPAIR}",
            "v3",
            bisect=True,
        ),
        _row(
            "415",
            _BLOCKED,
            Reason.CONFIGURATION,
            "This server does not take JSON. Correct the address of the connection.",
            "v3",
        ),
        _row(
            "422",
            _REJECTED,
            Reason.REFUSED,
            f"Jira's workflow or configuration does not allow it. {_ASK}",
            "v3",
            bisect=True,
        ),
        _row(
            "429",
            _DEFERRED,
            Reason.RATE_LIMITED,
            f"Jira asks for a slower pace. {_AGAIN}",
            "limits, dc",
            wait=5,
        ),
        _row(
            "429 jira-burst-based",
            _DEFERRED,
            Reason.RATE_LIMITED,
            f"Too many calls at once for this Jira site. {_AGAIN}",
            "limits",
            wait=5,
        ),
        _row(
            "429 jira-cost-based",
            _DEFERRED,
            Reason.RATE_LIMITED,
            f"Calls were too costly for this Jira site. {_AGAIN}",
            "limits",
            wait=5,
        ),
        _row(
            "429 jira-per-issue-on-write",
            _DEFERRED,
            Reason.RATE_LIMITED,
            f"Too many changes of one issue in a short time. {_AGAIN}",
            "limits",
            scope=Scope.RECORD,
            wait=2,
        ),
        _row(
            "429 jira-quota-global-based",
            _DEFERRED,
            Reason.QUOTA_EXHAUSTED,
            f"The app has used up its points of this hour. {_AGAIN}",
            "limits",
            wait=60,
        ),
        _row(
            "429 jira-quota-tenant-based",
            _DEFERRED,
            Reason.QUOTA_EXHAUSTED,
            f"The app has used up its points of this hour for this site. {_AGAIN}",
            "limits",
            wait=60,
        ),
        _row(
            "429 FAILURE CLIENT RATE LIMITED",
            _DEFERRED,
            Reason.RATE_LIMITED,
            f"Atlassian's gateway asks for a slower pace. {_AGAIN}",
            "developer status, April 2026",
            wait=5,
        ),
        _row(
            "4xx",
            _REJECTED,
            Reason.REFUSED,
            f"Jira refuses the request. {_REPAIR}",
            "RFC 9110 15.5",
            bisect=True,
        ),
        _row("500", _UNCERTAIN, Reason.ANSWER_LOST, f"Jira failed on the call. {_CHECKED}", "v3"),
        _row("502", _UNCERTAIN, Reason.ANSWER_LOST, f"Jira's gateway lost the answer. {_CHECKED}", "clients"),
        _row("503", _UNCERTAIN, Reason.ANSWER_LOST, f"Jira is not available. {_CHECKED}", "clients"),
        _row(
            "503 Retry-After",
            _DEFERRED,
            Reason.UNAVAILABLE,
            f"Jira is under maintenance or overloaded. {_AGAIN}",
            "limits",
        ),
        _row("504", _UNCERTAIN, Reason.ANSWER_LOST, f"Jira's gateway waited too long. {_CHECKED}", "clients"),
        _row("5xx", _UNCERTAIN, Reason.ANSWER_LOST, f"Jira failed on the call. {_CHECKED}", "RFC 9110 15.6"),
        _row(
            "unreadable",
            _UNCERTAIN,
            Reason.ANSWER_LOST,
            f"Jira's answer cannot be read. {_CHECKED}",
            "v3",
        ),
        _row(
            "counts",
            _UNCERTAIN,
            Reason.ANSWER_LOST,
            f"Jira's answer does not account for every record. {_CHECKED}",
            "v3, Bulk create issues",
        ),
    )
}
"""By code. A status without a row of its own falls to its class."""

_LOST: Final = _row("lost", _UNCERTAIN, Reason.ANSWER_LOST, _CHECKED, "RFC 9110 9.2.2")
_NETWORK: Final = _row("network", _DEFERRED, Reason.NETWORK, _AGAIN, "RFC 9110 9.2.2")

FAULTS: Final[Mapping[NetworkFault, Row]] = {
    **dict.fromkeys(NetworkFault, _LOST),
    NetworkFault.ADDRESS_NOT_ALLOWED: _row(
        "address", _BLOCKED, Reason.ADDRESS_NOT_ALLOWED, "Correct the address of the connection.", "egress"
    ),
    NetworkFault.TLS_INVALID: _row(
        "tls", _DEFERRED, Reason.TLS_INVALID, "Its operator must renew it.", "RFC 9110 4.3.4"
    ),
}
"""A lost answer is Uncertain only if the request may have arrived, else Deferred."""


def failure_row(failure: Failure) -> Row:
    """The row of a call without a complete answer."""
    row = FAULTS[failure.fault]
    return row if failure.may_have_arrived or row is not _LOST else _NETWORK


def outcome_of(
    row: Row,
    *,
    said: str = "",
    reads: bool = False,
    code: str | None = None,
    retry_after: dt.timedelta | None = None,
    fields: tuple[str, ...] = (),
    vendor_text: str | None = None,
) -> Trouble:
    """The outcome of a row. `said` goes before the row's own text.

    `reads`: the call would have written nothing, so a lost answer is no more than an outage.
    """
    message = f"{said} {row.text}".strip()
    told = code or row.code
    match row.verdict:
        case Verdict.REJECTED:
            return Rejected(
                reason=row.reason, message=message, fields=fields, vendor_code=told, vendor_text=vendor_text
            )
        case Verdict.BLOCKED:
            return Blocked(
                scope=row.scope, reason=row.reason, message=message, vendor_code=told, vendor_text=vendor_text
            )
        case Verdict.UNCERTAIN if not reads:
            return Uncertain(reason=row.reason, message=message)
        case _:
            reason = Reason.UNAVAILABLE if row.verdict is Verdict.UNCERTAIN else row.reason
            wait = dt.timedelta(seconds=row.wait) if row.wait is not None else None
            return Deferred(
                scope=row.scope,
                reason=reason,
                message=message.replace(_CHECKED, _AGAIN),
                retry_after=wait if retry_after is None else retry_after,
                vendor_code=told,
                vendor_text=vendor_text,
            )
