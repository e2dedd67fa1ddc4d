"""What a row of an import set became. The HTTP status says only that it was staged."""

from __future__ import annotations

from typing import Final

import msgspec

from formlane.domain.outcomes import Blocked, Deferred, Delivered, Rejected

from .answers import Judge
from .errors import import_row
from .items import Reply

_UNCHANGED: Final = "no field values changed"
_WRITTEN: Final = frozenset({"inserted", "updated"})


class _Entry(msgspec.Struct):
    status: str = ""
    sys_id: str | None = None
    status_message: str | None = None
    error_message: str | None = None

    @property
    def words(self) -> str:
        return ": ".join(text for text in (self.error_message, self.status_message) if text)


class _Staged(msgspec.Struct):
    result: list[_Entry]


_STAGED: Final = msgspec.json.Decoder(_Staged)


def import_outcome(reply: Reply, judge: Judge) -> Delivered | Rejected | Deferred | Blocked | None:
    """The outcome of a staged row, None if the answer is no import set's. One entry per transform map."""
    try:
        entries = _STAGED.decode(reply.body).result
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not entries:
        return judge.local("import_no_map", reply)
    for entry in entries:
        if not _is_done(entry):
            return judge.outcome(import_row(entry.status, entry.words), reply, entry.words)
    return Delivered(remote_id=next((entry.sys_id for entry in entries if entry.sys_id), None))


def _is_done(entry: _Entry) -> bool:
    return entry.status in _WRITTEN or (entry.status == "ignored" and _UNCHANGED in entry.words.lower())
