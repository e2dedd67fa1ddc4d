"""What sent values become."""

from __future__ import annotations

import pytest

from formlane_sandbox.servicenow.schema import Choice, Column
from formlane_sandbox.servicenow.values import as_text, from_display, normal, zone_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (1.5, "1.5"),
        (None, ""),
        ("x", "x"),
        ([1, "a"], '[1,"a"]'),
        ({"a": 1}, '{"a":1}'),
    ],
    ids=str,
)
def test_everything_becomes_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        ("boolean", "True", "true"),
        ("boolean", "1", "true"),
        ("boolean", "nope", "false"),
        ("integer", "42", "42"),
        ("integer", "42.9", "42"),
        ("integer", "many", ""),
        ("integer", "1e400", ""),
        ("decimal", "12.3456", "12.35"),
        ("decimal", "NaN", ""),
        ("decimal", "x", ""),
        ("float", "0.12345678", "0.1234568"),
        ("glide_date", "2026-01-31", "2026-01-31"),
        ("glide_date", "2026-01-31 10:00:00", "2026-01-31"),
        ("glide_date", "31.1.2026", ""),
        ("glide_date_time", "2026-01-31 10:00:00", "2026-01-31 10:00:00"),
        ("glide_date_time", "2026-01-31", "2026-01-31 00:00:00"),
        ("glide_date_time", "2026-01-31T10:00:00Z", ""),
        ("glide_date_time", "2026-02-31 10:00:00", ""),
        ("glide_time", "10:11:12", "1970-01-01 10:11:12"),
        ("glide_time", "soon", ""),
        ("glide_duration", "1970-01-01 00:02:17", "1970-01-01 00:02:17"),
        ("glide_duration", "40 01:00:00", "1970-02-10 01:00:00"),
        ("glide_duration", "2 minutes", ""),
        ("string", "anything", "anything"),
    ],
)
def test_types(kind: str, sent: str, kept: str) -> None:
    assert normal(Column(name="x", type=kind), sent) == kept


def test_display_values() -> None:
    moment = Column(name="x", type="glide_date_time")
    choice = Column(name="x", choice=3, choices=(Choice(value="1", label="New"),))

    assert (
        from_display(moment, "2026-07-01 02:00:00", zone_of("America/Los_Angeles")) == "2026-07-01 09:00:00"
    )
    assert from_display(moment, "later", zone_of("UTC")) == ""
    assert from_display(choice, "New", zone_of("UTC")) == "1"
    assert from_display(choice, "Other", zone_of("UTC")) == "Other"
    assert zone_of("Nowhere/Land").key == "UTC"
