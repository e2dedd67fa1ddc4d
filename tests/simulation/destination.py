"""Simulated destinations: they write, forget to answer, answer late, refuse, lock, and break down."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.destinations.base import Call, CallRecord, CallResult
from formlane.domain.outcomes import (
    DELIVERED,
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from tests.simulation.cast import Character, Kind, remote_id
from tests.simulation.kernel import Answer, Kernel

DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A record that was written: when, by which call for which step, and its bytes."""

    order: int
    seconds: float
    call: UUID
    step: int
    record: str
    tracking_key: str
    content: bytes


@dataclass(slots=True)
class Traits:
    """How the destination takes a record at a step: never, or not before it is unlocked (virtual seconds)."""

    step: int = 0
    bad: bool = False
    locked_until: float = 0.0


@dataclass(slots=True)
class Weather:
    """What is wrong with an account now, all by itself or until a person repairs it."""

    down_until: float = 0.0
    limited_until: float = 0.0
    busy_until: float = 0.0
    cut_off_until: float = 0.0
    credentials_bad: bool = False
    permission_missing: bool = False
    losing: float = 0.0
    """Share of answers that are lost."""
    partial: float = 0.0
    """Share of calls that meet a limit half-way."""


@dataclass(slots=True)
class Destination:
    """One flow's object at its destination. `arrived` hears of every call that arrives and its bytes."""

    kernel: Kernel
    character: Character
    traits: dict[str, Traits]
    weather: Weather
    effects: list[Effect] = field(default_factory=list)
    tracked: dict[str, int] = field(default_factory=dict)
    uploads: dict[int, Call] = field(default_factory=dict)
    files: dict[int, UUID] = field(default_factory=dict)
    arrivals: dict[UUID, bytes] = field(default_factory=dict)

    @property
    def chance(self) -> random.Random:
        """The simulation's chance."""
        return self.kernel.chance

    @property
    def _locks(self) -> bool:
        """Whether it answers for each record apart."""
        return not self.character.all_or_nothing and self.character.kind is not Kind.WEBHOOK

    def request(self, call: Call, act: Callable[[Call], CallResult]) -> Answer[CallResult]:
        """Sends a request off; the answer comes within the deadline, if only as `Uncertain`.

        Whether it arrives does not depend on the sender any more.
        """
        answer: Answer[CallResult] = Answer()
        now, weather, chance = self.kernel.seconds, self.weather, self.chance
        size = len(call.records)
        if weather.cut_off_until > now:
            nothing = _deferred(Scope.CONNECTION, Reason.NETWORK, "No connection.")
            self.kernel.after(0.2, lambda: answer.give(CallResult.whole(nothing, size)))
            return answer
        lost = chance.random() < weather.losing
        if lost and chance.random() < 0.3:
            self.kernel.after(chance.uniform(0.1, 2), lambda: answer.give(_lost(size)))
            return answer
        slow = lost and chance.random() < 0.5
        way = chance.uniform(0, self.character.longest_arrival) if slow else chance.uniform(0.001, 0.3)
        self.kernel.after(way, lambda: self._arrive(call, act, answer, lost=lost))
        deadline = chance.uniform(0.05, DEADLINE) if lost else DEADLINE
        self.kernel.after(deadline, lambda: answer.give(_lost(size)))
        return answer

    def _arrive(
        self, call: Call, act: Callable[[Call], CallResult], answer: Answer[CallResult], *, lost: bool
    ) -> None:
        result = self._refusal(len(call.records)) or act(call)
        self.kernel.trace(f"  destination: call {short(call.id)} {summary(result)}{' LOST' if lost else ''}")
        if not lost:
            self.kernel.after(self.chance.uniform(0.001, 0.2), lambda: answer.give(result))

    def _refusal(self, size: int) -> CallResult | None:
        """The trouble that every call meets now, if any; nothing is written then."""
        now, weather = self.kernel.seconds, self.weather
        trouble: Outcome | None = None
        if weather.credentials_bad:
            trouble = Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message="Who are you?")
        elif weather.down_until > now:
            trouble = _deferred(Scope.CONNECTION, Reason.UNAVAILABLE, "503")
        elif weather.limited_until > now:
            asked = dt.timedelta(seconds=round(weather.limited_until - now + 1))
            trouble = _deferred(Scope.CONNECTION, Reason.RATE_LIMITED, "429", asked)
        elif weather.permission_missing:
            trouble = Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.PERMISSION, message="Not allowed.")
        elif weather.busy_until > now:
            trouble = _deferred(Scope.LANE, Reason.UNAVAILABLE, "This object is busy.")
        return None if trouble is None else CallResult.whole(trouble, size)

    # --- what is asked

    def write(self, call: Call) -> CallResult:
        """Writes the records that it takes."""
        self.arrivals.setdefault(call.id, content_of(call))
        verdicts = [self._verdict(call, record) for record in call.records]
        if self.character.kind is Kind.WEBHOOK and any(verdicts):
            refused = Rejected(reason=Reason.REFUSED, message="400")
            return CallResult.whole(refused, len(call.records))
        if self.character.all_or_nothing and any(verdicts):
            refused = Rejected(reason=Reason.REFUSED, message="One of these records is wrong.")
            return CallResult.whole(refused, len(call.records), bisect=True)
        cut = len(call.records)
        if (
            cut > 1
            and self.character.kind is not Kind.WEBHOOK
            and self.chance.random() < self.weather.partial
        ):
            cut = self.chance.randrange(1, cut)
        limited = _deferred(Scope.CONNECTION, Reason.RATE_LIMITED, "Enough for now.")
        verdicts[cut:] = [limited] * (len(verdicts) - cut)
        for record, verdict in zip(call.records, verdicts, strict=True):
            if verdict is None:
                self._keep(call, record)
        taken = map(self._taken, call.records)
        return CallResult(outcomes=[verdict or one for verdict, one in zip(verdicts, taken, strict=True)])

    def look(self, call: Call) -> CallResult:
        """Looks records up by tracking key."""
        missing = Rejected(reason=Reason.NOT_FOUND, message="Not here.")
        return CallResult(
            outcomes=[
                self._taken(one) if one.tracking_key in self.tracked else missing for one in call.records
            ]
        )

    def upload(self, call: Call, sequence: int) -> CallResult:
        """Writes a file under its temporary name, anew each time."""
        self.uploads[sequence] = call
        return CallResult.whole(DELIVERED, len(call.records))

    def publish(self, call: Call, sequence: int) -> CallResult:
        """Renames a file to its final name; harmless when it is there already."""
        if sequence not in self.files:
            self.files[sequence] = call.id
            for record in self.uploads[sequence].records:
                self._keep(call, record)
        return CallResult.whole(DELIVERED, len(call.records))

    def _taken(self, record: CallRecord) -> Outcome:
        return Delivered(remote_id=remote_id(record.id)) if self.character.related else DELIVERED

    def _verdict(self, call: Call, record: CallRecord) -> Outcome | None:
        traits = self.traits.get(record.id)
        if traits is None or traits.step != call.step:
            return None
        if traits.bad:
            return Rejected(reason=Reason.INVALID_VALUE, message="Wrong.", fields=("Number",))
        if traits.locked_until > self.kernel.seconds and self._locks:
            return _deferred(Scope.RECORD, Reason.LOCKED, "Somebody edits this record.")
        return None

    def _keep(self, call: Call, record: CallRecord) -> None:
        self.effects.append(
            Effect(
                order=len(self.effects),
                seconds=self.kernel.seconds,
                call=call.id,
                step=call.step,
                record=record.id,
                tracking_key=record.tracking_key,
                content=orjson.dumps(record.fields),
            )
        )
        self.tracked[record.tracking_key] = self.tracked.get(record.tracking_key, 0) + 1


def content_of(call: Call) -> bytes:
    """The bytes of a call."""
    return orjson.dumps([[one.id, one.tracking_key, one.fields] for one in call.records])


def short(id_: UUID) -> str:
    """Enough of an id to follow it through a trace."""
    return id_.hex[-6:]


def summary(result: CallResult) -> str:
    """The outcomes of a call in a few letters."""
    return "".join(type(one).__name__[0:2] for one in result.outcomes)


def _deferred(scope: Scope, reason: Reason, message: str, asked: dt.timedelta | None = None) -> Deferred:
    return Deferred(scope=scope, reason=reason, message=message, retry_after=asked)


def _lost(size: int) -> CallResult:
    lost = Uncertain(reason=Reason.ANSWER_LOST, message="No answer.")
    return CallResult.whole(lost, size)
