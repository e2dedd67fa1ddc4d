"""How a receiver misbehaves for a while: scripts for `RawReceiver`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate

from tests.e2e.real_input.receiver import Answer


@dataclass(slots=True)
class Closed:
    """From the first request on, closed for some seconds; `began` and `ends` are Unix times.

    With `retry_after` "seconds" or "date" (RFC 9110 10.2.3) each refusal says when to come back.
    """

    status: int
    seconds: float
    retry_after: str | None = None
    began: float | None = None
    ends: float = 0.0

    def __call__(self, _headers: Mapping[str, str], at: float) -> Answer:
        if self.began is None:
            self.began = at
            self.ends = math.ceil(at + self.seconds)
        if at >= self.ends:
            return Answer()
        match self.retry_after:
            case "seconds":
                return Answer(status=self.status, headers={"Retry-After": str(math.ceil(self.ends - at))})
            case "date":
                return Answer(status=self.status, headers={"Retry-After": formatdate(self.ends, usegmt=True)})
            case _:
                return Answer(status=self.status)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Takes only what carries this token."""

    token: str

    def __call__(self, headers: Mapping[str, str], _at: float) -> Answer:
        return Answer(status=200 if headers.get("authorization") == f"Bearer {self.token}" else 401)
