"""What became of a record: values that say what happens next, not only what went wrong."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Scope(StrEnum):
    """How far a trouble reaches; that much is paused or held, and nothing else."""

    RECORD = "record"
    LANE = "lane"
    FLOW_OBJECT = "flow_object"
    CONNECTION = "connection"


class Reason(StrEnum):
    """Closed list of causes, shared by all connectors; `docs/reference/reasons.md` explains each."""

    # of the record
    INVALID_VALUE = "invalid_value"
    MISSING_REQUIRED = "missing_required"
    CONVERSION_FAILED = "conversion_failed"
    FORMULA_FAILED = "formula_failed"
    TOO_LARGE = "too_large"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not_found"
    SEVERAL_MATCHES = "several_matches"
    REFUSED = "refused"
    NOT_ENCODABLE = "not_encodable"
    GAVE_UP = "gave_up"
    # skipped
    CONDITION_FALSE = "condition_false"
    ERASED = "erased"
    SUPERSEDED = "superseded"
    # passing trouble
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    UNAVAILABLE = "unavailable"
    NETWORK = "network"
    LOCKED = "locked"
    STORAGE_FULL = "storage_full"
    # a person is needed
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    ENDPOINT_GONE = "endpoint_gone"
    OBJECT_GONE = "object_gone"
    DRIFT = "drift"
    HOST_KEY_CHANGED = "host_key_changed"
    TLS_INVALID = "tls_invalid"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    NAME_COLLISION = "name_collision"
    CONFIGURATION = "configuration"
    # the answer is unknown
    ANSWER_LOST = "answer_lost"
    LEASE_LAPSED = "lease_lapsed"
    CRASHES_WORKER = "crashes_worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The destination has the record. `remote_id` is its identity there, where one is told."""

    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """On purpose not sent: condition false, erased, superseded."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Never to be accepted as it is; the lane goes on.

    `message` names thing, cause and next step in plain words. `fields` are target field names.
    `vendor_code` and `vendor_text` are the destination's own words, redacted.
    """

    reason: Reason
    message: str
    fields: tuple[str, ...] = ()
    vendor_code: str | None = None
    vendor_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not now: limit, outage, lock. Certain that nothing was written.

    `retry_after` is the destination's own word on when; None leaves it to the retry policy.
    """

    scope: Scope
    reason: Reason
    message: str
    retry_after: dt.timedelta | None = None
    vendor_code: str | None = None
    vendor_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Waits for a person or for a passing check: credentials, permission, object gone, drift."""

    scope: Scope
    reason: Reason
    message: str
    vendor_code: str | None = None
    vendor_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """The request may have arrived and the answer is lost. Decided by the operation's declaration."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Accepted, the result comes later; `continuation` is kept and handed back to ask again."""

    continuation: bytes
    check_after: dt.timedelta


Outcome: TypeAlias = Delivered | Skipped | Rejected | Deferred | Blocked | Uncertain | Pending

DELIVERED = Delivered()
"""The common case, one shared value."""
