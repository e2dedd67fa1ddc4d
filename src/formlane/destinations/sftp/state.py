"""What the journal keeps of a publication, before each step that has an effect outside."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Part(StrEnum):
    """Which file of the call. That the trigger is at work says that the data file is published."""

    DATA = "data"
    TRIGGER = "trigger"


class Phase(StrEnum):
    """How far. `uploading`: nothing can be under the final name yet. `renaming`: it may be."""

    UPLOADING = "uploading"
    RENAMING = "renaming"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, complete enough to be finished by somebody whose settings differ by now.

    `directory` and `temp` are paths, `name` is the final name in the directory; `target` names account and
    server. `attempt` counts temporary names from 1, independent of the worker's tries.
    """

    part: Part
    phase: Phase
    attempt: int
    target: str
    directory: str
    name: str
    temp: str
    size: int
    sha256: bytes

    def encode(self) -> bytes:
        """For the journal."""
        return _ENCODER.encode(self)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(State)


def decode_state(saved: bytes | None) -> State | None:
    """From the journal."""
    return None if saved is None else _DECODER.decode(saved)
