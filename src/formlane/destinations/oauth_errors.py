"""What the answer of a token endpoint means, in one table.

A token request has no effect on data, so nothing about it is ever uncertain: what was lost is asked
for again. Sources: RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6, and the vendors' own codes as
marked. Codes are matched, never sentences, but for the one case where a vendor gives one code to two things.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from formlane.destinations.http import Failure, NetworkFault
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope

_AGAIN: Final = "It is asked again by itself."


SAME_AGAIN: Final = (
    "The destination gives access tokens that it does not accept itself. Ask its administrator."
)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One line of the table. `text` empty: the grant's own advice follows."""

    reason: Reason
    blocks: bool = True
    text: str = ""


_CREDENTIALS: Final = TokenRow(Reason.CREDENTIALS)
_APPROVAL: Final = TokenRow(
    Reason.PERMISSION, text="Ask an administrator of the destination to let this user use the app."
)
_WRONG: Final = TokenRow(
    Reason.CONFIGURATION, text="Check the settings of the connection and of the app at the destination."
)
_LATER: Final = TokenRow(Reason.UNAVAILABLE, blocks=False, text=_AGAIN)
_SLOWER: Final = TokenRow(Reason.RATE_LIMITED, blocks=False, text=_AGAIN)

CODES: Final[Mapping[str, TokenRow]] = {
    # RFC 6749 5.2
    "invalid_grant": _CREDENTIALS,
    "invalid_client": _CREDENTIALS,
    "unauthorized_client": _CREDENTIALS,
    "invalid_request": _WRONG,
    "invalid_scope": TokenRow(
        Reason.CONFIGURATION,
        text="The app may not have these scopes. Correct them here or at the destination.",
    ),
    "unsupported_grant_type": TokenRow(
        Reason.CONFIGURATION,
        text="The destination does not allow this way of signing in. Enable it for the app.",
    ),
    # RFC 6749 4.1.2.1
    "access_denied": _CREDENTIALS,
    "server_error": _LATER,
    "temporarily_unavailable": _LATER,
    # OpenID Connect Core 3.1.2.6
    "login_required": _CREDENTIALS,
    "interaction_required": _CREDENTIALS,
    "consent_required": _CREDENTIALS,
    # Salesforce Help, "OAuth Authorization Errors"
    "invalid_client_id": _CREDENTIALS,
    "invalid_client_credentials": _CREDENTIALS,
    "inactive_user": TokenRow(
        Reason.CREDENTIALS, text="The user is no longer active there. Use another user, or activate this one."
    ),
    "inactive_org": TokenRow(Reason.CREDENTIALS, text="The organisation is closed or locked there."),
    "invalid_app_access": _APPROVAL,
    "rate_limit_exceeded": _SLOWER,
    # RFC 8628 3.5
    "slow_down": _SLOWER,
}
"""Codes in the member `error`."""

_BUSY: Final = "already being processed"
"""Salesforce: invalid_grant of a refresh token that another request is using just now; it means later."""


def row_of(status: int, code: str, description: str) -> TokenRow:
    """The row of an answer that is not a token. `code` is empty when the answer has none."""
    if status == 429:
        return _SLOWER
    if status >= 500:
        return _LATER
    if code == "invalid_grant" and _BUSY in description.lower():
        return _LATER
    if status in {401, 403} and code in {"", "server_error"}:
        # ServiceNow answers 401 server_error to wrong secrets, users and refresh tokens alike.
        return _CREDENTIALS
    if code in CODES:
        return CODES[code]
    if status == 400:
        return _CREDENTIALS if code else _WRONG
    return _CREDENTIALS if code and status in {401, 403} else _LATER


def refusal(
    status: int,
    code: str,
    description: str,
    *,
    repair: str,
    retry_after: dt.timedelta | None,
) -> Blocked | Deferred:
    """The outcome of an answer that is not a token; `description` is redacted already."""
    row = row_of(status, code, description)
    what = code or f"HTTP {status}"
    message = f"The destination gave no access token ({what}). {row.text or repair}"
    text = description or None
    if row.blocks:
        return Blocked(
            scope=Scope.CONNECTION, reason=row.reason, message=message, vendor_code=what, vendor_text=text
        )
    return Deferred(
        scope=Scope.CONNECTION,
        reason=row.reason,
        message=message,
        retry_after=retry_after,
        vendor_code=what,
        vendor_text=text,
    )


def unreached(failure: Failure) -> Blocked | Deferred:
    """The outcome of a token request without a complete answer."""
    if failure.fault is NetworkFault.ADDRESS_NOT_ALLOWED:
        return forbidden_address()
    reason = Reason.TLS_INVALID if failure.fault is NetworkFault.TLS_INVALID else Reason.NETWORK
    return Deferred(
        scope=Scope.CONNECTION,
        reason=reason,
        message=f"No access token could be asked for: {failure.text}. {_AGAIN}",
        vendor_code=failure.fault,
    )


def forbidden_address() -> Blocked:
    """The token address is one that we do not call."""
    return Blocked(
        scope=Scope.CONNECTION,
        reason=Reason.ADDRESS_NOT_ALLOWED,
        message="The token address is not allowed. Use https and a public host.",
    )


def unusable(message: str) -> Blocked:
    """What the connection has does not suffice for asking, or what it gets is of no use."""
    return Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message=message)
