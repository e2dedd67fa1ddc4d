"""What a stored value can be named, or measured, by in a query."""

from __future__ import annotations

from datetime import UTC, datetime

from formlane_sandbox.jira.adf import document_text
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import Named
from formlane_sandbox.jira.values import Choice


def named_by(value: object) -> list[str]:
    """Everything a stored value can be named by, in lower case."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [name for item in value for name in named_by(item)]
    if isinstance(value, Named):
        return [value.id, value.name.lower()]
    if isinstance(value, Choice):
        return [value.option.id, value.option.value.lower(), *(_childnamed_by(value))]
    if isinstance(value, User):
        return [value.account_id.lower(), value.name.lower(), value.display.lower(), value.email.lower()]
    if isinstance(value, Issue):
        return [value.key.lower(), str(value.id)]
    if isinstance(value, dict):
        return [document_text(value).lower()] if value.get("type") == "doc" else [str(value)]
    return [str(value).lower()]


def _childnamed_by(value: Choice) -> list[str]:
    return [] if value.child is None else [value.child.id, value.child.value.lower()]


def measured_by(value: object) -> float | None:
    """A number, or a moment in seconds; None for anything else."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return None
