"""Contacts by contact key, and entries into journeys: one request per record, one after another.

A contact is written by its key, so the same again changes nothing. An entry event is not: fired twice, the
contact enters twice, and the vendor offers no way to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from formlane.destinations.base import Call, CallRecord, CallResult, Equipment, Exchange
from formlane.destinations.http import Answer
from formlane.destinations.redaction import kept_text
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Scope, Uncertain
from formlane.domain.types import Json

from .answers import exchange_with, read_trouble, trouble_outcome
from .client import Reply, SfmcClient
from .config import SfmcSettings
from .errors import EVENTS as ANSWERS_TO_EVENTS
from .objects import CONTACT_KEY, EVENT_CONTACT, Writes, event_key, writes_of
from .verdicts import Row

CONTACTS: Final = "contacts/v1/contacts"
EVENTS: Final = "interaction/v1/events"

_WAITS: Final = Deferred(
    scope=Scope.RECORD,
    reason=Reason.NETWORK,
    message="An earlier record of the same call got no answer. This one was not sent; it is tried by itself.",
)


class PeopleWriter:
    """Writes contacts and entry events of one account."""

    def __init__(self, client: SfmcClient, settings: SfmcSettings, equipment: Equipment) -> None:
        self._client = client
        self._settings = settings
        self._clock = equipment.clock

    async def send(self, call: Call) -> CallResult:
        """Writes record by record; after the first that did not get through, the rest wait."""
        is_contact = writes_of(call.object) is Writes.CONTACT
        blocked = _contact_fault(call, self._settings) if is_contact else _event_fault(call, self._settings)
        if blocked is not None:
            return CallResult.whole(blocked, len(call.records))
        outcomes: list[Outcome] = []
        exchange = Exchange()
        for record in call.records:
            outcome, exchange = await (self._contact(record) if is_contact else self._event(call, record))
            outcomes.append(outcome)
            if isinstance(outcome, Deferred | Blocked | Uncertain):
                rest = _WAITS if isinstance(outcome, Uncertain) else outcome
                outcomes += [rest] * (len(call.records) - len(outcomes))
                break
        return CallResult(outcomes=outcomes, exchange=exchange)

    async def _contact(self, record: CallRecord) -> tuple[Outcome, Exchange]:
        key = record.fields.get(CONTACT_KEY)
        if not key:
            return _lacks(CONTACT_KEY), Exchange()
        body = _encoded({"contactKey": str(key), "attributeSets": _attribute_sets(record.fields)})
        if isinstance(body, Rejected):
            return body, Exchange()
        reply, method = await self._client.rest("POST", CONTACTS, body), "POST"
        if isinstance(reply, Answer) and (reply.status == 400 or _has_errors(reply)):
            reply, method = await self._client.rest("PATCH", CONTACTS, body), "PATCH"
        exchange = self._exchange(f"{method} /{CONTACTS} ({len(body)} bytes)", reply)
        if not isinstance(reply, Answer) or reply.status != 200:
            return self._outcome(reply), exchange
        if not _has_errors(reply):
            return Delivered(remote_id=str(key)), exchange
        text = " ".join(read_trouble(reply.body).messages)
        shown = kept_text(text, (self._settings.client_secret,))
        message = "Marketing Cloud refuses the contact. Correct the record, then replay."
        return Rejected(reason=Reason.INVALID_VALUE, message=message, vendor_text=shown or None), exchange

    async def _event(self, call: Call, record: CallRecord) -> tuple[Outcome, Exchange]:
        key = record.fields.get(EVENT_CONTACT)
        if not key:
            return _lacks(EVENT_CONTACT), Exchange()
        data = {name: value for name, value in record.fields.items() if name != EVENT_CONTACT}
        body = _encoded({EVENT_CONTACT: str(key), "EventDefinitionKey": event_key(call.object), "Data": data})
        if isinstance(body, Rejected):
            return body, Exchange()
        reply = await self._client.rest("POST", EVENTS, body)
        exchange = self._exchange(f"POST /{EVENTS} ({len(body)} bytes)", reply)
        if isinstance(reply, Answer) and reply.status in (200, 201) and (instance := _instance(reply)):
            return Delivered(remote_id=instance), exchange
        return self._outcome(reply, ANSWERS_TO_EVENTS), exchange

    def _outcome(self, reply: Reply, first: Sequence[Row] = ()) -> Outcome:
        now = self._clock.now()
        return trouble_outcome(reply, secret=self._settings.client_secret, now=now, first=first)[0]

    def _exchange(self, line: str, reply: Reply) -> Exchange:
        return exchange_with(line, reply, self._settings.client_secret)


def _contact_fault(call: Call, settings: SfmcSettings) -> Blocked | None:
    if not settings.contacts:
        return _misconfigured("The connection does not offer contacts. Switch them on there.")
    if call.operation is not Operation.UPSERT or tuple(call.match_key) != (CONTACT_KEY,):
        return _misconfigured(f"Contacts are written by upsert with the match key {CONTACT_KEY}.")
    if wrong := [name for name in call.columns if name != CONTACT_KEY and not all(name.partition("."))]:
        return _misconfigured(
            f"{', '.join(wrong)}: name a contact's attribute with its set, as Email Addresses.Email Address."
        )
    return None


def _event_fault(call: Call, settings: SfmcSettings) -> Blocked | None:
    if event_key(call.object) not in settings.journey_events:
        return _misconfigured(
            f"The connection does not offer {call.object}. Add its key to the entry events."
        )
    if call.operation is not Operation.INSERT:
        return _misconfigured("Entry events can only be inserted.")
    if call.tracking_field is not None:
        return _misconfigured(
            "An entry event cannot be looked up by a tracking key. Remove the tracking field of the step."
        )
    return None


def _misconfigured(message: str) -> Blocked:
    return Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.CONFIGURATION, message=message)


def _lacks(name: str) -> Rejected:
    return Rejected(
        reason=Reason.MISSING_REQUIRED, message=f"{name} is empty. Fill it, then replay.", fields=(name,)
    )


def _encoded(document: Json) -> bytes | Rejected:
    try:
        return orjson.dumps(document, default=dict)
    except TypeError:
        return Rejected(
            reason=Reason.NOT_ENCODABLE,
            message="A value cannot be written as JSON text. Correct it, then replay.",
        )


def _attribute_sets(fields: Mapping[str, Json]) -> list[Json]:
    """Fields named `Set.Attribute`, gathered by set; a null is left out."""
    sets: dict[str, list[Json]] = {}
    for name, value in fields.items():
        if name != CONTACT_KEY and value is not None:
            group, _, attribute = name.partition(".")
            sets.setdefault(group, []).append({"name": attribute, "value": value})
    return [{"name": group, "items": [{"values": values}]} for group, values in sets.items()]


def _members(reply: Answer) -> Mapping[str, object]:
    try:
        said = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _has_errors(reply: Answer) -> bool:
    """Whether a contact was not written although the status says so; what is unreadable counts as that."""
    return reply.status == 200 and _members(reply).get("hasErrors", True) is not False


def _instance(reply: Answer) -> str | None:
    found = _members(reply).get("eventInstanceId")
    return str(found) if found else None
