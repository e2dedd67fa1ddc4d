"""What an answer of Marketing Cloud means, as tables: the first row that fits holds.

Sources, by the names used below:
`errors`: "Error Handling" of the Marketing Cloud APIs guide; `rates`: "Rate Limiting Errors";
`rowset`: "Data Extension Rows (synchronous)"; `async`: "Data Extension Rows (asynchronous)" with its pages on
status and results; `events`: "Fire Entry Event"; `token`: "Access Tokens for Server-to-Server Integrations";
`soap`: "Error and Throttling Responses" of the SOAP API; `clients`: what public clients record and handle.
A token that is refused is judged by `formlane.destinations.oauth`; `docs/destinations/sfmc.md` has all codes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from formlane.destinations.http import Failure, NetworkFault
from formlane.domain.outcomes import Reason, Scope

from .verdicts import Row, Verdict

ALONE: Final = "10006 alone"
"""Our name for 10006 without `additionalErrors`: the vendor could not save, and does not say why."""

BLOCK_WAIT: Final = dt.timedelta(minutes=5)
"""After 50200, which names no time; "temporarily blocked" lasts minutes."""

_REPAIR: Final = "Correct the record, or the mapping if many fail alike, then replay."
_LATER: Final = "It is tried again by itself."
_GRANT: Final = (
    "Marketing Cloud does not permit this. Give the installed package read and write access to data"
    " extensions (for entry events: execute journeys; for contacts: audiences, lists and subscribers)."
)
_GONE: Final = (
    "The data extension or entry event is not there under this key, or belongs to another business unit."
    " Restore it, or publish a flow version for its successor."
)
_REPORT: Final = "Marketing Cloud does not understand our request. Report this with the attempt's exchange."
_VALUE: Final = f"Marketing Cloud refuses a value. {_REPAIR}"


def _record(
    reason: Reason, text: str, source: str, *, code: str = "", says: str = "", status: int = 400
) -> Row:
    return Row(
        verdict=Verdict.REJECTED,
        reason=reason,
        text=text,
        source=source,
        first=status,
        last=status,
        code=code,
        says=says,
        scope=Scope.RECORD,
        bisect=True,
    )


def _person(
    reason: Reason,
    text: str,
    source: str,
    *,
    status: int,
    code: str = "",
    says: str = "",
    scope: Scope = Scope.FLOW_OBJECT,
) -> Row:
    return Row(
        verdict=Verdict.BLOCKED,
        reason=reason,
        text=text,
        source=source,
        first=status,
        last=status,
        code=code,
        says=says,
        scope=scope,
    )


def _later(
    reason: Reason,
    text: str,
    source: str,
    *,
    status: int,
    code: str = "",
    scope: Scope = Scope.CONNECTION,
    wait: dt.timedelta | None = None,
) -> Row:
    return Row(
        verdict=Verdict.DEFERRED,
        reason=reason,
        text=f"{text} {_LATER}",
        source=source,
        first=status,
        last=status,
        code=code,
        scope=scope,
        wait=wait,
    )


ANSWERS: Final[Sequence[Row]] = (
    _record(Reason.INVALID_VALUE, _VALUE, "rowset", code="10006"),
    _later(
        Reason.UNAVAILABLE,
        "Marketing Cloud could not save the rows and does not say why.",
        "rowset",
        status=400,
        code=ALONE,
        scope=Scope.LANE,
    ),
    _person(
        Reason.CREDENTIALS,
        "Marketing Cloud does not accept an access token that it just gave. See that the installed package is"
        " enabled, and enter its client id and secret anew.",
        "errors",
        status=401,
        code="0",
        scope=Scope.CONNECTION,
    ),
    _person(
        Reason.CREDENTIALS,
        "Marketing Cloud does not accept the credentials. Enter a valid client id and secret.",
        "token",
        status=401,
        scope=Scope.CONNECTION,
    ),
    _person(Reason.PERMISSION, _GRANT, "errors", status=403, code="20000", scope=Scope.CONNECTION),
    _person(Reason.PERMISSION, _GRANT, "errors", status=403, code="20001", scope=Scope.CONNECTION),
    _person(Reason.PERMISSION, _GRANT, "errors", status=403, code="20002", scope=Scope.CONNECTION),
    _person(Reason.PERMISSION, _GRANT, "errors", status=403, scope=Scope.CONNECTION),
    _person(Reason.OBJECT_GONE, _GONE, "clients", status=404, code="30003"),
    _person(Reason.OBJECT_GONE, _GONE, "clients", status=404),
    _person(Reason.OBJECT_GONE, _GONE, "async", status=400, code="CustomObjectNotFound"),
    _person(Reason.OBJECT_GONE, _GONE, "clients", status=400, says="id is invalid"),
    _person(Reason.OBJECT_GONE, _GONE, "clients", status=400, code="10001", says="parameter "),
    _person(
        Reason.DRIFT,
        "The data extension has another primary key than the step writes by. Publish a version that fits.",
        "clients",
        status=400,
        code="10000",
        says="primary key",
    ),
    _person(Reason.CONFIGURATION, _REPORT, "clients", status=400, code="10003", says="$filter"),
    _person(Reason.CONFIGURATION, _REPORT, "errors", status=400, code="10004"),
    _record(Reason.INVALID_VALUE, _VALUE, "errors", code="10000"),
    _record(Reason.INVALID_VALUE, _VALUE, "errors", code="10001"),
    _record(
        Reason.MISSING_REQUIRED,
        f"Marketing Cloud misses a value that it requires. {_REPAIR}",
        "errors",
        code="10002",
    ),
    _record(Reason.INVALID_VALUE, _VALUE, "errors", code="10003"),
    _record(Reason.INVALID_VALUE, _VALUE, "errors", code="10005"),
    _later(Reason.LOCKED, "Marketing Cloud reports a conflict.", "clients", status=409, scope=Scope.LANE),
    _record(
        Reason.TOO_LARGE,
        "The request is larger than Marketing Cloud takes. Shorten the record, then replay.",
        "errors",
        status=413,
    ),
    _person(Reason.CONFIGURATION, _REPORT, "errors", status=415),
    _later(Reason.RATE_LIMITED, "Marketing Cloud asks for a slower pace.", "rates", status=429, code="50100"),
    _later(
        Reason.RATE_LIMITED,
        "Marketing Cloud blocks this account for some minutes.",
        "rates",
        status=429,
        code="50200",
        wait=BLOCK_WAIT,
    ),
    _later(Reason.RATE_LIMITED, "Marketing Cloud asks for a slower pace.", "rates", status=429),
    _later(Reason.UNAVAILABLE, "Marketing Cloud is not available at the moment.", "errors", status=503),
)
"""Answers of the REST API. What none fits falls to `DEFAULTS` by its class."""

EVENTS: Final[Sequence[Row]] = (
    _person(
        Reason.OBJECT_GONE,
        "Marketing Cloud knows no such entry event. Check its key and that the journey runs.",
        "events",
        status=400,
        says="definition",
    ),
)
"""Answers to an entry event, looked at before `ANSWERS`."""

DEFAULTS: Final[Sequence[Row]] = (
    Row(
        verdict=Verdict.UNCERTAIN,
        reason=Reason.ANSWER_LOST,
        text="Marketing Cloud had a fault of its own; the request may have been carried out.",
        source="errors",
        first=500,
    ),
    Row(
        verdict=Verdict.REJECTED,
        reason=Reason.REFUSED,
        text=f"Marketing Cloud refuses the request. {_REPAIR}",
        source="errors",
        first=400,
        last=499,
        scope=Scope.RECORD,
        bisect=True,
    ),
    Row(
        verdict=Verdict.BLOCKED,
        reason=Reason.CONFIGURATION,
        text="The address redirects, which is not followed. Check the subdomain of the connection.",
        source="errors",
        first=300,
        last=399,
    ),
    Row(
        verdict=Verdict.UNCERTAIN,
        reason=Reason.ANSWER_LOST,
        text="What answered is not Marketing Cloud; the request may have been carried out.",
        source="clients",
        first=100,
        last=299,
    ),
)

STUBBORN: Final[Mapping[str, tuple[int, Row]]] = {
    ALONE: (3, _record(Reason.REFUSED, f"Marketing Cloud cannot save the record. {_REPAIR}", "rowset")),
}
"""A code that comes at this try or a later one has this row instead."""

RESULTS: Final[Sequence[Row]] = (
    Row(
        verdict=Verdict.DEFERRED,
        reason=Reason.LOCKED,
        text=f"Marketing Cloud was writing the same rows at the same moment. {_LATER}",
        source="clients",
        says="rerun the transaction",
        scope=Scope.RECORD,
    ),
    Row(
        verdict=Verdict.BLOCKED,
        reason=Reason.CONFIGURATION,
        text="The data extension has no primary key. Give it one, or let the step insert.",
        source="clients",
        says="does not have any primary keys",
        scope=Scope.FLOW_OBJECT,
    ),
    Row(
        verdict=Verdict.REJECTED,
        reason=Reason.DUPLICATE,
        text="The data extension has a row with this primary key already. Use upsert, or another key.",
        source="async",
        says="violation of primary key",
    ),
    Row(
        verdict=Verdict.REJECTED,
        reason=Reason.MISSING_REQUIRED,
        text=f"The row lacks a value that the data extension requires. {_REPAIR}",
        source="clients",
        code="70001",
    ),
    Row(
        verdict=Verdict.REJECTED,
        reason=Reason.MISSING_REQUIRED,
        text=f"The row lacks its primary key. {_REPAIR}",
        source="clients",
        says="required keys are missing",
    ),
    Row(verdict=Verdict.REJECTED, reason=Reason.INVALID_VALUE, text=_VALUE, source="clients", code="2"),
    Row(
        verdict=Verdict.REJECTED,
        reason=Reason.INVALID_VALUE,
        text=_VALUE,
        source="async",
        code="UnexpectedError",
    ),
    Row(verdict=Verdict.REJECTED, reason=Reason.INVALID_VALUE, text=_VALUE, source="async"),
)
"""Results of a job's rows; the last fits all."""

SOAP: Final[Sequence[Row]] = (
    Row(
        verdict=Verdict.BLOCKED,
        reason=Reason.CREDENTIALS,
        text="Marketing Cloud does not accept a token that it just gave. Enter client id and secret anew.",
        source="clients",
        says="token expired",
    ),
    Row(
        verdict=Verdict.BLOCKED,
        reason=Reason.CREDENTIALS,
        text="Marketing Cloud does not accept the credentials. Enter a valid client id and secret.",
        source="clients",
        says="login failed",
    ),
    Row(
        verdict=Verdict.DEFERRED,
        reason=Reason.UNAVAILABLE,
        text=f"Marketing Cloud could not be asked for its data extensions. {_LATER}",
        source="soap",
    ),
)
"""Faults and overall statuses of SOAP, which also throttles by HTTP 500; the last fits all."""

_NETWORK: Final = Row(verdict=Verdict.DEFERRED, reason=Reason.NETWORK, text=_LATER, source="ours")
_LOST: Final = Row(
    verdict=Verdict.UNCERTAIN,
    reason=Reason.ANSWER_LOST,
    text="Marketing Cloud may have carried out the request.",
    source="ours",
)
FAULTS: Final[Mapping[NetworkFault, Row]] = {
    **dict.fromkeys(NetworkFault, _LOST),
    NetworkFault.ADDRESS_NOT_ALLOWED: Row(
        verdict=Verdict.BLOCKED,
        reason=Reason.ADDRESS_NOT_ALLOWED,
        text="Check the subdomain of the connection.",
        source="ours",
    ),
    NetworkFault.TLS_INVALID: Row(
        verdict=Verdict.DEFERRED,
        reason=Reason.TLS_INVALID,
        text="Something stands between us and Marketing Cloud. Ask the network's operator.",
        source="ours",
    ),
}


def answer_row(status: int, code: str, message: str, *, attempt: int = 1, first: Sequence[Row] = ()) -> Row:
    """The row of an answer of the REST API at the `attempt`th try of its call; `first` goes before all."""
    tries, stubborn = STUBBORN.get(code, (0, None))
    if stubborn is not None and attempt >= tries:
        return stubborn
    text = message.lower()
    return next(row for row in (*first, *ANSWERS, *DEFAULTS) if row.fits(status, code, text))


def result_row(codes: Sequence[str], message: str) -> Row:
    """The row of a job's result; `codes` are the row's own and those of its columns."""
    text = message.lower()
    return next(row for row in RESULTS if row.says in text and (not row.code or row.code in codes))


def soap_row(message: str) -> Row:
    """The row of a SOAP fault or overall status."""
    text = message.lower()
    return next(row for row in SOAP if row.says in text)


def fault_row(failure: Failure) -> Row:
    """The row of a request without a complete answer."""
    row = FAULTS[failure.fault]
    return _NETWORK if row.verdict is Verdict.UNCERTAIN and not failure.may_have_arrived else row
