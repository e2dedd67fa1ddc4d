"""What Jira says is wrong with one issue, as a table: by the field it files the error under, then by words.

Most sentences are published nowhere; they are quoted by public clients of live answers, so an unknown one
simply means a refused value. Source of the shape: Jira Cloud platform REST API v3, `ErrorCollection`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from formlane.domain.outcomes import Blocked, Reason, Scope

from .errors import Row, Trouble, Verdict, outcome_of

SHORT: Final = 300
"""Characters of Jira's words that are kept with an outcome."""

_REPAIR: Final = "Correct the record or the mapping, then replay it."


def _value(words: str, text: str = _REPAIR, *, recheck: bool = False) -> Row:
    return Row(
        code=words,
        verdict=Verdict.REJECTED,
        reason=Reason.INVALID_VALUE,
        text=text,
        source="clients",
        recheck=recheck,
    )


def _blocked(words: str, reason: Reason, text: str, *, field: str | None = None, recheck: bool = True) -> Row:
    return Row(
        code=words,
        verdict=Verdict.BLOCKED,
        reason=reason,
        text=text,
        source="clients",
        scope=Scope.FLOW_OBJECT,
        field=field,
        recheck=recheck,
    )


_GONE: Final = "Restore it in Jira, or publish a version for its successor."
_DRIFT: Final = "Put the field back on the screen in Jira, or publish a version without it."

SENTENCES: Final[tuple[Row, ...]] = (
    _blocked(
        "you cannot create issues in this project",
        Reason.PERMISSION,
        "Give the account the permission to create issues in this project.",
        field="project",
    ),
    _blocked("valid project is required", Reason.OBJECT_GONE, _GONE, field="project"),
    _blocked("specify a valid project id or key", Reason.OBJECT_GONE, _GONE, field="project"),
    _blocked("specify an issue type", Reason.OBJECT_GONE, _GONE, field="issuetype"),
    _blocked("the issue type selected is invalid", Reason.OBJECT_GONE, _GONE, field="issuetype"),
    _blocked("", Reason.OBJECT_GONE, _GONE, field="project"),
    _blocked("", Reason.OBJECT_GONE, _GONE, field="issuetype"),
    _blocked("does not exist for the field 'project'", Reason.OBJECT_GONE, _GONE),
    _blocked("does not exist for the field 'issuetype'", Reason.OBJECT_GONE, _GONE),
    _blocked("cannot be set. it is not on the appropriate screen", Reason.DRIFT, _DRIFT),
    Row(
        code="you must specify a summary",
        verdict=Verdict.REJECTED,
        reason=Reason.MISSING_REQUIRED,
        text="Complete the record, or map a default, then replay it.",
        source="v3",
    ),
    Row(
        code="is required",
        verdict=Verdict.REJECTED,
        reason=Reason.MISSING_REQUIRED,
        text="Complete the record, or map a default, then replay it.",
        source="v3",
    ),
    _value("operation value must be an atlassian document", recheck=True),
    _value("operation value must be a string", recheck=True),
    _value("operation value must be a number", recheck=True),
    _value(
        "number value expected as the sprint id", "Use the number of a sprint, then replay.", recheck=True
    ),
    _value("the entered text is too long", "Jira holds 32,767 characters. Shorten the text, then replay."),
    _value("summary must be less than 255 characters", "Shorten the summary, then replay."),
    _value("error parsing date string", "Map a date, then replay."),
    _value("error parsing time string", "Map a date with time, then replay."),
    _value("specify a valid 'id' or 'name' for", "Use a choice that the field offers, then replay."),
    _value("option value", "Use a choice that the field offers, then replay."),
    _value("contains spaces which is invalid", "Labels hold no spaces. Replace them, then replay."),
    _value("specify the priority (id or name)", "Use a priority of the project, then replay."),
    _value("component name", "Use a component of the project, then replay."),
    _value("version name", "Use a version of the project, then replay."),
    Row(
        code="specified user does not exist or you do not have required permissions",
        verdict=Verdict.REJECTED,
        reason=Reason.NOT_FOUND,
        text="Use the account id of a user who may work in the project, then replay.",
        source="clients",
    ),
    _value("cannot be assigned issues", "Use a user who may be assigned issues, then replay."),
    _value("appropriate hierarchy", "Use a parent issue of a fitting type in the same project, then replay."),
    _value("specify a valid project id or key", "Use the key of a project, then replay."),
)
"""In order: the first row whose field and words fit holds."""

OTHER: Final = _value("")
"""For a sentence that no row knows."""


class Complaint(Struct, rename="camel"):
    """What Jira says of a request or of one issue of it: sentences, and sentences by field id."""

    error_messages: list[str] = []
    errors: dict[str, str] = {}
    error_message: str = ""
    message: str = ""

    def all(self) -> list[tuple[str, str]]:
        """(field id or nothing, sentence), in Jira's order."""
        loose = [*self.error_messages, self.error_message, self.message]
        return [*self.errors.items(), *(("", text) for text in loose if text)]

    def line(self) -> str:
        """All of it in one line."""
        return "; ".join(f"{name}: {text}" if name else text for name, text in self.all())

    def text(self) -> str:
        """The same, short."""
        return self.line()[:SHORT]


def read_complaint(body: bytes) -> Complaint:
    """The complaint in an answer's body; an empty one if there is none to be read."""
    try:
        return msgspec.json.decode(body, type=Complaint)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Complaint()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of a complaint. `recheck`: names of fields whose description may be out of date."""

    outcome: Trouble
    recheck: frozenset[str] = frozenset()


def row_of(field: str, sentence: str) -> Row:
    """The row of one sentence."""
    words = sentence.lower()
    for row in SENTENCES:
        if row.field in (None, field) and row.code in words:
            return row
    return OTHER


def find_fault(complaint: Complaint, *, mapped: Collection[str], labels: Mapping[str, str]) -> Finding:
    """What a complaint about one issue means. `mapped` are the fields sent, `labels` their names.

    Of several sentences the gravest decides. A field that must be filled and is not mapped at all is a
    change of Jira's, not a fault of the record.
    """
    said = complaint.all()
    rows = [(name, row_of(name, text)) for name, text in said]
    unmapped = [
        name for name, row in rows if row.reason is Reason.MISSING_REQUIRED and name and name not in mapped
    ]
    if unmapped:
        return Finding(outcome=_newly_required(unmapped, labels, complaint), recheck=frozenset(unmapped))
    row = next((row for _, row in rows if row.verdict is Verdict.BLOCKED), rows[0][1] if rows else OTHER)
    names = tuple(name for name, _ in said if name)
    outcome = outcome_of(
        row, said=_about(names, labels), code="400", fields=names, vendor_text=complaint.text() or None
    )
    return Finding(outcome=outcome, recheck=frozenset(name for name, row in rows if row.recheck))


def changed_type(names: Collection[str], labels: Mapping[str, str], vendor_text: str | None) -> Blocked:
    """The outcome for values that no longer have the form of their fields."""
    shown = _shown(sorted(names), labels)
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"Jira has changed the type of {shown}. Check the mapping and publish a version that fits.",
        vendor_code="400",
        vendor_text=vendor_text,
    )


def missing_fields(names: Collection[str]) -> Blocked:
    """The outcome for mapped fields that the create screen does not have."""
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"Jira no longer offers {', '.join(sorted(names))} for this issue type. {_DRIFT}",
    )


def _newly_required(names: list[str], labels: Mapping[str, str], complaint: Complaint) -> Blocked:
    return Blocked(
        scope=Scope.FLOW_OBJECT,
        reason=Reason.DRIFT,
        message=f"Jira now requires {_shown(names, labels)}, which is not mapped. "
        "Publish a version that maps it, or make it optional in Jira.",
        vendor_code="400",
        vendor_text=complaint.text(),
    )


def _about(names: tuple[str, ...], labels: Mapping[str, str]) -> str:
    return f"Jira does not accept {_shown(names, labels)}." if names else "Jira does not accept the record."


def _shown(names: Collection[str], labels: Mapping[str, str]) -> str:
    return ", ".join(f"{labels[name]} ({name})" if labels.get(name, name) != name else name for name in names)
