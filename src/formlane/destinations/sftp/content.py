"""What is sealed for a call: the file's bytes and all that its name and outcomes depend on.

Once sealed, nothing about the file depends on when, how often or by which version it is published.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from formlane.domain.outcomes import Reason, Rejected

GZIP_LEVEL = 6


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why one record cannot be in the file."""

    reason: Reason
    message: str
    fields: tuple[str, ...] = ()

    def outcome(self) -> Rejected:
        """As the outcome of its record."""
        return Rejected(reason=self.reason, message=self.message, fields=self.fields)


class Refused(Exception):  # noqa: N818 - says what happened
    """One record cannot be rendered; caught where records are looped over."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A file's bytes, its number of data rows, and the faults by index of record."""

    body: bytes
    rows: int
    faults: Mapping[int, Fault] = field(default_factory=dict)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed form. `names` are those of the moment of sealing; a later renaming changes nothing."""

    body: bytes
    sha256: bytes
    rows: int
    records: int
    faults: dict[int, Fault]
    names: dict[str, str]

    def encode(self) -> bytes:
        """For the journal."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Content:
        """From the journal."""
        return _DECODER.decode(data)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Content)


def pack(rendered: Rendered, *, records: int, names: Mapping[str, str], compress: bool) -> Content:
    """Ready to be sealed; compressed with a fixed level and no time, so that equal rows give equal bytes."""
    body = gzip.compress(rendered.body, GZIP_LEVEL, mtime=0) if compress else rendered.body
    return Content(
        body=body,
        sha256=hashlib.sha256(body).digest(),
        rows=rendered.rows,
        records=records,
        faults=dict(rendered.faults),
        names=dict(names),
    )
