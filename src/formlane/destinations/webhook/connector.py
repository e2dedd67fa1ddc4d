"""The webhook destination: posts records as JSON, and reads from the answer what became of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from yarl import URL

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    Equipment,
    Exchange,
    FieldInfo,
    Journal,
    Level,
    Limits,
    ObjectInfo,
    OperationSpec,
    Resend,
)
from formlane.destinations.http import Answer, Failure
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.destinations.redaction import SHORT, exchange_of, kept_text
from formlane.destinations.retry_after import wait_asked_for
from formlane.destinations.settings import read_settings, whole
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Outcome, Reason, Rejected
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

from .body import LARGEST_BODY, Message, message_of
from .checking import check_endpoint
from .client import WebhookClient
from .config import SETTINGS, Body, WebhookSettings, open_settings, validate
from .errors import Row, outcome_of, row_for, row_of

OBJECT: Final = "call"
"""The one thing a webhook offers."""

DEADLINE: Final = dt.timedelta(seconds=75)
"""For a whole call: the longest time limit of a request, and time for what is around it."""

KEPT: Final = 16 * 1024
"""Characters of an answer that are kept with the attempt."""

MOST_RECORDS: Final = 1000
MOST_BYTES: Final = 1024 * 1024

_NOT_ENCODABLE = Rejected(
    reason=Reason.NOT_ENCODABLE, message="A value cannot be written as JSON text. Correct it, then replay."
)


class WebhookConnector:
    """One receiver. Remembers how often in a row the same trouble came, and nothing else."""

    def __init__(self, equipment: Equipment) -> None:
        self._settings: WebhookSettings = open_settings(equipment.settings, equipment.secrets)
        self._equipment = equipment
        self._client = WebhookClient(self._settings, equipment)
        self._trouble: object = None
        self._in_a_row = 0

    async def check(self) -> CheckReport:
        """Address, name, and an OPTIONS request with the credentials; no message is sent."""
        return await check_endpoint(self._settings, self._client, self._equipment)

    async def objects(self) -> Sequence[ObjectInfo]:
        """The call: any field may be written."""
        return [
            ObjectInfo(name=OBJECT, label="Webhook call", operations=(Operation.INSERT,), open_fields=True)
        ]

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """None are fixed."""
        return []

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Posts the records as one request: same call, same bytes, same message id.

        A request that was refused as a whole is marked for splitting where its status says so.
        """
        message = message_of(call, self._settings.body)
        outcomes: list[Outcome] = [_NOT_ENCODABLE] * len(call.records)
        if not message.positions:
            return CallResult(outcomes=outcomes)
        outcome, exchange, bisect = await self._send_one(message, call.attempt)
        for position in message.positions:
            outcomes[position] = outcome
        return CallResult(outcomes=outcomes, exchange=exchange, bisect=bisect)

    async def find(self, call: Call) -> CallResult:
        """Never asked: a lost call is sent again, and the receiver knows it by its id."""
        raise NotImplementedError

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Never asked: there is nothing to look at."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the pool."""
        await self._client.close()

    async def _send_one(self, message: Message, attempt: int) -> tuple[Outcome, Exchange, bool]:
        if len(message.body) > LARGEST_BODY:
            too_large = row_of(413)
            outcome = outcome_of(too_large, text="", code="too_large", vendor_text=None, retry_after=None)
            return outcome, Exchange(request=self._request_line(message, attempt)), len(message.positions) > 1
        result = await self._client.post(message, attempt=attempt)
        if not isinstance(result, Answer | Failure):
            line = self._request_line(message, attempt)
            return result, Exchange(request=f"{line}: not sent", response=result.message), False
        row = self._row(result)
        exchange = self._exchange(message, attempt, result)
        outcome = DELIVERED if row is None else self._outcome(row, result, exchange.response)
        return outcome, exchange, row is not None and row.bisect and len(message.positions) > 1

    def _row(self, result: Answer | Failure) -> Row | None:
        """The row that holds, None for delivered; counts what comes in a row."""
        key = result.status if isinstance(result, Answer) else result.fault
        success = isinstance(key, int) and (
            200 <= key < 300 or (key == 409 and self._settings.conflict_is_success)
        )
        self._in_a_row = self._in_a_row + 1 if key == self._trouble and not success else 1
        self._trouble = None if success else key
        if success:
            return None
        return row_for(result if isinstance(result, Failure) else result.status, in_a_row=self._in_a_row)

    def _outcome(self, row: Row, result: Answer | Failure, response: str) -> Outcome:
        if isinstance(result, Failure):
            return outcome_of(
                row, text=result.sentence, code=result.fault, vendor_text=None, retry_after=None
            )
        return outcome_of(
            row,
            text=f"HTTP {result.status}.",
            code=str(result.status),
            vendor_text=response[:SHORT] or None,
            retry_after=wait_asked_for(result.headers, now=self._equipment.clock.now()),
        )

    def _exchange(self, message: Message, attempt: int, result: Answer | Failure) -> Exchange:
        line, secrets = self._request_line(message, attempt), self._client.secrets
        good = result.status is not None and 200 <= result.status < 300
        kept = exchange_of(line, result, secrets, good=good, most=KEPT)
        if isinstance(result, Failure):
            return kept
        text = "" if b"\x00" in result.body[:KEPT] else kept.response
        if 300 <= result.status < 400:
            text = f"Location: {kept_text(result.headers.get('Location', ''), secrets)}\n{text}"
        return replace(kept, response=text)

    def _request_line(self, message: Message, attempt: int) -> str:
        size = f"{len(message.positions)} records, {len(message.body)} bytes"
        return f"POST {_shown(self._settings.url)} ({size}, {message.id}, attempt {attempt})"


def _shown(url: URL) -> str:
    """The address without the values of its query."""
    return str(url.with_query([(name, "***") for name in url.query])) if url.query else str(url)


def validate_step(name: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """A step writes a call, and has no options."""
    if name != OBJECT:
        raise InvalidInput(
            "The step cannot be saved.", [Problem("/object", "unknown", f"A webhook offers {OBJECT!r} only.")]
        )
    return read_settings((), options, at="/options")


def _tune(spec: OperationSpec, settings: Mapping[str, Json], _options: Mapping[str, Json]) -> OperationSpec:
    """One call is one request: of one record, or of a batch."""
    values = read_settings(SETTINGS, settings)
    size = 1 if values["body"] == Body.SINGLE else whole(values["batch_size"])
    return replace(spec, max_records=size)


WEBHOOK = Destination(
    kind="webhook",
    label="Webhook",
    summary="Signed JSON to an address of yours.",
    settings=SETTINGS,
    operations=(
        OperationSpec(
            operation=Operation.INSERT,
            resend=Resend.RESEND_SAFE,
            max_records=MOST_RECORDS,
            max_bytes=MOST_BYTES,
            deadline=DEADLINE,
            keeps_order=True,
        ),
    ),
    connect=WebhookConnector,
    validate=validate,
    validate_step=validate_step,
    tune=_tune,
    limits=Limits(rate=50.0, burst=50, concurrency=4),
    level=Level.DEPENDABLE,
)
