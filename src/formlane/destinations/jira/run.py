"""One call on its way: what is sent, what is known of it so far, and how records become request bodies."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from formlane.destinations.base import Call, CallRecord, CallResult
from formlane.domain.outcomes import Blocked, Deferred, Outcome, Reason, Rejected, Scope, Uncertain
from formlane.domain.types import Json

from .client import JiraClient, Refused
from .fields import KEY
from .screens import Screen, Screens
from .sentences import Complaint, changed_type, find_fault
from .trace import Trace
from .values import Shape, Unfit, Write

PROPERTY: Final = "formlane.record"
"""Entity property that holds the tracking key: proof that an issue is ours, once it is found."""

_NOT_ENCODABLE: Final = Rejected(
    reason=Reason.NOT_ENCODABLE, message="A value cannot be written as JSON text. Correct it, then replay."
)


@dataclass(slots=True, kw_only=True)
class Run:
    """One call. `outcomes` by position; every position has one in the end."""

    call: Call
    client: JiraClient
    screens: Screens
    screen: Screen
    trace: Trace
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    bisect: bool = False
    halted: Outcome | None = None
    """A trouble of the whole connection: nothing more is sent."""
    _writers: Mapping[str, Write] = field(init=False)

    def __post_init__(self) -> None:
        self._writers = {name: one.write for name, one in self.screen.fields.items()}

    def record(self, position: int) -> CallRecord:
        """The record at a position of the call."""
        return self.call.records[position]

    def open_positions(self) -> list[int]:
        """Positions that have no outcome yet."""
        return [position for position in range(len(self.call.records)) if position not in self.outcomes]

    def settle(self, positions: Iterable[int], outcome: Outcome) -> None:
        """The same outcome for each; a trouble of more than a record, or a lost answer, halts the rest."""
        wide = isinstance(outcome, Deferred | Blocked) and outcome.scope is not Scope.RECORD
        if wide or isinstance(outcome, Uncertain):
            self.halted = self.halted or outcome
        for position in positions:
            self.outcomes[position] = outcome

    def result(self) -> CallResult:
        """What is known now. What has no outcome was not sent because of what halted the call."""
        size = range(len(self.call.records))
        outcomes = [self.outcomes.get(position) or self.halted for position in size]
        assert None not in outcomes
        return CallResult(
            outcomes=[one for one in outcomes if one is not None],
            exchange=self.trace.exchange(),
            bisect=self.bisect and len(outcomes) > 1,
        )

    def written(self, record: CallRecord) -> dict[str, Json]:
        """The fields of a record as Jira takes them, without the key of its issue. Raises `Unfit`."""
        writers, written, name = self._writers, dict[str, Json](), ""
        try:
            for name, value in record.fields.items():
                written[name] = writers[name](value)
        except Unfit as unfit:
            raise Unfit(f"{self.screen.labels[name]} ({name}) {unfit}, then replay.") from None
        written.pop(KEY, None)
        return written

    def encoded(self, bodies: Mapping[int, Mapping[str, Json]]) -> dict[int, bytes]:
        """Each body as JSON; what JSON cannot hold is settled and left out."""
        texts: dict[int, bytes] = {}
        for position, body in bodies.items():
            text = encode(body)
            if text is None:
                self.outcomes[position] = _NOT_ENCODABLE
            else:
                texts[position] = text
        return texts

    def unfit(self, position: int, unfit: Unfit) -> None:
        """A value of the record at a position cannot be written."""
        self.outcomes[position] = Rejected(reason=Reason.CONVERSION_FAILED, message=str(unfit))

    async def complain(self, complaints: Mapping[int, Complaint]) -> None:
        """Settles records that Jira finds fault with.

        Where the type of a field may have changed, its screen is asked for once and compared.
        """
        mapped, labels = self.call.columns, self.screen.labels
        findings = {
            position: find_fault(complaint, mapped=mapped or self.record(position).fields, labels=labels)
            for position, complaint in complaints.items()
        }
        suspects = frozenset[str]().union(*(finding.recheck for finding in findings.values()))
        changed = await self._changed(suspects) if suspects else frozenset()
        for position, finding in findings.items():
            names = finding.recheck & changed
            outcome: Outcome = finding.outcome
            if names and isinstance(outcome, Rejected):
                outcome = changed_type(names, labels, outcome.vendor_text)
            self.outcomes[position] = outcome

    async def _changed(self, names: Collection[str]) -> frozenset[str]:
        """Those of the fields whose shape is another than when the values were written."""
        before = self._shapes(self.screen, names)
        now = await self.screens.screen(self.call.object, self.trace, newer_than=self.screen.asked_at)
        if isinstance(now, Refused):
            return frozenset()
        after = self._shapes(now, names)
        return frozenset(name for name in names if before[name] != after[name])

    def _shapes(self, screen: Screen, names: Collection[str]) -> Mapping[str, Shape | None]:
        found = ((name, screen.fields.get(name)) for name in names)
        return {name: None if one is None else one.shape for name, one in found}


def encode(value: object) -> bytes | None:
    """A value as JSON; None if JSON cannot hold it."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        pass
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError):
        return None


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
