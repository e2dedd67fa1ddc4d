"""One destination as the suite sees it: a running server, a connector to it, and a hand on its troubles."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid4, uuid5

from formlane.destinations.base import (
    Call,
    CallRecord,
    CallResult,
    Connector,
    Destination,
    OperationSpec,
    Resend,
)
from formlane.domain.flows import NoMatch, Operation
from formlane.domain.outcomes import Delivered, Outcome, Pending, Reason, Scope, Uncertain
from formlane.domain.types import FieldType, Json
from tests.contract.destinations.stand_ins import KeptJournal
from tests.contract.destinations.suite.equipment import RecordedTokens


class Trouble(StrEnum):
    """What can go wrong at a place. Those of `DOUBTFUL` leave open whether the records were written."""

    LIMIT = "limit"  # too many calls; the answer says how long to wait
    LIMIT_UNTIMED = "limit_untimed"  # the same without a word on when
    QUOTA = "quota"  # the day's calls are used up
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"  # nobody listens
    SERVER_ERROR = "server_error"  # an error of the server, nothing written
    LOST_ANSWER = "lost_answer"  # written, then the connection breaks
    LOST_REQUEST = "lost_request"  # the connection breaks, nothing written
    SLOW = "slow"  # written, and the answer comes after the deadline
    REVOKED = "revoked"  # the credentials no longer hold
    FORBIDDEN = "forbidden"  # the account lacks a right
    ONE_LOCKED = "one_locked"  # the second record is held by somebody else
    FIELD_GONE = "field_gone"  # dropped between describe and send
    OBJECT_GONE = "object_gone"  # likewise


WRITTEN = frozenset({Trouble.LOST_ANSWER, Trouble.SLOW})
"""The records are there although nobody said so."""

PERSISTENT = frozenset({Trouble.REVOKED, Trouble.FIELD_GONE, Trouble.OBJECT_GONE, Trouble.UNREACHABLE})
"""These stay until somebody mends them."""

REMOTE_ID = "remote id"

HASTE = 0.02
"""`time_scale` where a deadline is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of a call that meets a trouble. `wait`: the destination's word, or the kind's own."""

    outcome: type[Outcome]
    reason: Reason
    scope: Scope | None = None
    wait: dt.timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record that is never accepted: what it has instead of a good one's values, and what is said of it."""

    values: Mapping[str, Json]
    reason: Reason
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the suite writes to. `key` names a record, `text` and `line` hold long and short text.

    `removed` can be taken away: by the trouble FIELD_GONE.
    """

    object: str
    key: str
    text: str
    line: str
    number: str
    types: Mapping[str, FieldType]
    extra: Mapping[str, Json] = field(default_factory=dict)
    text_limit: int | None = None
    line_limit: int | None = None
    removed: str = ""
    match: str | None = None
    tracking: str | None = None

    def record(self, key: str, **values: Json) -> dict[str, Json]:
        """A record that is accepted."""
        return {self.key: key, self.line: f"Line {key}", self.text: f"Text of {key}", **self.extra, **values}


class Place(Protocol):
    """A server with its connector; made anew for each test.

    `expected` holds the troubles that can be had here. `renews`: access tokens end and are renewed.
    `remote_ids`: a delivered record has an identity there.
    """

    name: str
    destination: Destination
    operation: Operation
    target: Target
    refused: Refused
    expected: Mapping[Trouble, Expected]
    renews: bool
    remote_ids: bool
    connector: Connector
    secrets: Mapping[str, str]
    settings: Mapping[str, Json]
    options: Mapping[str, Json]
    tokens: RecordedTokens

    def running(self, *, time_scale: float = 1.0) -> AbstractAsyncContextManager[object]:
        """The server started and the connector made."""
        ...

    async def arm(self, trouble: Trouble) -> None:
        """The next write meets it; those of `PERSISTENT` and every one after."""
        ...

    def expire_tokens(self) -> None:
        """Access tokens given so far end; only where `renews`."""
        ...

    def later(self, wait: dt.timedelta) -> None:
        """Both clocks go on."""
        ...

    def held(self) -> Sequence[Mapping[str, object]]:
        """The records that arrived, by target fields; texts as `str`, empty ones as "" or absent.

        `REMOTE_ID` is the identity that is told of each.
        """
        ...

    def state(self) -> object:
        """All that the server holds, to be compared."""
        ...

    def met(self) -> int:
        """How many troubles were met so far."""
        ...

    def mend(self) -> None:
        """Takes back what was armed."""
        ...

    def echo(self, text: str) -> bool:
        """The next write is refused with this text in the answer. False where no answer holds text."""
        ...

    def ports(self) -> Collection[int]:
        """Where it listens."""
        ...

    def journal(self) -> KeptJournal:
        """For a new call."""
        ...


def keys(place: Place) -> list[str]:
    """Names of the records that arrived, in order."""
    return [str(one[place.target.key]) for one in place.held()]


def call_of(
    place: Place,
    records: Sequence[Mapping[str, Json]],
    *,
    operation: Operation | None = None,
    bulk: bool = False,
    attempt: int = 1,
    no_match: NoMatch = NoMatch.REJECT,
    tracking: str | None = None,
    match: str | None = None,
    object_name: str | None = None,
) -> Call:
    """A call as the worker cuts it; the same records give the same call."""
    target = place.target
    operation = operation or place.operation
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    tracking = tracking or target.tracking
    match = None if operation is Operation.INSERT else match or target.match
    identity = repr([operation, *(dict(record) for record in records)])
    call_id = uuid5(NAMESPACE_URL, identity.encode("utf-8", "backslashreplace").decode())
    return Call(
        id=call_id,
        object=object_name or target.object,
        operation=operation,
        records=[
            CallRecord(f"{call_id}:{at}", f"fl{call_id.hex[:20]}{at:04}" if tracking else "", record)
            for at, record in enumerate(records)
        ],
        columns=columns,
        types=tuple(target.types.get(name, FieldType.STRING) for name in columns),
        match_key=() if match is None else (match,),
        no_match=no_match,
        tracking_field=tracking,
        options=place.destination.validate_step(object_name or target.object, place.options),
        attempt=attempt,
        names={"tenant": "Acme", "flow": "leads", "form": "contact"},
        bulk=bulk,
    )


async def finish(place: Place, call: Call, journal: KeptJournal | None = None) -> CallResult:
    """Sends, asks again as long later as was asked for, and halves what is to be halved."""
    journal = journal or place.journal()
    for _ in range(20):
        result = await place.connector.send(call, journal)
        pending = next((one for one in result.outcomes if isinstance(one, Pending)), None)
        if pending is None:
            return await _halved(place, call) if result.bisect else result
        place.later(pending.check_after)
    raise AssertionError("still pending")


async def _halved(place: Place, call: Call) -> CallResult:
    middle = len(call.records) // 2
    assert middle, "one record cannot be halved"
    outcomes: list[Outcome] = []
    for part in (call.records[:middle], call.records[middle:]):
        outcomes += (await finish(place, replace(call, id=uuid4(), records=part))).outcomes
    return CallResult(outcomes=outcomes)


async def deliver(place: Place, records: Sequence[Mapping[str, Json]], **given: Any) -> Sequence[Outcome]:
    """What becomes of records in one call."""
    return (await finish(place, call_of(place, records, **given))).outcomes


def promise(place: Place, call: Call) -> OperationSpec:
    """The declared limits and promises of a call's operation, on this connection and step."""
    options = {**place.options, "tracking_field": call.tracking_field}
    spec = place.destination.operation(call.operation, place.settings, options)
    assert spec is not None
    return spec


async def recover(
    place: Place, call: Call, journal: KeptJournal, outcomes: Sequence[Outcome]
) -> Sequence[Outcome]:
    """What a worker does next: waits, looks where the operation says so, and sends what is missing."""
    spec = promise(place, call)
    place.later(spec.quiet)
    retry = replace(call, attempt=2)
    if any(isinstance(one, Uncertain) for one in outcomes):
        assert spec.resend is not Resend.PARK
        if spec.resend is Resend.FIND:
            found = (await place.connector.find(call)).outcomes
            if all(isinstance(one, Delivered) for one in found):
                return found
            assert [getattr(one, "reason", None) for one in found] == [Reason.NOT_FOUND] * len(found)
    return (await finish(place, retry, journal)).outcomes


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    """Names of the outcomes' classes, in order."""
    return [type(one).__name__ for one in outcomes]


def secret_texts(place: Place) -> Collection[str]:
    """Everything that must never be shown: of the connection, and what was obtained with it."""
    return {text for text in (*place.secrets.values(), *place.tokens.seen) if text}


def texts_in(value: object) -> Iterator[str]:
    """Every text in a value and in what it is made of, and its text form."""
    yield repr(value)
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from texts_in(pair)
    elif isinstance(value, Sequence):
        for one in value:
            yield from texts_in(one)
    elif is_dataclass(value):
        for part in fields(value):
            yield from texts_in(getattr(value, part.name))


def assert_nothing_secret(place: Place, *values: object) -> None:
    """No secret of the connection in any text of these values."""
    for text in texts_in(values):
        for secret in secret_texts(place):
            assert secret not in text


PLAIN = re.compile(r"[\w\"'(][^\n]*\w[.!?](\s|$)")


def assert_plain(message: str) -> None:
    """Whole sentences for a customer: no code alone, no markup, no trace, not endless."""
    assert PLAIN.match(message), message
    assert len(message.split()) >= 4, message
    assert len(message) <= 1000, message
    assert not re.search(r"<\w+[ />]|Traceback|\bNone\b|\{\w*\}|0x[0-9a-f]{6}", message), message
