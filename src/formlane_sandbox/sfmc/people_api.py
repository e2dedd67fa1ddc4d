"""Contacts and journeys over REST.

Source: Marketing Cloud REST reference, "Contacts", "Journey Builder". The member `rowsAffetcted` is spelt so.
"""

from __future__ import annotations

import uuid

import msgspec

from formlane_sandbox.sfmc.answers import INVALID, MISSING, Answer, document, refused
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.contacts import AttributeSet
from formlane_sandbox.sfmc.state import State

_MEMBERS_MOST = 100


class Journeys:
    """The handlers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def contact(self, call: Call) -> Answer:
        """POST creates, PATCH updates; always 200, an error shows in `hasErrors`."""
        given = _object(call)
        key = _text(given, "contactKey")
        sets = _sets(given.get("attributeSets", []))
        known = key in self._state.people.contacts
        if known is (call.method == "POST"):
            text = f"The contact key {key} {'already exists' if known else 'does not exist'}."
            return document(_contact_answer(key, 0, new=False, error=text))
        contact, new = self._state.people.establish(key)
        self._state.people.write(contact, sets)
        return document(_contact_answer(key, contact.id, new=new))

    def establish(self, call: Call) -> Answer:
        """Numbers for contact keys, made where there was none."""
        keys = _object(call).get("contactKeys")
        found = [
            self._state.people.establish(str(key))[0] for key in (keys if isinstance(keys, list) else [])
        ]
        items = [{"contactReference": {"contactKey": one.key, "contactID": one.id}} for one in found]
        return document({"items": items, "count": len(items), "requestServiceMessageID": str(uuid.uuid4())})

    def event(self, call: Call) -> Answer:
        """One entry; 201. Every call enters anew."""
        given = _object(call)
        key, definition = _text(given, "contactkey"), self._definition(given)
        data = given.get("data", {})
        entry = self._state.people.enter(key, definition, data if isinstance(data, dict) else {})
        return document({"eventInstanceId": entry.id}, 201, rows=1)

    def events(self, call: Call) -> Answer:
        """Up to 100 entries; answers in their order."""
        given = _object(call)
        definition, members = self._definition(given), given.get("members")
        if not isinstance(members, list) or not 1 <= len(members) <= _MEMBERS_MOST:
            raise refused(400, f"members must hold 1 to {_MEMBERS_MOST} contacts.", INVALID)
        answers = [self._member(definition, member) for member in members]
        lost = sum("errorMessage" in answer for answer in answers)
        body = {"requestId": str(uuid.uuid4()), "count": len(answers), "notQueuedCount": lost}
        return document({**body, "members": answers}, 201, rows=len(answers))

    def _member(self, definition: str, member: object) -> dict[str, object]:
        given = member if isinstance(member, dict) else {}
        key, data = given.get("contactKey"), given.get("data", {})
        if not isinstance(key, str) or not key:
            return {"contactKey": key, "errorMessage": "contactKey is required."}
        self._state.people.enter(key, definition, data if isinstance(data, dict) else {})
        return {"contactKey": key}

    def _definition(self, given: dict[str, object]) -> str:
        definition = _text(given, "eventdefinitionkey")
        if definition not in self._state.people.definitions:
            raise refused(400, f"The event definition key {definition} was not found.", INVALID)
        return definition


def _object(call: Call) -> dict[str, object]:
    """The body with the names of its first level in lower case, next to those that were given."""
    content = call.content()
    if not isinstance(content, dict):
        raise refused(400, "An object is expected.", INVALID)
    return {**{str(name).lower(): value for name, value in content.items()}, **content}


def _sets(given: object) -> list[AttributeSet]:
    try:
        return msgspec.convert(given, list[AttributeSet])
    except msgspec.ValidationError as error:
        raise refused(400, f"attributeSets is not valid: {error}", INVALID) from error


def _text(given: dict[str, object], name: str) -> str:
    value = given.get(name, given.get(name.lower()))
    if not isinstance(value, str) or not value:
        raise refused(400, f"{name} is required.", MISSING)
    return value


def _contact_answer(key: str, number: int, *, new: bool, error: str = "") -> dict[str, object]:
    failed = bool(error)
    messages = [{"resultType": "Error", "resultClass": "Error", "resultCode": "Contact", "message": error}]
    return {
        "operationStatus": "Error" if failed else "OK",
        "rowsAffetcted": 0 if failed else 1,
        "contactKey": key,
        "contactId": number,
        "contactTypeID": 0,
        "isNewContactKey": new,
        "requestServiceMessageID": str(uuid.uuid4()),
        "hasErrors": failed,
        "resultMessages": messages if failed else [],
        "serviceMessageID": str(uuid.uuid4()),
    }
