"""What a server's answer or a broken connection means: one table per level.

Sources: draft-ietf-secsh-filexfer-02 7 (codes 0-8), -13 9.1 (9-31); OpenSSH sftp-server.c errno_to_portable
(disk full and quota come as 4 without a word); RFC 4253 11.1 and RFC 4254 5.1 (SSH level).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

import asyncssh

from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Scope, Uncertain
from formlane.errors import AddressNotAllowed

FULL_AGAIN_AFTER = dt.timedelta(minutes=1)
"""A full disk is not asked again sooner."""


class Verdict(StrEnum):
    """What follows from an error."""

    DEFER = "defer"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. A scope of None means: as far as the directory reaches."""

    verdict: Verdict
    reason: Reason
    message: str
    scope: Scope | None = None
    retry_after: dt.timedelta | None = None


def _defer(reason: Reason, message: str, scope: Scope | None = None) -> Row:
    return Row(verdict=Verdict.DEFER, reason=reason, message=message, scope=scope)


def _block(reason: Reason, message: str, scope: Scope | None = None) -> Row:
    return Row(verdict=Verdict.BLOCK, reason=reason, message=message, scope=scope)


FULL = Row(
    verdict=Verdict.DEFER,
    reason=Reason.STORAGE_FULL,
    message="The server's disk or quota is full. Files wait until there is room; ask its administrator.",
    scope=Scope.CONNECTION,
    retry_after=FULL_AGAIN_AFTER,
)
_MISSING = _block(
    Reason.CONFIGURATION,
    "The directory is missing on the server. Create it, or let the connection make missing directories.",
)
_READ_ONLY = _block(
    Reason.PERMISSION, "The server's file system is read-only. Ask its administrator for write access."
)
_DENIED = _block(
    Reason.PERMISSION,
    "The account may not write in this directory. Ask the server's administrator for write permission.",
)
_HELD = _defer(Reason.LOCKED, "Somebody has the file open on the server; it is tried again.", Scope.LANE)
_SHAPE = _block(
    Reason.CONFIGURATION,
    "The server cannot use this directory or file name. Look at the directory and the file template.",
    Scope.FLOW_OBJECT,
)

SFTP_CODES: dict[int, Row] = {
    asyncssh.FX_NO_SUCH_FILE: _MISSING,
    asyncssh.FX_PERMISSION_DENIED: _DENIED,
    asyncssh.FX_FAILURE: _defer(
        Reason.UNAVAILABLE, "The server refused without saying why; it is tried again.", Scope.LANE
    ),
    asyncssh.FX_BAD_MESSAGE: _defer(
        Reason.UNAVAILABLE, "The server did not understand the request; it is tried again.", Scope.LANE
    ),
    asyncssh.FX_OP_UNSUPPORTED: _block(
        Reason.CONFIGURATION,
        "The server cannot rename files. Choose 'none' for 'While writing', with a trigger file.",
        Scope.FLOW_OBJECT,
    ),
    asyncssh.FX_INVALID_HANDLE: _defer(
        Reason.UNAVAILABLE, "The server forgot an open file; it is tried again.", Scope.LANE
    ),
    asyncssh.FX_NO_SUCH_PATH: _MISSING,
    asyncssh.FX_WRITE_PROTECT: _READ_ONLY,
    asyncssh.FX_NO_MEDIA: _READ_ONLY,
    asyncssh.FX_NO_SPACE_ON_FILESYSTEM: FULL,
    asyncssh.FX_QUOTA_EXCEEDED: FULL,
    asyncssh.FX_LOCK_CONFLICT: _HELD,
    asyncssh.FX_DIR_NOT_EMPTY: _SHAPE,
    asyncssh.FX_NOT_A_DIRECTORY: _SHAPE,
    asyncssh.FX_INVALID_FILENAME: _SHAPE,
    asyncssh.FX_FILE_IS_A_DIRECTORY: _SHAPE,
    asyncssh.FX_BYTE_RANGE_LOCK_CONFLICT: _HELD,
    asyncssh.FX_DELETE_PENDING: _HELD,
    asyncssh.FX_FILE_CORRUPT: _defer(
        Reason.UNAVAILABLE,
        "The server reports trouble with its storage; it is tried again.",
        Scope.CONNECTION,
    ),
}
_OTHER_CODE = _defer(Reason.UNAVAILABLE, "The server refused the request; it is tried again.", Scope.LANE)

_CONNECTION = Scope.CONNECTION
_LOST = _defer(Reason.NETWORK, "The connection to the server broke; it is tried again.", _CONNECTION)

SSH_ERRORS: tuple[tuple[type[BaseException], Row], ...] = (
    (
        AddressNotAllowed,
        _block(
            Reason.ADDRESS_NOT_ALLOWED,
            "The server's address must not be called from here. Use a public host and its SFTP port.",
            _CONNECTION,
        ),
    ),
    (
        asyncssh.HostKeyNotVerifiable,
        _block(
            Reason.HOST_KEY_CHANGED,
            "The server showed a host key that nobody approved. Ask its administrator, then add the key.",
            _CONNECTION,
        ),
    ),
    (
        asyncssh.PermissionDenied,
        _block(
            Reason.CREDENTIALS,
            "The server refused the login. Check user name, password and key; nothing is tried until you "
            "change them.",
            _CONNECTION,
        ),
    ),
    (
        asyncssh.KeyExchangeFailed,
        _block(
            Reason.CONFIGURATION,
            "The server and we share no algorithm. Update the server, or choose 'legacy_interop'.",
            _CONNECTION,
        ),
    ),
    (
        asyncssh.ChannelOpenError,
        _defer(
            Reason.UNAVAILABLE,
            "The server opened no SFTP channel: too many are open, or SFTP is switched off for this account.",
            _CONNECTION,
        ),
    ),
    (asyncssh.SFTPNoConnection, _LOST),
    (asyncssh.SFTPConnectionLost, _LOST),
    (asyncssh.DisconnectError, _LOST),
    (
        TimeoutError,
        _defer(Reason.UNAVAILABLE, "The server did not answer in time; it is tried again.", _CONNECTION),
    ),
    (
        OSError,
        _defer(
            Reason.NETWORK,
            "The server cannot be reached (name, network or firewall); it is tried again.",
            _CONNECTION,
        ),
    ),
)
_UNKNOWN = _defer(Reason.UNAVAILABLE, "The SSH connection failed; it is tried again.", _CONNECTION)

ANSWER_LOST = Uncertain(
    reason=Reason.ANSWER_LOST,
    message="Whether the file was renamed is unknown: the answer was lost. The next try looks and finishes.",
)

EXPECTED = (asyncssh.Error, OSError, TimeoutError)
"""What the library raises for trouble of server and network."""


def row_for(error: BaseException) -> Row:
    """The table's line for an error that the library raised."""
    if is_answer(error):
        assert isinstance(error, asyncssh.SFTPError)
        return SFTP_CODES.get(error.code, _OTHER_CODE)
    return next((row for kind, row in SSH_ERRORS if isinstance(error, kind)), _UNKNOWN)


def is_answer(error: BaseException) -> bool:
    """Whether the server itself answered a request with this error, over a connection that still works."""
    lost = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)
    return isinstance(error, asyncssh.SFTPError) and not isinstance(error, lost)


def breaks(error: BaseException) -> bool:
    """Whether the connection cannot be trusted after this error: lost, timed out, cancelled, out of step."""
    if is_answer(error):
        return isinstance(error, asyncssh.SFTPBadMessage)
    return isinstance(error, EXPECTED) or not isinstance(error, Exception)


def outcome_of(error: BaseException, *, reach: Scope) -> Outcome:
    """What becomes of the records. `reach` is how far trouble with the directory goes."""
    return outcome_from(row_for(error), error, reach=reach)


def outcome_from(row: Row, error: BaseException, *, reach: Scope) -> Outcome:
    """The outcome of a line of the table, with the server's own words."""
    scope = row.scope or reach
    code, text = _words(error)
    if row.verdict is Verdict.BLOCK:
        return Blocked(
            scope=scope, reason=row.reason, message=row.message, vendor_code=code, vendor_text=text
        )
    return Deferred(
        scope=scope,
        reason=row.reason,
        message=row.message,
        retry_after=row.retry_after,
        vendor_code=code,
        vendor_text=text,
    )


def _words(error: BaseException) -> tuple[str, str | None]:
    if isinstance(error, AddressNotAllowed):
        return "address_not_allowed", None
    if isinstance(error, asyncssh.Error):
        return f"{type(error).__name__} {error.code}", error.reason[:300] or None
    return type(error).__name__, str(error)[:300] or None
