"""Every code of a problem document that the API itself makes, with what it means.

`docs/reference/api.md` and `/problems/{code}` are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One kind of problem: its HTTP status, a title that never varies, and what to do about it."""

    code: str
    status: int
    title: str
    advice: str
    retryable: bool = False


_ALL = (
    Code(
        code="malformed_json",
        status=400,
        title="The body is not JSON",
        advice="Send JSON by RFC 8259: no NaN, no Infinity, no half surrogate pair, nothing after it.",
    ),
    Code(
        code="invalid_encoding",
        status=400,
        title="The body is not UTF-8",
        advice="Encode the body as UTF-8, without a byte order mark.",
    ),
    Code(
        code="too_deep",
        status=400,
        title="The body is nested too deeply",
        advice="Flatten the values; lists and objects may be nested 32 deep.",
    ),
    Code(
        code="number_out_of_range",
        status=400,
        title="A number does not fit into 64 bits",
        advice="Send larger whole numbers as text; the field's type decides how they are read.",
    ),
    Code(
        code="malformed_request",
        status=400,
        title="The request is malformed",
        advice="The detail says which part cannot be read.",
    ),
    Code(
        code="bad_compression",
        status=400,
        title="The body cannot be decompressed",
        advice="Send what the Content-Encoding header says, complete, or leave the header out.",
    ),
    Code(
        code="invalid_header",
        status=400,
        title="A header cannot be used",
        advice="The detail names the header and what it may hold.",
    ),
    Code(
        code="not_authenticated",
        status=401,
        title="An API key is needed",
        advice="Send 'Authorization: Bearer fl_live_…' with a key that is neither revoked nor expired.",
    ),
    Code(
        code="not_allowed",
        status=403,
        title="The API key may not do this",
        advice="Use a key with the scope that the detail names.",
    ),
    Code(
        code="not_found",
        status=404,
        title="There is nothing here",
        advice="Check the id and whose key is used: another tenant's things are not found either.",
    ),
    Code(
        code="method_not_allowed",
        status=405,
        title="The address does not know this method",
        advice="The Allow header lists the methods that it knows.",
    ),
    Code(
        code="timeout",
        status=408,
        title="The body did not arrive in time",
        advice="Send the body without pauses, in smaller parts over a slow line.",
        retryable=True,
    ),
    Code(
        code="conflict",
        status=409,
        title="The present state does not permit this",
        advice="The detail says what would.",
    ),
    Code(
        code="precondition_failed",
        status=412,
        title="It was changed meanwhile",
        advice="Read it again, apply the change to what it is now, and send the new ETag in If-Match.",
    ),
    Code(
        code="too_large",
        status=413,
        title="The request is too large",
        advice="Send it in several requests, each below the limit that the detail names.",
    ),
    Code(
        code="unsupported_media_type",
        status=415,
        title="The body has a type that is not taken here",
        advice="Send application/json or application/x-ndjson, plain or with Content-Encoding gzip or zstd.",
    ),
    Code(
        code="invalid_input",
        status=422,
        title="What was sent cannot be taken",
        advice="Each entry of `errors` points to a fault and says what would be right.",
    ),
    Code(
        code="idempotency_mismatch",
        status=422,
        title="The idempotency key was used for another body",
        advice="Make a new key for each new request; keep it only to repeat the very same one.",
    ),
    Code(
        code="precondition_required",
        status=428,
        title="An If-Match header is needed",
        advice="Read the thing, and send its ETag in If-Match with the change.",
    ),
    Code(
        code="internal_error",
        status=500,
        title="A fault of ours",
        advice="Try again; if it stays, tell us the request id.",
        retryable=True,
    ),
    Code(
        code="unavailable",
        status=503,
        title="Not available for the moment",
        advice="Send the same request again, with the same Idempotency-Key, after the time in Retry-After.",
        retryable=True,
    ),
)

CODES = {code.code: code for code in _ALL}
