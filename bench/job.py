"""The job of every contender: twelve fields of a form, mapped for a CRM, two of them by expressions."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, Final

import orjson

from formlane.domain.flows import FlowDefinition
from formlane.mapping.codec import definition_from_json

Record = dict[str, Any]

COUNTRIES: Final = (
    "Germany",
    "France",
    "Spain",
    "Italy",
    "Poland",
    "Sweden",
    "Norway",
    "Austria",
    "Belgium",
    "Ireland",
)
MESSAGE: Final = (
    "Hello, I would like to know more about your product and the price for 250 seats, please call me back"
    " next week in the morning. More details about the request follow here."
)
SENT_AT: Final = 1111111111.111111
"""Stands where the moment of sending is written in just before a body goes out, digit for digit."""

_SENT_AT_TEXT: Final = b"1111111111.111111"


def record(number: int) -> Record:
    """One submission. Everybody has an address of his own, as people do."""
    return {
        "submission_id": f"{number:08x}-7f0d-4b2e-9d7b-2f6f0c6f3a55",
        "form_id": "contact-us",
        "first_name": "  maria ",
        "last_name": "garcia smith ",
        "email": f" Maria.Garcia.{number}@Example.COM ",
        "phone": "+1 (555) 010-2345",
        "country": COUNTRIES[number % 10],
        "birth_date": "" if number % 10 == 9 else _birth_date(number),
        "employees": "250",
        "consent": "true" if number % 2 else "false",
        "message": MESSAGE,
        "sent_at": SENT_AT,
    }


def body(start: int, count: int) -> bytes:
    """A request's body, to be stamped before it is sent."""
    return orjson.dumps({"records": [record(number) for number in range(start, start + count)]})


def stamp(unstamped: bytes, now: float) -> bytes:
    """The same body, sent now. Its length does not change."""
    return unstamped.replace(_SENT_AT_TEXT, b"%.6f" % now)


def mapped_by_hand(source: Record) -> Record:
    """What a programmer would write for this job, and nothing more: no checks, no messages."""
    born = source["birth_date"]
    first, last = source["first_name"].strip(), source["last_name"].strip()
    return {
        "ExternalId__c": source["submission_id"],
        "Form__c": source["form_id"],
        "Name": f"{first} {last}".title(),
        "LastName": last,
        "Email": source["email"].strip().lower(),
        "Phone": source["phone"],
        "Country": source["country"],
        "Birthdate": dt.date.fromisoformat(born).strftime("%d/%m/%Y") if born else "",
        "Employees": int(source["employees"]),
        "OptIn__c": source["consent"] == "true",
        "Description": source["message"][:255],
        "SentAt__c": source["sent_at"],
    }


def flow_definition(*, keyed: bool = False) -> FlowDefinition:
    """The job as a flow. `keyed`: order per person is kept, so batches are split over lanes."""
    document = {
        "inputs": [{"name": name, "type": kind} for name, kind in _INPUTS.items()],
        "steps": [{"name": "contact", "object": "call", "operation": "insert", "mapping": _mapping()}],
    }
    if keyed:
        document["key_input"] = {"inputs": ["email"], "normalisers": ["lower"]}
    return definition_from_json(FlowDefinition, json.loads(json.dumps(document)))


_INPUTS: Final = {
    "submission_id": "string",
    "form_id": "string",
    "first_name": "string",
    "last_name": "string",
    "email": "email",
    "phone": "phone",
    "country": "string",
    "birth_date": "date",
    "employees": "integer",
    "consent": "boolean",
    "message": "text",
    "sent_at": "decimal",
}


def _mapping() -> list[Record]:
    def line(target: str, source: Record, kind: str = "string", **more: object) -> Record:
        return {"target": target, "type": kind, "source": source, **more}

    def given(name: str) -> Record:
        return {"kind": "input", "input": name}

    def formula(text: str) -> Record:
        return {"kind": "formula", "formula": text}

    return [
        line("ExternalId__c", given("submission_id")),
        line("Form__c", given("form_id")),
        line("Name", formula('PROPER(TRIM(first_name) & " " & TRIM(last_name))')),
        line("LastName", formula("TRIM(last_name)")),
        line("Email", formula("LOWER(TRIM(email))"), "email"),
        line("Phone", given("phone"), "phone"),
        line("Country", given("country")),
        line("Birthdate", formula('DATE_FORMAT(birth_date, "DD/MM/YYYY")'), nulls="default", default=""),
        line("Employees", given("employees"), "integer"),
        line("OptIn__c", given("consent"), "boolean"),
        line("Description", formula("LEFT(message, 255)"), "text"),
        line("SentAt__c", given("sent_at"), "decimal"),
    ]


def _birth_date(number: int) -> str:
    return f"19{50 + number % 50:02d}-{1 + number % 12:02d}-{1 + number % 28:02d}"


Map = Callable[[Record], Record]
