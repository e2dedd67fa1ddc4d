"""Every code has a meaning; the tables say which."""

from __future__ import annotations

import asyncssh
import pytest

from formlane.destinations.egress import AddressRefused
from formlane.destinations.sftp.errors import ANSWER_LOST, breaks, outcome_of
from formlane.destinations.sftp.publish import Progress
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope

CASES: list[tuple[BaseException, type[Blocked] | type[Deferred], Scope, Reason]] = [
    (asyncssh.SFTPNoSuchFile("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPPermissionDenied("x"), Blocked, Scope.FLOW_OBJECT, Reason.PERMISSION),
    (asyncssh.SFTPFailure("x"), Deferred, Scope.LANE, Reason.UNAVAILABLE),
    (asyncssh.SFTPBadMessage("x"), Deferred, Scope.LANE, Reason.UNAVAILABLE),
    (asyncssh.SFTPNoConnection("x"), Deferred, Scope.CONNECTION, Reason.NETWORK),
    (asyncssh.SFTPConnectionLost("x"), Deferred, Scope.CONNECTION, Reason.NETWORK),
    (asyncssh.SFTPOpUnsupported("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPInvalidHandle("x"), Deferred, Scope.LANE, Reason.UNAVAILABLE),
    (asyncssh.SFTPNoSuchPath("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPWriteProtect("x"), Blocked, Scope.FLOW_OBJECT, Reason.PERMISSION),
    (asyncssh.SFTPNoMedia("x"), Blocked, Scope.FLOW_OBJECT, Reason.PERMISSION),
    (asyncssh.SFTPNoSpaceOnFilesystem("x"), Deferred, Scope.CONNECTION, Reason.STORAGE_FULL),
    (asyncssh.SFTPQuotaExceeded("x"), Deferred, Scope.CONNECTION, Reason.STORAGE_FULL),
    (asyncssh.SFTPLockConflict("x"), Deferred, Scope.LANE, Reason.LOCKED),
    (asyncssh.SFTPByteRangeLockConflict("x"), Deferred, Scope.LANE, Reason.LOCKED),
    (asyncssh.SFTPDeletePending("x"), Deferred, Scope.LANE, Reason.LOCKED),
    (asyncssh.SFTPNotADirectory("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPInvalidFilename("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPFileIsADirectory("x"), Blocked, Scope.FLOW_OBJECT, Reason.CONFIGURATION),
    (asyncssh.SFTPFileCorrupt("x"), Deferred, Scope.CONNECTION, Reason.UNAVAILABLE),
    (asyncssh.SFTPLinkLoop("x"), Deferred, Scope.LANE, Reason.UNAVAILABLE),
    (AddressRefused(), Blocked, Scope.CONNECTION, Reason.ADDRESS_NOT_ALLOWED),
    (asyncssh.HostKeyNotVerifiable("x"), Blocked, Scope.CONNECTION, Reason.HOST_KEY_CHANGED),
    (asyncssh.PermissionDenied("x"), Blocked, Scope.CONNECTION, Reason.CREDENTIALS),
    (asyncssh.KeyExchangeFailed("x"), Blocked, Scope.CONNECTION, Reason.CONFIGURATION),
    (asyncssh.ChannelOpenError(2, "x"), Deferred, Scope.CONNECTION, Reason.UNAVAILABLE),
    (asyncssh.ConnectionLost("x"), Deferred, Scope.CONNECTION, Reason.NETWORK),
    (asyncssh.ProtocolError("x"), Deferred, Scope.CONNECTION, Reason.NETWORK),
    (TimeoutError(), Deferred, Scope.CONNECTION, Reason.UNAVAILABLE),
    (ConnectionRefusedError(), Deferred, Scope.CONNECTION, Reason.NETWORK),
]


@pytest.mark.parametrize(("error", "kind", "scope", "reason"), CASES, ids=lambda case: type(case).__name__)
def test_meaning_of_an_error(
    error: BaseException, kind: type[Blocked] | type[Deferred], scope: Scope, reason: Reason
) -> None:
    outcome = outcome_of(error, reach=Scope.FLOW_OBJECT)
    assert isinstance(outcome, kind)
    assert (outcome.scope, outcome.reason) == (scope, reason)
    assert outcome.message.endswith(".")


@pytest.mark.parametrize(("error", "kind", "scope", "reason"), CASES, ids=lambda case: type(case).__name__)
def test_while_renaming_what_would_pass_is_uncertain(
    error: BaseException, kind: type[Blocked] | type[Deferred], scope: Scope, reason: Reason
) -> None:
    outcome = Progress(is_renaming=True).outcome(error, reach=Scope.CONNECTION)
    assert (outcome == ANSWER_LOST) == (kind is Deferred)


@pytest.mark.parametrize(
    ("error", "is_broken"),
    [
        (asyncssh.SFTPFailure("x"), False),
        (asyncssh.SFTPBadMessage("x"), True),
        (asyncssh.SFTPNoConnection("x"), True),
        (asyncssh.ConnectionLost("x"), True),
        (TimeoutError(), True),
        (KeyboardInterrupt(), True),
        (ValueError(), False),
    ],
)
def test_which_errors_cost_the_connection(error: BaseException, is_broken: bool) -> None:
    assert breaks(error) is is_broken
