from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.destinations.retry_after import LONGEST_WAIT, read_reset, read_retry_after, wait_asked_for

NOW = dt.datetime(1994, 11, 6, 8, 49, 7, tzinfo=dt.UTC)
EPOCH = dt.datetime.fromtimestamp(1_800_000_000, dt.UTC)

READ = {
    "30": 30.0,
    " 30 ": 30.0,
    "0": 0.0,
    "1.5": 1.5,
    "1000000000": 86400.0,
    "999999999999999999": 86400.0,
    "Sun, 06 Nov 1994 08:49:37 GMT": 30.0,
    "Sunday, 06-Nov-94 08:49:37 GMT": 30.0,
    "Sun Nov  6 08:49:37 1994": 30.0,
    "Sun, 06 Nov 1994 08:49:00 GMT": 0.0,
    "Mon, 01 Jan 1900 00:00:00 GMT": 0.0,
    "Fri, 31 Dec 9999 23:59:59 GMT": 86400.0,
}

ABSENT = [
    None,
    "",
    " ",
    "-5",
    "-0",
    "soon",
    "1e5",
    "0x10",
    "٣",
    "12 minutes",
    "NaN",
    "inf",
    "Sun, 06 Nov 99999 08:49:37 GMT",
    "1" * 400,
]


@pytest.mark.parametrize(("value", "seconds"), READ.items())
def test_both_forms_are_read(value: str, seconds: float) -> None:
    assert read_retry_after(value, now=NOW) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ABSENT)
def test_what_is_not_understood_counts_as_absent(value: str | None) -> None:
    assert read_retry_after(value, now=NOW) is None


@given(st.text())
def test_no_text_is_an_error_or_beyond_the_bounds(value: str) -> None:
    wait = read_retry_after(value, now=NOW)
    assert wait is None or dt.timedelta(0) <= wait <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Reset": "1800000060"}, 60.0),
        ({"X-RateLimit-Reset": "1799999940"}, 0.0),
        ({"RateLimit-Reset": "soon", "X-RateLimit-Reset": "3"}, 3.0),
    ],
)
def test_reset_hints_are_seconds_or_a_moment(headers: dict[str, str], seconds: float) -> None:
    assert read_reset(headers, now=EPOCH) == dt.timedelta(seconds=seconds)


def test_retry_after_wins_over_hints() -> None:
    assert wait_asked_for({"Retry-After": "5", "RateLimit-Reset": "60"}, now=EPOCH) == dt.timedelta(seconds=5)
    assert wait_asked_for({"Retry-After": "x", "RateLimit-Reset": "60"}, now=EPOCH) == dt.timedelta(minutes=1)
    assert wait_asked_for({}, now=EPOCH) is None
