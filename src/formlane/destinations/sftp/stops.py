"""Why publishing can end without success."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

import asyncssh

from formlane.domain.outcomes import Blocked, Outcome, Reason, Scope

from .errors import EXPECTED, FULL, outcome_from, row_for
from .files import RemoteFiles
from .state import State


class Stopped(Exception):  # noqa: N818 - says what happened
    """Publishing ended without success, for a reason that is understood."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


async def explained(error: asyncssh.SFTPError, files: RemoteFiles, directory: str, reach: Scope) -> Outcome:
    """The outcome of a refusal. OpenSSH answers a full disk with a bare failure, so the disk is asked."""
    row = row_for(error)
    if error.code == asyncssh.FX_FAILURE:
        with suppress(*EXPECTED):
            row = FULL if await files.is_full(directory) else row
    return outcome_from(row, error, reach=reach)


def collision(path: str) -> Outcome:
    """Somebody else's file has the name."""
    name = PurePosixPath(path).name
    message = (
        f"{name} is on the server already, with other content. Nothing was overwritten. Move that file away, "
        "then resume."
    )
    return Blocked(scope=Scope.LANE, reason=Reason.NAME_COLLISION, message=message)


def broken_word(path: str) -> Outcome:
    """The server acknowledges renames that it does not make."""
    message = (
        f"The server says that it renamed {PurePosixPath(path).name}, but did not. Choose 'none' for 'While "
        "writing', with a trigger file, or another server."
    )
    return Blocked(scope=Scope.LANE, reason=Reason.CONFIGURATION, message=message)


def moved(state: State) -> Outcome:
    """Server or directory are other than when the rename may have been sent."""
    message = (
        f"{state.name} was being put into {state.directory} of {state.target}, which cannot be looked at "
        "now. Restore server and directory and resume; or, if the file never arrived, send its records again."
    )
    return Blocked(scope=Scope.LANE, reason=Reason.CONFIGURATION, message=message)
