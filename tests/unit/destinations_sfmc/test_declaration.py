"""What the declaration promises of each object and operation."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from formlane.destinations.base import OperationSpec, Resend
from formlane.destinations.sfmc.connector import JOB_QUIET, QUIET, SFMC
from formlane.domain.flows import Operation
from formlane.domain.types import Json
from formlane.errors import InvalidInput

SETTINGS: Mapping[str, Json] = {"subdomain": "mc1", "client_id": "abc", "rows_per_call": 20}


def spec(operation: Operation, object_name: str, tracking_field: str | None = None) -> OperationSpec:
    options = {**SFMC.validate_step(object_name, {}), "tracking_field": tracking_field}
    found = SFMC.operation(operation, SETTINGS, options)
    assert found is not None
    return found


def test_rows_are_upserted_few_at_once_or_many_as_a_job() -> None:
    few = spec(Operation.UPSERT, "form_leads")
    assert few.bulk is not None
    assert (few.resend, few.max_records, few.quiet) == (Resend.RESEND_SAFE, 20, QUIET)
    assert (few.bulk.resend, few.bulk.max_records, few.bulk.quiet) == (Resend.RESEND_SAFE, 1000, JOB_QUIET)
    assert not few.keeps_order
    assert few.bulk.least > few.max_records


def test_an_insert_can_be_repeated_only_by_a_tracking_key() -> None:
    plain = spec(Operation.INSERT, "form_leads")
    tracked = spec(Operation.INSERT, "form_leads", "SubmissionId")

    assert (plain.resend, plain.bulk, plain.max_records) == (Resend.PARK, None, 200)
    assert (tracked.resend, tracked.operation, tracked.max_records) == (
        Resend.RESEND_SAFE,
        Operation.INSERT,
        20,
    )
    assert tracked.bulk is not None
    assert tracked.bulk.operation is Operation.INSERT


def test_an_entry_event_is_never_repeated() -> None:
    event = spec(Operation.INSERT, "@event/APIEvent-1", "Any")
    contact = spec(Operation.UPSERT, "@contact")

    assert (event.resend, event.max_records, event.bulk) == (Resend.PARK, 1, None)
    assert (contact.resend, contact.max_records, contact.bulk) == (Resend.RESEND_SAFE, 1, None)


@pytest.mark.parametrize("operation", [Operation.UPDATE, Operation.DELETE])
def test_nothing_else_is_offered(operation: Operation) -> None:
    assert SFMC.operation(operation, SETTINGS) is None


def test_a_steps_options_follow_from_its_object() -> None:
    assert SFMC.validate_step("form_leads", {}) == {"writes": "rows"}
    assert SFMC.validate_step("@contact", {"writes": "rows"}) == {"writes": "contact"}
    assert SFMC.validate_step("@event/A", {}) == {"writes": "event"}


@pytest.mark.parametrize("name", ["", " ", "@other", "@event/", "@event/a.b", "a\n", "a" * 201], ids=repr)
def test_objects_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be saved"):
        SFMC.validate_step(name, {})
