"""One line of the table of errors, and how it is written down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from formlane.domain.outcomes import Reason, Scope


class Verdict(StrEnum):
    """Which outcome a row gives."""

    REJECTED = "rejected"
    DEFERRED = "deferred"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"


class Source(StrEnum):
    """Where a row comes from: a vendor's document by title, or what public clients met."""

    STATUS = "SOAP API Developer Guide, StatusCode"
    EXCEPTION = "SOAP API Developer Guide, ExceptionCode"
    REST = "REST API Developer Guide, Status Codes and Error Responses"
    COLLECTIONS = "REST API Developer Guide, sObject Collections"
    UPSERT = "REST API Developer Guide, Insert or Update (Upsert) a Record Using an External ID"
    BULK = "Bulk API 2.0 Developer Guide"
    LIMITS = "App Limits Cheatsheet, API Request Limits and Allocations"
    CLIENTS = "met by public clients"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `text` says what is the matter and what to do.

    `bisect`: a whole request refused so may be split to find the record at fault. `smaller`: automation there
    may manage fewer records at a time. `drift`: only a new description tells whether the object has changed.
    `verbatim`: the organisation's own words belong to the message. `wait`: before the next try.
    """

    verdict: Verdict
    reason: Reason
    text: str
    source: Source
    scope: Scope = Scope.RECORD
    bisect: bool = False
    smaller: bool = False
    drift: bool = False
    verbatim: bool = False
    wait: dt.timedelta | None = None


def rejected(
    source: Source,
    reason: Reason,
    text: str,
    todo: str = "Correct the record, then replay it.",
    *,
    bisect: bool = False,
    smaller: bool = False,
    drift: bool = False,
    verbatim: bool = False,
) -> Row:
    """A row for what will never be accepted as it is."""
    return Row(
        Verdict.REJECTED,
        reason,
        f"{text} {todo}",
        source,
        bisect=bisect,
        smaller=smaller,
        drift=drift,
        verbatim=verbatim,
    )


def deferred(
    source: Source, reason: Reason, text: str, scope: Scope = Scope.RECORD, wait: dt.timedelta | None = None
) -> Row:
    """A row for what passes by itself; certain that nothing was written."""
    return Row(Verdict.DEFERRED, reason, f"{text} It is tried again by itself.", source, scope, wait=wait)


def blocked(source: Source, reason: Reason, text: str, scope: Scope, *, drift: bool = False) -> Row:
    """A row for what waits for a person."""
    return Row(Verdict.BLOCKED, reason, text, source, scope, drift=drift)


def unknown(source: Source, text: str, *, smaller: bool = False) -> Row:
    """A row for what may have been written."""
    return Row(Verdict.UNCERTAIN, Reason.ANSWER_LOST, text, source, Scope.CONNECTION, smaller=smaller)
