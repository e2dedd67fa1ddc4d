"""How far a push got, kept beside the file so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from formlane.errors import Conflict, InvalidInput

KEPT_FOR: Final = dt.timedelta(hours=23)
"""The server knows an idempotency key for 24 hours; an hour is left for the run itself."""

VERSION: Final = 1


class Progress(Struct, kw_only=True, forbid_unknown_fields=True):
    """A push under way. The first `done` rows are answered for; those up to `sent` may have arrived.

    `rejected_bytes` is the length of the file of rejected records when `done` was reached.
    """

    digest: str
    target: str
    reading: str
    batch: int
    began_at: dt.datetime
    done: int = 0
    sent: int = 0
    sent_at: dt.datetime | None = None
    accepted: int = 0
    rejected: int = 0
    rejected_bytes: int = 0
    version: int = VERSION


class ProgressFile:
    """`FILE.push.json`: written before rows are sent and after they were answered, gone at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, fresh: Progress, *, resume: bool, now: dt.datetime) -> Progress:
        """Where to begin: `fresh`, or what an interrupted run of the same file left.

        Raises `Conflict` where a record could be accepted twice: sizes of batches differ, or what was under
        way is older than the server remembers.
        """
        left = self._read()
        if left is None or (left.digest, left.target, left.reading) != (
            fresh.digest,
            fresh.target,
            fresh.reading,
        ):
            if resume:
                raise Conflict(f"There is nothing to resume: no run of this file is noted in {self.path}.")
            return fresh
        if left.batch != fresh.batch:
            raise Conflict(
                f"This push was begun with --batch {left.batch}. Go on with that, or delete {self.path}; "
                "then what was accepted before is accepted again."
            )
        unknown_since = left.sent_at if resume else left.began_at
        in_doubt = left.sent > left.done if resume else left.sent > 0
        if in_doubt and unknown_since is not None and now - unknown_since > KEPT_FOR:
            raise Conflict(_too_old(left, self.path, resume=resume))
        return left if resume else fresh

    def keep(self, progress: Progress) -> None:
        """Writes the progress in one step."""
        draft = self.path.with_name(f"{self.path.name}.tmp")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.json.encode(progress))
            draft.replace(self.path)
        except OSError as failure:
            raise InvalidInput(f"{self.path} cannot be written: {failure.strerror}.") from None

    def finish(self) -> None:
        """Forgets the run."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> Progress | None:
        try:
            left = msgspec.json.decode(self.path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            raise Conflict(
                f"{self.path} cannot be read. Delete it to push the file from its start."
            ) from None
        if left.version != VERSION:
            raise Conflict(f"{self.path} was written by another release. Go on with that one.")
        return left


def _too_old(left: Progress, path: Path, *, resume: bool) -> str:
    if resume:
        return (
            f"Records {left.done + 1} to {left.sent} were under way when the push stopped, longer ago than "
            "the server remembers: sent again they could be accepted twice. See with 'formlane batch list' "
            f"whether they arrived, then set 'done' in {path} accordingly."
        )
    return (
        "This file was pushed in part longer ago than the server remembers: what was accepted then would be "
        f"accepted again. Go on with --resume, or delete {path} to push all of it again."
    )
