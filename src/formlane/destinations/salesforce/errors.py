"""What Salesforce's error codes mean, as a table: one row per code, whichever interface says it.

A code stands in `errorCode` of a whole request, in `statusCode` of a record, or before the first colon of a
bulk job's `sf__Error`. Codes decide, never sentences: those come in the user's language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from formlane.destinations.http import NetworkFault
from formlane.domain.outcomes import Reason, Scope

from .verdicts import Row, Source, blocked, deferred, rejected, unknown

_REPORT: Final = "Report this to Formlane's operator: the request itself was at fault."
_RELOGIN: Final = "Enter valid credentials, or connect again."
_BACKOFF: Final = dt.timedelta(minutes=15)
_SHORTLY: Final = dt.timedelta(seconds=10)
_HOURLY: Final = dt.timedelta(hours=1)
_FIELD_GONE: Final = "A mapped field is unknown to Salesforce."
_INVALID: Final = Reason.INVALID_VALUE
_REFUSED: Final = Reason.REFUSED
_FLOW: Final = Scope.FLOW_OBJECT
_ALL: Final = Scope.CONNECTION

CODES: Final[Mapping[str, Row]] = {
    # a value
    "REQUIRED_FIELD_MISSING": rejected(
        Source.STATUS, Reason.MISSING_REQUIRED, "A field that must be filled is empty."
    ),
    "STRING_TOO_LONG": rejected(Source.STATUS, _INVALID, "A text is longer than its field."),
    "INVALID_EMAIL_ADDRESS": rejected(Source.STATUS, _INVALID, "An email address is not valid."),
    "NUMBER_OUTSIDE_VALID_RANGE": rejected(Source.STATUS, _INVALID, "A number is too large or too small."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": rejected(
        Source.STATUS, _INVALID, "A value is not in the field's picklist, or no longer."
    ),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": rejected(
        Source.STATUS, _INVALID, "A value is not of its field's type."
    ),
    "JSON_PARSER_ERROR": rejected(
        Source.CLIENTS, _INVALID, "A value is not of its field's type.", bisect=True
    ),
    "MALFORMED_ID": rejected(Source.STATUS, _INVALID, "A record id is malformed or of another object."),
    "INVALID_ID_FIELD": rejected(Source.STATUS, _INVALID, "A record id is malformed or of another object."),
    "INVALID_CROSS_REFERENCE_KEY": rejected(
        Source.STATUS, _INVALID, "A referenced record does not exist, or the user may not use it."
    ),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": rejected(
        Source.STATUS, _REFUSED, "A validation rule of the organisation refuses the record.", verbatim=True
    ),
    "FIELD_INTEGRITY_EXCEPTION": rejected(Source.STATUS, _INVALID, "Two values do not go together."),
    "FIELD_FILTER_VALIDATION_EXCEPTION": rejected(
        Source.STATUS, _INVALID, "A referenced record does not pass the field's lookup filter."
    ),
    "MISSING_ARGUMENT": rejected(Source.STATUS, _REFUSED, "An argument is missing.", _REPORT),
    # which record
    "DUPLICATE_VALUE": rejected(
        Source.STATUS, Reason.DUPLICATE, "Another record there has a value that must be unique."
    ),
    "DUPLICATE_EXTERNAL_ID": rejected(
        Source.UPSERT,
        Reason.SEVERAL_MATCHES,
        "Several records there have this match key.",
        "Merge them, or set the step's policy.",
    ),
    "DUPLICATES_DETECTED": rejected(
        Source.CLIENTS,
        Reason.DUPLICATE,
        "A duplicate rule of the organisation finds a record like it.",
        "Let the connection pass alerts, or upsert.",
    ),
    "ENTITY_IS_DELETED": rejected(Source.STATUS, Reason.NOT_FOUND, "The record was deleted there."),
    "CANNOT_UPDATE_CONVERTED_LEAD": rejected(
        Source.STATUS, _REFUSED, "A converted lead cannot be changed any more."
    ),
    "UNABLE_TO_LOCK_ROW": deferred(Source.STATUS, Reason.LOCKED, "Another process holds the record."),
    "ENTITY_IS_LOCKED": deferred(Source.STATUS, Reason.LOCKED, "An approval process holds the record."),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": deferred(
        Source.COLLECTIONS, Reason.LOCKED, "The record was rolled back with another."
    ),
    # automation of the organisation
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": rejected(
        Source.STATUS, _REFUSED, "A trigger or flow of the organisation refuses the record."
    ),
    "APEX_ERROR": rejected(
        Source.STATUS, _REFUSED, "Code of the organisation failed on the record.", smaller=True
    ),
    "CANNOT_EXECUTE_FLOW_TRIGGER": rejected(
        Source.STATUS, _REFUSED, "A flow of the organisation failed on the record.", smaller=True
    ),
    "PROCESSING_HALTED": rejected(
        Source.STATUS, _REFUSED, "Automation of the organisation stopped the record.", smaller=True
    ),
    # the object, its fields, and what the user may do
    "INVALID_FIELD": rejected(Source.STATUS, _INVALID, _FIELD_GONE, bisect=True, drift=True),
    "INVALID_FIELD_FOR_INSERT_UPDATE": rejected(
        Source.STATUS,
        _REFUSED,
        "A mapped field may not be written.",
        "Map it no longer, or give the integration user access to it, then replay.",
        drift=True,
    ),
    "INVALID_TYPE": blocked(
        Source.EXCEPTION,
        Reason.OBJECT_GONE,
        "Salesforce does not know the object. Restore it, or publish a version for its successor.",
        _FLOW,
        drift=True,
    ),
    "NOT_FOUND": rejected(
        Source.REST, Reason.NOT_FOUND, "The record does not exist there.", bisect=True, drift=True
    ),
    "INVALIDENTITY": blocked(
        Source.BULK,
        Reason.CONFIGURATION,
        "The Bulk API does not take this object. Switch it off in the step.",
        _FLOW,
    ),
    "InvalidBatch": blocked(
        Source.BULK, Reason.DRIFT, f"{_FIELD_GONE} Publish a version that fits.", _FLOW, drift=True
    ),
    "INSUFFICIENT_ACCESS": blocked(
        Source.STATUS, Reason.PERMISSION, "The integration user may not do this. Grant it access.", _FLOW
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": blocked(
        Source.STATUS,
        Reason.PERMISSION,
        "The integration user may not write to this record. Grant it access to the object.",
        _FLOW,
    ),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": rejected(
        Source.STATUS, Reason.PERMISSION, "The integration user may not use a referenced record."
    ),
    "INACTIVE_OWNER_OR_USER": blocked(
        Source.STATUS, Reason.CONFIGURATION, "The owner of the records is inactive. Choose another.", _FLOW
    ),
    "FUNCTIONALITY_NOT_ENABLED": blocked(
        Source.EXCEPTION,
        Reason.CONFIGURATION,
        "The organisation has not enabled this feature. Enable it there.",
        _FLOW,
    ),
    "FEATURENOTENABLED": blocked(
        Source.BULK,
        Reason.CONFIGURATION,
        "The organisation has no Bulk API. Switch it off in the step.",
        _FLOW,
    ),
    # limits
    "REQUEST_LIMIT_EXCEEDED": deferred(
        Source.LIMITS,
        Reason.QUOTA_EXHAUSTED,
        "The organisation's daily API requests are used up.",
        _ALL,
        _BACKOFF,
    ),
    "STORAGE_LIMIT_EXCEEDED": deferred(
        Source.STATUS, Reason.STORAGE_FULL, "The organisation's storage is full. Free some.", _ALL, _HOURLY
    ),
    "EXCEEDED_QUOTA": deferred(
        Source.EXCEPTION, Reason.STORAGE_FULL, "An allowance of the organisation is used up.", _ALL, _HOURLY
    ),
    "OPERATION_TOO_LARGE": rejected(
        Source.EXCEPTION, Reason.TOO_LARGE, "The request is too large for Salesforce.", bisect=True
    ),
    "EXCEEDED_ID_LIMIT": rejected(
        Source.EXCEPTION, Reason.TOO_LARGE, "The request holds too many records.", bisect=True
    ),
    "EXCEEDED_MAX_SIZE_REQUEST": rejected(
        Source.EXCEPTION, Reason.TOO_LARGE, "The request is too large for Salesforce.", bisect=True
    ),
    # outages
    "SERVER_UNAVAILABLE": deferred(
        Source.EXCEPTION, Reason.UNAVAILABLE, "Salesforce is unavailable just now.", _ALL
    ),
    "API_CURRENTLY_DISABLED": deferred(
        Source.EXCEPTION, Reason.UNAVAILABLE, "Salesforce's API is switched off just now.", _ALL, _BACKOFF
    ),
    "REQUEST_RUNNING_TOO_LONG": unknown(Source.EXCEPTION, "Salesforce took too long.", smaller=True),
    "QUERY_TIMEOUT": unknown(Source.EXCEPTION, "Salesforce took too long for a query.", smaller=True),
    "UNKNOWN_EXCEPTION": unknown(Source.EXCEPTION, "Salesforce met a fault of its own."),
    # credentials and settings
    "INVALID_SESSION_ID": blocked(
        Source.EXCEPTION, Reason.CREDENTIALS, f"Salesforce does not accept the session. {_RELOGIN}", _ALL
    ),
    "INVALID_AUTH_HEADER": blocked(
        Source.CLIENTS, Reason.CREDENTIALS, f"Salesforce does not accept the access token. {_RELOGIN}", _ALL
    ),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": blocked(
        Source.EXCEPTION,
        Reason.CREDENTIALS,
        "The integration user's password has expired. Set a new one there.",
        _ALL,
    ),
    "API_DISABLED_FOR_ORG": blocked(
        Source.EXCEPTION,
        Reason.PERMISSION,
        "The organisation or user has no API access. Enable it there.",
        _ALL,
    ),
    "METHOD_NOT_ALLOWED": blocked(
        Source.REST, Reason.CONFIGURATION, f"Salesforce does not offer this call. {_REPORT}", _ALL
    ),
    "UNSUPPORTED_MEDIA_TYPE": blocked(
        Source.REST, Reason.CONFIGURATION, f"Salesforce does not take this format. {_REPORT}", _ALL
    ),
    "UNSUPPORTED_API_VERSION": blocked(
        Source.REST,
        Reason.CONFIGURATION,
        "Salesforce has retired this API version. Set a newer one on the connection.",
        _ALL,
    ),
    "INVALIDJOBSTATE": deferred(Source.BULK, Reason.UNAVAILABLE, "The bulk job is in another state.", _ALL),
}
"""By code. What is not here follows its HTTP status, or, for one record of several, `UNKNOWN_CODE`."""

LOGIN: Final = blocked(
    Source.EXCEPTION, Reason.CREDENTIALS, f"Salesforce refuses the integration user. {_RELOGIN}", _ALL
)
"""For every code that begins with LOGIN_."""

CONCURRENT: Final = deferred(
    Source.LIMITS, Reason.RATE_LIMITED, "Too many long requests run at once there.", _ALL, _SHORTLY
)
"""For REQUEST_LIMIT_EXCEEDED that is about requests at once: its text holds one of these names."""

CONCURRENCY_NAMES: Final = ("ConcurrentRequests", "ConcurrentPerOrg")

PASSING: Final = deferred(
    Source.CLIENTS, Reason.LOCKED, "A trigger of the organisation met a lock or a limit of its own."
)
"""For CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY whose text wraps one of these."""

PASSING_NAMES: Final = ("UNABLE_TO_LOCK_ROW", "Too many SOQL queries", "CPU time", "time limit exceeded")

UNKNOWN_CODE: Final = rejected(Source.STATUS, _REFUSED, "Salesforce refuses the record.")

KEY_RACE: Final = deferred(
    Source.UPSERT, Reason.LOCKED, "Another request was creating a record with the same match key."
)
"""For DUPLICATE_VALUE that is about the key of an upsert."""

_MOVED: Final = blocked(
    Source.REST, Reason.CONFIGURATION, "The address redirects, which is not followed. Correct it.", _ALL
)
_BROKEN: Final = unknown(Source.REST, "A gateway there failed.")
_MISUSED: Final = blocked(
    Source.REST, Reason.CONFIGURATION, f"Salesforce does not take the request. {_REPORT}", _ALL
)

STATUSES: Final[Mapping[int, Row]] = {
    300: CODES["DUPLICATE_EXTERNAL_ID"],
    301: _MOVED,
    302: _MOVED,
    304: _BROKEN,
    307: _MOVED,
    308: _MOVED,
    400: rejected(Source.REST, _REFUSED, "Salesforce refuses the request.", bisect=True),
    401: CODES["INVALID_SESSION_ID"],
    403: CODES["INSUFFICIENT_ACCESS"],
    404: CODES["NOT_FOUND"],
    405: CODES["METHOD_NOT_ALLOWED"],
    409: deferred(Source.REST, Reason.LOCKED, "The request conflicts with another.", Scope.LANE),
    410: CODES["UNSUPPORTED_API_VERSION"],
    412: _MISUSED,
    413: CODES["EXCEEDED_MAX_SIZE_REQUEST"],
    414: rejected(Source.REST, Reason.TOO_LARGE, "The address of the request is too long.", bisect=True),
    415: CODES["UNSUPPORTED_MEDIA_TYPE"],
    420: deferred(Source.REST, Reason.UNAVAILABLE, "Salesforce is moving the organisation.", _ALL),
    428: _MISUSED,
    429: deferred(Source.REST, Reason.RATE_LIMITED, "Salesforce asks for a slower pace.", _ALL),
    431: rejected(Source.REST, Reason.TOO_LARGE, "The header of the request is too long.", bisect=True),
    500: CODES["UNKNOWN_EXCEPTION"],
    502: _BROKEN,
    503: CODES["SERVER_UNAVAILABLE"],
    504: _BROKEN,
}
"""By status, for answers without a code that is known; others by hundreds: 3xx, 4xx as 400, 5xx as 500."""

_LOST: Final = unknown(Source.CLIENTS, "Nobody knows how far it came.")
NOTHING_WRITTEN: Final = deferred(Source.CLIENTS, Reason.NETWORK, "Nothing was written.", _ALL)
"""For a connection that failed before a request was sent, or under one that only reads."""


FAULTS: Final[Mapping[NetworkFault, Row]] = {
    NetworkFault.ADDRESS_NOT_ALLOWED: blocked(
        Source.CLIENTS, Reason.ADDRESS_NOT_ALLOWED, "Correct the connection's address.", _ALL
    ),
    NetworkFault.DNS_LOOKUP_FAILED: NOTHING_WRITTEN,
    NetworkFault.CONNECTION_REFUSED: NOTHING_WRITTEN,
    NetworkFault.UNREACHABLE: NOTHING_WRITTEN,
    NetworkFault.CONNECTION_TIMEOUT: NOTHING_WRITTEN,
    NetworkFault.TLS_FAILED: NOTHING_WRITTEN,
    NetworkFault.TLS_INVALID: deferred(
        Source.CLIENTS, Reason.TLS_INVALID, "A proxy on the way may be at fault.", _ALL
    ),
    NetworkFault.TIMED_OUT: _LOST,
    NetworkFault.RESET: _LOST,
    NetworkFault.PROTOCOL_ERROR: _LOST,
    NetworkFault.RESPONSE_TOO_LARGE: _LOST,
}
"""A lost answer leaves doubt only if the request may have arrived and was to write."""

_KIN: Final = {3: _MOVED, 4: STATUSES[400]}


def row_of(code: str, text: str = "") -> Row | None:
    """The row of a code; None if it is not in the table. `text` tells apart what shares a code."""
    if code == "REQUEST_LIMIT_EXCEEDED" and any(name in text for name in CONCURRENCY_NAMES):
        return CONCURRENT
    if code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and any(name in text for name in PASSING_NAMES):
        return PASSING
    if code.startswith("LOGIN_"):
        return LOGIN
    return CODES.get(code)


def row_of_status(status: int) -> Row:
    """The row of a status that is no success."""
    return STATUSES.get(status) or _KIN.get(status // 100, STATUSES[500])
