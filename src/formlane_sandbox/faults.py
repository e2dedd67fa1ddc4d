"""Faults that a test, a page or a person arms, and which request meets which."""

from __future__ import annotations

import random
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Status = Annotated[int, Meta(ge=200, le=599)]
NotNegative = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]


class Kind(StrEnum):
    """What goes wrong. `before commit` means that the simulator never saw the request."""

    STATUS = "status"  # answer `status`, `headers`, `body`
    TIMEOUT = "timeout"  # no answer; the connection stays open for `seconds`, or until the client leaves
    RESET = "reset"  # no answer; RST
    CLOSE = "close"  # no answer; FIN
    SLOW = "slow"  # the right answer after `seconds`; with `piece_bytes`, so many bytes each `seconds`
    TRUNCATE = "truncate"  # the right answer cut after `keep_bytes` of its body; FIN
    RAW = "raw"  # `raw` bytes instead of an answer; FIN
    ENDLESS = "endless"  # 200 and a body that never ends
    NAMED = "named"  # something of the simulator's own, by `name`


class RetryAfterForm(StrEnum):
    """The two forms of Retry-After (RFC 9110 10.2.3)."""

    SECONDS = "seconds"
    DATE = "date"


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One armed fault: which requests it meets, how often, and what happens to them.

    Selection: `method` and `path` (a shell pattern; the default meets every path), then `skip` requests pass,
    then each is met with probability `share` (reproducible by `seed`), at most `times` in all;
    without `times` until it is cleared. `commit` lets the simulator do its work first and spoils only the
    answer; `slow` and
    `truncate` always do. `early` answers before the request's body was read (only without `commit`).
    `retry_after` is in seconds, negative allowed, and is sent in the form asked for.
    """

    kind: Kind
    times: Annotated[int, Meta(ge=1)] | None = None
    skip: NotNegative = 0
    share: Share = 1.0
    seed: int = 0
    method: str | None = None
    path: str = "*"
    commit: bool = False
    early: bool = False
    status: Status = 503
    headers: dict[str, str] = {}
    body: str = ""
    retry_after: int | None = None
    retry_after_form: RetryAfterForm = RetryAfterForm.SECONDS
    seconds: Seconds = 3600.0
    piece_bytes: Annotated[int, Meta(ge=1)] | None = None
    keep_bytes: NotNegative = 0
    raw: bytes = b""
    name: str = ""
    detail: dict[str, str | int | float | bool | None] = {}

    @property
    def commits(self) -> bool:
        """Whether the simulator does its work before the answer is spoiled."""
        return self.commit or self.kind in (Kind.SLOW, Kind.TRUNCATE)


class Armed(Struct, kw_only=True):
    """A fault with its state: `seen` requests matched, `fired` were met."""

    id: str
    fault: Fault
    chance: random.Random
    seen: int = 0
    fired: int = 0

    def take(self, method: str, path: str) -> bool:
        """Whether this request is met; counts it."""
        fault = self.fault
        if self.spent or (fault.method is not None and fault.method != method):
            return False
        if not fnmatchcase(path, fault.path):
            return False
        self.seen += 1
        if self.seen <= fault.skip or self.chance.random() >= fault.share:
            return False
        self.fired += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it has met all requests it was armed for."""
        return self.fault.times is not None and self.fired >= self.fault.times


class Faults:
    """The faults armed now, in the order of arming; the first that meets a request wins."""

    def __init__(self) -> None:
        self._armed: dict[str, Armed] = {}
        self._numbers = count(1)

    def __bool__(self) -> bool:
        return bool(self._armed)

    def arm(self, fault: Fault) -> str:
        """Arm and give an id to clear it by."""
        number = str(next(self._numbers))
        chance = random.Random(fault.seed)  # noqa: S311 - a reproducible choice, not a secret
        self._armed[number] = Armed(id=number, fault=fault, chance=chance)
        return number

    def clear(self, fault_id: str | None = None) -> bool:
        """Clear one, or all. False when there is no such fault; repeating is harmless."""
        if fault_id is None:
            self._armed.clear()
            return True
        return self._armed.pop(fault_id, None) is not None

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that meets this request, if any; it is used up by one."""
        for armed in self._armed.values():
            if armed.fault.kind is not Kind.NAMED and armed.take(method, path):
                return armed.fault
        return None

    def named(self, name: str, *, method: str = "", path: str = "") -> Fault | None:
        """The simulator's own fault of this name, if armed for such a request; it is used up by one."""
        for armed in self._armed.values():
            if armed.fault.kind is Kind.NAMED and armed.fault.name == name and armed.take(method, path):
                return armed.fault
        return None

    def listing(self) -> list[dict[str, object]]:
        """Each with id, fault, seen, fired and spent; spent ones stay listed until cleared."""
        return [
            {
                "id": armed.id,
                "fault": msgspec.to_builtins(armed.fault),
                "seen": armed.seen,
                "fired": armed.fired,
                "spent": armed.spent,
            }
            for armed in self._armed.values()
        ]
