"""The data extensions, journeys and contacts a fresh account has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.extensions import DataExtension
from formlane_sandbox.sfmc.settings import HOME_ACCOUNT, OTHER_ACCOUNT

EVENT_DEFINITIONS = {"APIEvent-form-submitted": "Form submitted", "APIEvent-event-registered": "Registered"}
_IDS = uuid.UUID("5e11ab1e-0000-4000-8000-000000000712")  # the same ObjectIDs at every start
_CREATED = datetime(2024, 10, 25, 2, 11, 4, 307_000, tzinfo=UTC)


def data_extensions() -> Iterator[DataExtension]:
    """One of each kind: by subscriber, by submission, composite key, no key, every type, another unit's."""
    yield _made("form_leads", "Form leads", _LEADS, sendable="SubscriberKey")
    yield _made("Form_Submissions", "Form submissions", _SUBMISSIONS)
    yield _made("event_registrations", "Event registrations", _REGISTRATIONS, category=723392)
    yield _made("feedback_log", "Feedback log", _FEEDBACK, category=723392)
    yield _made("all-types", "Every type of column", _EVERY_TYPE, category=723393)
    yield _made("form_leads", "Form leads, north", _LEADS, account=OTHER_ACCOUNT)
    yield _made("north_visits", "Visits, north", _SUBMISSIONS, account=OTHER_ACCOUNT)


def _made(
    key: str,
    name: str,
    columns: tuple[Column, ...],
    *,
    account: str = HOME_ACCOUNT,
    category: int = 723391,
    sendable: str = "",
) -> DataExtension:
    return DataExtension(
        key=key,
        name=name,
        columns=columns,
        account=account,
        category=category,
        sendable=sendable,
        object_id=str(uuid.uuid5(_IDS, f"{account}/{key}")),
        created=_CREATED,
    )


def _key(name: str, length: int = 100) -> Column:
    return Column(name=name, length=length, primary_key=True, nullable=False)


_LEADS = (
    _key("SubscriberKey"),
    Column(name="Email", type=FieldType.EMAIL),
    Column(name="FirstName", length=50),
    Column(name="LastName", length=80),
    Column(name="Phone", type=FieldType.PHONE),
    Column(name="Company", length=100),
    Column(name="IsActive", type=FieldType.BOOLEAN, default="True"),
    Column(name="Score", type=FieldType.DECIMAL, length=18, scale=2),
    Column(name="LastLogin", type=FieldType.DATE),
)
_SUBMISSIONS = (
    _key("SubmissionId"),
    Column(name="FormName", length=100, nullable=False),
    Column(name="Email", type=FieldType.EMAIL),
    Column(name="FirstName", length=50),
    Column(name="LastName", length=80),
    Column(name="Message", length=4000),
    Column(name="Amount", type=FieldType.NUMBER),
    Column(name="SubmittedAt", type=FieldType.DATE),
)
_REGISTRATIONS = (
    _key("EventCode", 20),
    _key("Email", 254),
    Column(name="FullName", length=120, nullable=False),
    Column(name="Seats", type=FieldType.NUMBER, default="1"),
    Column(name="Language", type=FieldType.LOCALE),
)
_FEEDBACK = (
    Column(name="Email", type=FieldType.EMAIL),
    Column(name="Rating", type=FieldType.NUMBER, nullable=False),
    Column(name="Comment", length=None),
)
_EVERY_TYPE = (
    _key("Key", 36),
    Column(name="AText", length=50),
    Column(name="ALongText"),
    Column(name="ANumber", type=FieldType.NUMBER),
    Column(name="ADecimal", type=FieldType.DECIMAL, length=10, scale=3),
    Column(name="ABoolean", type=FieldType.BOOLEAN),
    Column(name="ADate", type=FieldType.DATE),
    Column(name="AnEmail", type=FieldType.EMAIL),
    Column(name="APhone", type=FieldType.PHONE),
    Column(name="ALocale", type=FieldType.LOCALE),
    Column(name="ARequiredText", length=20, nullable=False),
    Column(name="ADefaultText", length=20, default="none"),
)
