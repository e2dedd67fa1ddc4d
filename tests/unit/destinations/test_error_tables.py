"""Every code that a vendor documents is a row: with a source, a plain message, and a next step.

The step after a lost answer is the operation's, so such rows need not name one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from formlane.destinations.jira import errors as jira
from formlane.destinations.jira import sentences
from formlane.destinations.oauth_errors import CODES as TOKEN_CODES
from formlane.destinations.salesforce import errors as salesforce
from formlane.destinations.servicenow import answers as servicenow_answers
from formlane.destinations.servicenow import errors as servicenow
from formlane.destinations.servicenow.items import Reply
from formlane.destinations.sfmc import errors as sfmc
from formlane.domain.outcomes import Reason

UNIT = Path(__file__).parents[1]
BY_ITSELF = re.compile(r"(?:tried|asked|checked) again|follows by itself|found out first")
FOR_A_PERSON = re.compile(
    r"\b(?:Ask|Check|Choose|Complete|Correct|Create|Enable|Enter|Exempt|Fill|Give|Grant|Have|Let|Log in|Map|"
    r"Merge|Publish|Put|Replace|Report|Restore|See|Set|Shorten|Switch|Use)\b"
)


class Row(Protocol):
    """What the rows of all tables have."""

    @property
    def reason(self) -> Reason: ...

    @property
    def verdict(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def source(self) -> str: ...


def listed(kind: str) -> Any:
    """The codes of a vendor's documentation, as kept beside the tests of its table."""
    path = UNIT / f"destinations_{kind}" / "codes.json"
    return json.loads(path.read_text(encoding="utf-8"))


def words(kind: str, name: str = "codes.txt") -> list[str]:
    return (UNIT / f"destinations_{kind}" / name).read_text(encoding="utf-8").split()


def salesforce_rows() -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for code in words("salesforce"):
        row = salesforce.row_of(code.replace("*", "ANYTHING"))
        assert row is not None, code
        rows[code] = row
    return rows | {str(status): salesforce.row_of_status(status) for status in salesforce.STATUSES}


def sfmc_rows() -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for at, one in enumerate(listed("sfmc")):
        name = f"{at} {one['table']} {one['status']} {one['code']}"
        match one["table"]:
            case "token":
                continue
            case "result":
                rows[name] = sfmc.result_row([one["code"]], one["text"])
            case "soap":
                rows[name] = sfmc.soap_row(one["text"])
            case table:
                first = sfmc.EVENTS if table == "event" else ()
                attempt = one.get("attempt", 1)
                rows[name] = sfmc.answer_row(
                    one["status"], one["code"], one["text"], attempt=attempt, first=first
                )
    return rows


def servicenow_rows() -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for at, one in enumerate(listed("servicenow")):
        rows[f"{at} {one['code']}"] = servicenow_row(one)
    return rows


def servicenow_row(one: Mapping[str, Any]) -> servicenow.Row:
    if "import" in one:
        return servicenow.import_row(one["import"], one.get("message", ""))
    if "status" not in one:
        return servicenow.LOCAL[one["code"]]
    document = {"error": {"message": one.get("message"), "detail": one.get("detail")}}
    body = one.get("body") or (json.dumps(document) if "message" in one else "")
    headers = {"Content-Type": one.get("type", "application/json;charset=UTF-8"), **one.get("headers", {})}
    return servicenow_answers.row_for(Reply(status=one["status"], body=body.encode(), headers=headers))


def jira_rows() -> Mapping[str, Row]:
    codes = listed("jira")
    rows: dict[str, Row] = {code: jira.ANSWERS[code] for code in codes["answers"]}
    rows |= {text: sentences.row_of("customfield_1", text) for text in codes["sentences"]}
    rows |= {
        f"{field}: {text}": sentences.row_of(field, text) for field, text, _ in codes["sentences_by_field"]
    }
    return rows


TABLES = {
    "salesforce": salesforce_rows(),
    "sfmc": sfmc_rows(),
    "servicenow": servicenow_rows(),
    "jira": jira_rows(),
}
EVERY = [(kind, code) for kind, rows in TABLES.items() for code in rows]


@pytest.mark.parametrize(("kind", "code"), EVERY, ids=[f"{kind}: {code}"[:80] for kind, code in EVERY])
def test_a_documented_code_is_a_row_with_source_message_and_next_step(kind: str, code: str) -> None:
    row = TABLES[kind][code]
    assert row.source
    assert isinstance(row.reason, Reason)
    assert re.match(r"[A-Z]", row.text), row.text
    assert row.text.endswith("."), row.text
    assert "  " not in row.text
    next_step = BY_ITSELF.search(row.text) or FOR_A_PERSON.search(row.text)
    assert next_step or row.verdict == "uncertain", row.text


def test_each_vendor_has_its_list() -> None:
    assert {kind: len(rows) > 20 for kind, rows in TABLES.items()} == dict.fromkeys(TABLES, True)
    folders = {path.parent.name.removeprefix("destinations_") for path in UNIT.glob("destinations_*/codes.*")}
    assert folders == set(TABLES)


@pytest.mark.parametrize(
    "code",
    sorted(
        {
            *words("salesforce", "token_codes.txt"),
            *listed("jira")["token_answers"],
            *(one["code"] for one in listed("sfmc") if one["table"] == "token" and one["code"]),
        }
    ),
)
def test_a_documented_code_of_a_token_endpoint_is_a_row(code: str) -> None:
    row = TOKEN_CODES[code]
    assert isinstance(row.reason, Reason)
    assert row.text == "" or row.text.endswith(".")
