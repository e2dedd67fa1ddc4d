"""What an answer of the instance means, as a table: the first row that fits holds.

The status alone says little (403 has six meanings), so rows look at the words of the answer as well. Sources
are parts of the vendor's product documentation, knowledge base articles (KB), or "practice": answers that
public clients handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formlane.destinations.http import NetworkFault
from formlane.domain.outcomes import Reason, Scope


class Verdict(StrEnum):
    """Which outcome a row gives."""

    REJECTED = "rejected"
    DEFERRED = "deferred"
    BLOCKED = "blocked"


class Doubt(StrEnum):
    """Whether a write may have happened all the same.

    `no`: certainly not. `over`: perhaps, and a look now shows it. `running`: it may still happen.
    """

    NO = "no"
    OVER = "over"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, for statuses `first` to `last` and answers that hold `words` (lower case).

    `header`: one that the answer must have. `text` says cause and next step. `bisect`: splitting a batch
    that was refused as a whole may find the record at fault.
    """

    code: str
    first: int
    last: int
    verdict: Verdict
    reason: Reason
    text: str
    source: str
    words: str = ""
    header: str = ""
    scope: Scope = Scope.CONNECTION
    doubt: Doubt = Doubt.NO
    bisect: bool = False


_LATER: Final = "It is tried again by itself."
_TABLE_API: Final = "REST API reference, Table API"
_CODES: Final = "REST API HTTP response codes"
_RATES: Final = "Inbound REST API rate limiting"
_KB546297: Final = "KB0546297"
_IMPORT: Final = "REST API reference, Import Set API"
_PRACTICE: Final = "practice"

_R, _D, _B = Verdict.REJECTED, Verdict.DEFERRED, Verdict.BLOCKED
_ADMIN: Final = "Ask the instance's administrator for it; it is checked again by itself."

ROWS: Final[tuple[Row, ...]] = (
    Row(
        "queued", 202, 202, _D, Reason.UNAVAILABLE,
        f"The instance has too many requests waiting and did not run this one. {_LATER}",
        "community article on session queues (Tokyo)",
    ),
    Row(
        "hibernating", 200, 200, _D, Reason.UNAVAILABLE,
        f"The instance is asleep. Wake it in the vendor's developer portal. {_LATER}",
        _PRACTICE, words="instance is hibernating",
    ),
    Row(
        "page", 200, 200, _D, Reason.UNAVAILABLE,
        f"The instance answers with a page for people instead of data. {_LATER}",
        _PRACTICE, header="text/html",
    ),
    Row(
        "cancelled_amid", 200, 201, _D, Reason.UNAVAILABLE,
        f"The instance broke off its answer. {_LATER}",
        _PRACTICE, words="transaction cancelled", scope=Scope.RECORD, doubt=Doubt.OVER,
    ),
    Row(
        "unreadable", 200, 299, _D, Reason.UNAVAILABLE,
        f"The instance's answer is empty or not what was asked for. {_LATER}",
        _PRACTICE, scope=Scope.RECORD, doubt=Doubt.OVER,
    ),
    Row(
        "redirect", 300, 399, _B, Reason.CONFIGURATION,
        "The address redirects, which is not followed. Enter the instance's own address.",
        _PRACTICE,
    ),
    Row(
        "invalid_table", 400, 400, _B, Reason.OBJECT_GONE,
        "The table does not exist. Restore it in the instance or choose another.",
        _PRACTICE, words="invalid table", scope=Scope.FLOW_OBJECT,
    ),
    Row(
        "invalid_uri", 400, 400, _B, Reason.CONFIGURATION,
        "The instance does not offer this interface. Check the address, and that the plugin is active.",
        _CODES, words="does not represent any resource",
    ),
    Row(
        "too_large", 400, 400, _R, Reason.TOO_LARGE,
        "The request is larger than the instance allows. Shorten the record.",
        "KB0747638", words="rejected large rest payload", bisect=True,
    ),
    Row(
        "bad_request", 400, 400, _R, Reason.INVALID_VALUE,
        "The instance calls the request wrong. Correct the record, then replay it.",
        _CODES, bisect=True,
    ),
    Row(
        "mfa", 401, 401, _B, Reason.CREDENTIALS,
        "The user must sign in with a second factor. Exempt the integration user or use OAuth.",
        "Introduction to REST", header="x-mfa_token",
    ),
    Row(
        "unauthenticated", 401, 401, _B, Reason.CREDENTIALS,
        "The instance does not accept the credentials. Enter valid ones; the user must not be locked out.",
        "Inbound authentication profiles",
    ),
    Row(
        "api_acl", 403, 403, _B, Reason.PERMISSION,
        f"The table is closed to web services, or the user lacks a role. {_ADMIN}",
        "KB0546297, KB2697679", words="failed api level acl validation", scope=Scope.FLOW_OBJECT,
        doubt=Doubt.OVER,
    ),
    Row(
        "query_rights", 403, 403, _B, Reason.PERMISSION,
        f"The user may not read a field of the match key or tracking field. {_ADMIN}",
        _PRACTICE, words="insufficient rights to query records", scope=Scope.FLOW_OBJECT,
        doubt=Doubt.OVER,
    ),
    Row(
        "insert_acl", 403, 403, _B, Reason.PERMISSION,
        f"The user may not create records of this table. {_ADMIN}",
        _PRACTICE, words="insert failed due to security constraints", scope=Scope.FLOW_OBJECT,
    ),
    Row(
        "update_acl", 403, 403, _B, Reason.PERMISSION,
        "The user may not change or delete this record. Give the integration user the right, then replay.",
        _PRACTICE, words="failed due to security constraints", scope=Scope.RECORD,
    ),
    Row(
        "business_rule", 403, 403, _R, Reason.REFUSED,
        "A business rule of the instance aborted the record. Correct what the rule asks for, then replay.",
        "KB0813377", words="aborted by business rule",
    ),
    Row(
        "data_policy", 403, 403, _R, Reason.MISSING_REQUIRED,
        "A data policy of the instance asks for fields that are empty. Fill them, then replay.",
        _PRACTICE, words="data policy exception",
    ),
    Row(
        "insert_failed", 403, 403, _R, Reason.DUPLICATE,
        "The instance refused to create the record, most often because a unique value exists already. "
        "Use upsert, or correct the value; the instance's log names the cause.",
        _PRACTICE, words="error during insert of", doubt=Doubt.OVER,
    ),
    Row(
        "forbidden", 403, 403, _R, Reason.REFUSED,
        "The instance forbids this. Let the integration user write and read the table, then replay.",
        "KB0546297, KB2697679", doubt=Doubt.OVER,
    ),
    Row(
        "no_record", 404, 404, _D, Reason.NOT_FOUND,
        f"The record went away or may not be read. {_LATER}",
        _TABLE_API, words="no record found", scope=Scope.RECORD,
    ),
    Row(
        "not_found", 404, 404, _B, Reason.CONFIGURATION,
        "The instance does not offer this interface. Check the address, and that the plugin is active.",
        _CODES,
    ),
    Row(
        "method", 405, 405, _B, Reason.CONFIGURATION,
        "The instance does not take this kind of request. Check the address, and report it.", _CODES,
    ),
    Row(
        "accept", 406, 406, _B, Reason.CONFIGURATION,
        "The instance does not answer in JSON. Check the address, and report it.", _CODES,
    ),
    Row(
        "payload_too_large", 413, 413, _R, Reason.TOO_LARGE,
        "The request is larger than the instance allows. Shorten the record.", "KB0747638", bisect=True,
    ),
    Row(
        "content_type", 415, 415, _B, Reason.CONFIGURATION,
        "The instance does not take JSON. Check the address, and report it.", _CODES,
    ),
    Row(
        "rate_rule", 429, 429, _D, Reason.RATE_LIMITED,
        f"A rate limit rule of the instance is used up for this hour. {_LATER}",
        _RATES, header="x-ratelimit-limit",
    ),
    Row(
        "rate_rule", 429, 429, _D, Reason.RATE_LIMITED,
        f"A rate limit rule of the instance is used up for this hour. {_LATER}",
        _RATES, words="rate limit",
    ),
    Row(
        "semaphore", 429, 429, _D, Reason.RATE_LIMITED,
        f"The instance has no capacity free for web services. {_LATER}",
        "KB0635398",
    ),
    Row(
        "other_4xx", 400, 499, _R, Reason.REFUSED,
        "The instance refuses the request. Correct the record, then replay it.", _CODES, doubt=Doubt.OVER,
    ),
    Row(
        "cancelled", 500, 500, _D, Reason.UNAVAILABLE,
        f"The instance cancelled the work because it took too long. Lower the records per batch. {_LATER}",
        "KB0866547", words="maximum execution time exceeded", scope=Scope.RECORD, doubt=Doubt.OVER,
    ),
    Row(
        "server_error", 500, 500, _D, Reason.UNAVAILABLE,
        f"The instance has a fault of its own. {_LATER}",
        _CODES, scope=Scope.RECORD, doubt=Doubt.OVER,
    ),
    Row(
        "maintenance", 503, 503, _D, Reason.UNAVAILABLE,
        f"The instance is in maintenance. {_LATER}", _KB546297,
    ),
    Row(
        "gateway", 501, 999, _D, Reason.UNAVAILABLE,
        f"The instance did not answer its load balancer. {_LATER}", _KB546297, doubt=Doubt.RUNNING,
    ),
)  # fmt: skip

LOCAL: Final[Mapping[str, Row]] = {
    row.code: row
    for row in (
        Row(
            "unserviced", 0, 0, _D, Reason.UNAVAILABLE,
            f"The batch ended before its turn. Lower the records per batch if this is frequent. {_LATER}",
            "REST API reference, Batch API", scope=Scope.LANE,
        ),
        Row(
            "token_ended", 0, 0, _D, Reason.UNAVAILABLE,
            f"The access token ended during the batch. {_LATER}", _CODES, scope=Scope.LANE,
        ),
        Row(
            "batch_closed", 0, 0, _B, Reason.PERMISSION,
            "The Batch API is closed to this connection. Let the administrator open it, or switch it off in"
            " the connection's settings.",
            "REST API reference, Batch API",
        ),
        Row(
            "import_error", 0, 0, _R, Reason.REFUSED,
            "The transform map refused the record. Correct what it says, then replay.", _IMPORT,
        ),
        Row(
            "import_target_not_found", 0, 0, _R, Reason.NOT_FOUND,
            "The transform map found no target record. Create it, or correct the key, then replay.",
            _PRACTICE, words="target record not found",
        ),
        Row(
            "import_invalid_table", 0, 0, _B, Reason.OBJECT_GONE,
            "The staging table or the transform map's target does not exist. Have the import set repaired.",
            _PRACTICE, words="invalid table", scope=Scope.FLOW_OBJECT,
        ),
        Row(
            "import_skipped", 0, 0, _R, Reason.REFUSED,
            "A rule of the transform map skipped the record. Correct the record or the map, then replay.",
            _IMPORT,
        ),
        Row(
            "import_no_map", 0, 0, _B, Reason.CONFIGURATION,
            "No active transform map belongs to the staging table. Have one made or activated.",
            _IMPORT, scope=Scope.FLOW_OBJECT,
        ),
    )
}  # fmt: skip
"""Rows that no status tells: of batches and import sets."""

_AGAIN = Row("network", 0, 0, _D, Reason.NETWORK, _LATER, "RFC 9110")
_LOST = Row("network", 0, 0, _D, Reason.NETWORK, _LATER, "RFC 9110", doubt=Doubt.RUNNING)

FAULTS: Final[Mapping[NetworkFault, Row]] = {
    **dict.fromkeys(NetworkFault, _AGAIN),
    NetworkFault.ADDRESS_NOT_ALLOWED: Row(
        "address", 0, 0, _B, Reason.ADDRESS_NOT_ALLOWED, "Enter another address of the instance.", "RFC 9110"
    ),
    NetworkFault.TLS_INVALID: Row(
        "tls", 0, 0, _D, Reason.TLS_INVALID, f"Have the instance's certificate renewed. {_LATER}", "RFC 9110"
    ),
    **dict.fromkeys(
        (
            NetworkFault.TIMED_OUT,
            NetworkFault.RESET,
            NetworkFault.PROTOCOL_ERROR,
            NetworkFault.RESPONSE_TOO_LARGE,
        ),
        _LOST,
    ),
}
"""No complete answer. A lost one is in doubt only if the request may have arrived."""


def row_of(status: int, words: str, headers: Mapping[str, str]) -> Row:
    """The row of an answer that is no success. `words`: its message and detail, in any case."""
    lower = words.lower()
    names = {name.lower() for name in headers}
    names.add(headers.get("Content-Type", "").partition(";")[0].strip().lower())
    return next(
        row
        for row in ROWS
        if row.first <= status <= row.last and row.words in lower and (not row.header or row.header in names)
    )


def import_row(status: str, words: str) -> Row:
    """The row of an import set's entry that is neither inserted, updated nor unchanged."""
    if status != "error":
        return LOCAL["import_skipped"]
    lower = words.lower().replace("invalid staging table", "invalid table")
    named = (LOCAL["import_target_not_found"], LOCAL["import_invalid_table"])
    return next((row for row in named if row.words in lower), LOCAL["import_error"])
