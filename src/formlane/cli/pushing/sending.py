"""One batch on its way: sent until it is answered, taken apart when a record spoils it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from formlane.cli.client import ApiClient, Reply
from formlane.cli.faults import ServerRefused
from formlane.cli.pushing.files import Row
from formlane.domain.types import Json
from formlane.errors import Problem, Unavailable

RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may be repeated: it carries an idempotency key."""

DIVIDED: Final = frozenset({400, 413})
"""Answers that one record can bring about for all of its batch."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between tries; a Retry-After wins."""


@dataclass(slots=True)
class Patience:
    """How long one request is tried. `waiting` is told seconds and reason before each wait."""

    seconds: float = 600.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    waiting: Callable[[float, str], None] = lambda _seconds, _reason: None


@dataclass(slots=True)
class Verdict:
    """What became of the rows of a batch. `warnings` are sentences, each once."""

    accepted: int = 0
    repeated: int = 0
    refused: list[tuple[Row, Sequence[Problem]]] = field(default_factory=list)
    warnings: set[str] = field(default_factory=set)

    def add(self, other: Verdict) -> None:
        """Counts another part of the batch in."""
        self.accepted += other.accepted
        self.repeated += other.repeated
        self.refused += other.refused
        self.warnings |= other.warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends rows of one file to one form or flow. `prefix` is the part of the keys that names the file."""

    client: ApiClient
    target: str
    prefix: str
    patience: Patience = field(default_factory=Patience)

    async def send(self, rows: Sequence[Row]) -> Verdict:
        """What became of the rows. Raises `ServerRefused` when no batch would be taken, `Unavailable` when
        patience ended; the same rows can then be sent again, for a day, without an effect twice.
        """
        kept = [(row, (row.problem,)) for row in rows if row.problem is not None]
        verdict = Verdict(refused=list(kept))
        sendable = [row for row in rows if row.problem is None]
        if sendable:
            verdict.add(await self._send(sendable))
            verdict.refused.sort(key=lambda pair: pair[0].number)
        return verdict

    async def _send(self, rows: Sequence[Row]) -> Verdict:
        try:
            reply = await self._tried(rows)
        except ServerRefused as refusal:
            return await self._taken_apart(rows, refusal)
        return _verdict(rows, reply.body, repeated=reply.repeated)

    async def _taken_apart(self, rows: Sequence[Row], refusal: ServerRefused) -> Verdict:
        if refusal.status == 422 and refusal.code != "idempotency_mismatch":
            return Verdict(refused=list(_each_refused(rows, refusal)))
        if refusal.status not in DIVIDED:
            raise refusal
        if len(rows) == 1:
            return Verdict(refused=[(rows[0], (Problem("", refusal.code, str(refusal)),))])
        middle = len(rows) // 2
        verdict = await self._send(rows[:middle])
        verdict.add(await self._send(rows[middle:]))
        return verdict

    async def _tried(self, rows: Sequence[Row]) -> Reply:
        body = b"[" + b",".join(row.raw for row in rows) + b"]"
        key = f"{self.prefix}-{rows[0].number}-{rows[-1].number}"
        waited, tries = 0.0, 0
        while True:
            try:
                return await self.client.request(
                    "POST", self.target, body=body, headers={"idempotency-key": key}
                )
            except (ServerRefused, Unavailable) as fault:
                wait = self._wait(fault, tries)
                if wait is None or waited + wait > self.patience.seconds:
                    raise
                self.patience.waiting(wait, str(fault))
                await self.patience.sleep(wait)
                waited, tries = waited + wait, tries + 1

    def _wait(self, fault: ServerRefused | Unavailable, tries: int) -> float | None:
        """Seconds before the next try, None when it would not help."""
        if isinstance(fault, ServerRefused):
            if fault.status not in RETRIED:
                return None
            if fault.retry_after is not None:
                return fault.retry_after
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 10))
        return longest * (0.5 + self.patience.jitter() / 2)


def _verdict(rows: Sequence[Row], answer: Json, *, repeated: bool) -> Verdict:
    """The answer's verdicts, which are in the order of what was sent."""
    listed = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(listed, list) or len(listed) != len(rows):
        raise Unavailable("The answer does not tell what became of each record. Is this a Formlane server?")
    verdict = Verdict()
    for index, (row, told) in enumerate(zip(rows, listed, strict=True)):
        said: Mapping[str, Json] = told if isinstance(told, Mapping) else {}
        if said.get("status") == "rejected":
            verdict.refused.append((row, tuple(_of_record(_problems(said), index))))
        else:
            verdict.accepted += 1
            verdict.repeated += repeated
        verdict.warnings |= _warnings(said)
    return verdict


def _problems(said: Mapping[str, Json]) -> Iterator[Problem]:
    errors = said.get("errors")
    for one in errors if isinstance(errors, list) else []:
        if isinstance(one, Mapping):
            yield Problem(str(one.get("pointer")), str(one.get("code")), str(one.get("message")))


def _warnings(said: Mapping[str, Json]) -> set[str]:
    texts = said.get("warnings")
    return set(map(str, texts)) if isinstance(texts, list) else set()


def _each_refused(rows: Sequence[Row], refusal: ServerRefused) -> Iterator[tuple[Row, Sequence[Problem]]]:
    """No record was valid: each with the problems that point to it."""
    whole = Problem("", refusal.code, str(refusal))
    for index, row in enumerate(rows):
        own = [one for one in refusal.problems if f"{one.pointer}/".startswith(f"/{index}/")]
        yield row, tuple(_of_record(own, index)) or (whole,)


def _of_record(problems: Iterable[Problem], index: int) -> Iterator[Problem]:
    """The problems with pointers into the record instead of what was sent."""
    for one in problems:
        yield Problem(one.pointer.removeprefix(f"/{index}"), one.code, one.message)
