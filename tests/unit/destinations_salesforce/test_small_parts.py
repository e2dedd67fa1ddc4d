"""Values, files, the quota's header and what is kept of an exchange."""

from __future__ import annotations

import datetime as dt

import pytest

from formlane.destinations.salesforce.answers import kept_words
from formlane.destinations.salesforce.csv_files import fault_of_cell, is_carried, rows_of, table_of
from formlane.destinations.salesforce.quota import Quota, usage_of
from formlane.destinations.salesforce.soql import key_of
from formlane.destinations.salesforce.types import TYPES, Choice, Field, adapter_of, info_of
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType, Json


class StoodClock:
    """A time that is set."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=44/15000", (44, 15000)),
        ("api-usage=10018/100000; api-bursts=1/750", (10018, 100000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", (25, 5000)),
        ("per-app-api-usage=17/250(appName=sample);api-usage=1/2", (1, 2)),
        ("", None),
        ("api-usage=many/more", None),
        ("nonsense", None),
    ],
    ids=["plain", "bursts", "per app", "last", "absent", "words", "nonsense"],
)
def test_usage_is_read_whatever_stands_beside_it(header: str, usage: tuple[int, int] | None) -> None:
    assert usage_of(header) == usage


def test_a_quota_used_up_to_the_share_stops_sending_for_a_while() -> None:
    clock = StoodClock()
    quota = Quota(95, clock, time_scale=1.0)
    quota.note({"Sforce-Limit-Info": "api-usage=94/100"})
    assert quota.trouble() is None
    quota.note({"Sforce-Limit-Info": "api-usage=95/100"})
    quota.note({})
    trouble = quota.trouble()
    assert trouble is not None
    assert (trouble.reason, trouble.retry_after) == (Reason.QUOTA_EXHAUSTED, dt.timedelta(minutes=15))
    clock.time += dt.timedelta(minutes=15)
    assert quota.trouble() is None
    whole = Quota(100, clock, time_scale=1.0)
    whole.note({"Sforce-Limit-Info": "api-usage=101/100"})
    assert whole.trouble() is None


def field(kind: str, name: str = "F__c", **given: object) -> Field:
    return Field(name=name, type=kind, label=name, **given)  # type: ignore[arg-type] # any attribute


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_that_can_be_written_is_offered(kind: str) -> None:
    info = info_of(field(kind, createable=True, precision=5, scale=2, digits=0, length=7))
    assert info is not None
    assert info.type is TYPES[kind]
    number = info.type is FieldType.DECIMAL
    assert (info.digits, info.decimals) == ((5, 2) if number else (None, None))
    texts = {"id", "reference", "multipicklist", "boolean", "date", "datetime", "time", "int", "long"}
    assert info.max_length == (None if number or kind in texts else 7)


def test_an_integer_has_digits() -> None:
    info = info_of(field("int", createable=True, digits=9))
    assert info is not None
    assert info.digits == 9


@pytest.mark.parametrize(
    "hidden",
    [
        field("address", createable=True),
        field("base64", createable=True),
        field("string", createable=True, deprecated_and_hidden=True),
        field("string", filterable=True),
    ],
    ids=["compound", "binary", "deprecated", "neither written nor a key"],
)
def test_what_can_neither_be_written_nor_find_is_not_offered(hidden: Field) -> None:
    assert info_of(hidden) is None


def test_required_choices_references_and_keys() -> None:
    required = info_of(field("string", createable=True, nillable=False))
    defaulted = info_of(field("boolean", createable=True, nillable=False, defaulted_on_create=True))
    assert required is not None
    assert defaulted is not None
    assert (required.required, defaulted.required) == (True, False)
    values = (Choice(value="A"), Choice(value="B", active=False))
    open_ = info_of(field("picklist", createable=True, picklist_values=values))
    bound = info_of(field("picklist", createable=True, picklist_values=values, restricted_picklist=True))
    assert open_ is not None
    assert bound is not None
    assert (open_.choices, open_.open_choices, bound.open_choices) == (("A",), True, False)
    reference = info_of(
        field("reference", createable=True, reference_to=("Account", "Lead"), filterable=True)
    )
    assert reference is not None
    assert (reference.reference_to, reference.matches) == ("Account", True)
    number = info_of(field("string", "CaseNumber", filterable=True, auto_number=True))
    assert number is not None
    assert (number.createable, number.matches) == (False, True)


@pytest.mark.parametrize(
    ("changed", "tracks"),
    [
        ({}, True),
        ({"unique": False}, False),
        ({"external_id": False}, False),
        ({"length": 31}, False),
        ({"createable": False}, False),
        ({"type": "double"}, False),
    ],
    ids=["good", "not unique", "no external id", "short", "read-only", "number"],
)
def test_a_tracking_key_needs_a_unique_external_id_of_text(changed: dict[str, object], tracks: bool) -> None:
    given: dict[str, object] = {
        "name": "Ext__c",
        "type": "string",
        "length": 64,
        "external_id": True,
        "unique": True,
        "createable": True,
    }
    assert Field(**{**given, **changed}).tracks is tracks  # type: ignore[arg-type] # any attribute


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("multipicklist", ["A", "B"], "A;B"),
        ("multipicklist", ("A",), "A"),
        ("multipicklist", "A;B", "A;B"),
        ("multipicklist", None, None),
        ("datetime", "2026-11-24T18:30:00Z", "2026-11-24T18:30:00Z"),
        ("datetime", "2026-11-24T18:30:00.123456Z", "2026-11-24T18:30:00.123Z"),
        ("datetime", None, None),
        ("time", "18:30:15", "18:30:15.000Z"),
        ("time", "18:30:15.123456", "18:30:15.123Z"),
        ("time", None, None),
        ("boolean", None, False),
        ("boolean", True, True),
    ],
    ids=str,
)
def test_values_are_written_as_salesforce_takes_them(kind: str, value: Json, written: Json) -> None:
    adapter = adapter_of(kind)
    assert adapter is not None
    assert adapter(value) == written


def test_most_values_stay_as_they_are() -> None:
    assert adapter_of("string") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (field("string"), ("ABC", "abc"), True),
        (field("string", case_sensitive=True), ("ABC", "abc"), False),
        (field("double"), ("12.50", 12.5), True),
        (field("int"), (7, "7"), True),
        (field("id", "Id"), ("003000000000001", "003000000000001AAA"), True),
        (field("id", "Id"), ("003000000000001", "00300000000000A"), False),
    ],
    ids=["text", "minding case", "number", "integer", "id", "other id"],
)
def test_keys_are_compared_as_salesforce_does(one: Field, other: tuple[Json, Json], same: bool) -> None:
    left, right = (key_of((one,), (value,)) for value in other)
    assert left is not None
    assert (left == right) is same


@pytest.mark.parametrize(
    ("kind", "value"),
    [("string", ""), ("string", None), ("double", "many"), ("double", "NaN"), ("id", "short"), ("int", True)],
    ids=["empty", "null", "words", "not a number", "id", "truth"],
)
def test_what_nothing_can_have_is_no_key(kind: str, value: Json) -> None:
    assert key_of((field(kind),), (value,)) is None


def test_a_file_keeps_absent_null_and_empty_apart() -> None:
    content = table_of([{"A": 'say "hi",\nthere', "B": None}, {"B": True, "C": 1.5}, {"A": "", "C": "é"}])
    assert content.decode() == 'A,B,C\n"say ""hi"",\nthere",#N/A,\n,true,1.5\n#N/A,,é\n'


@pytest.mark.parametrize("value", ["#N/A", "x" * 32_001, "\ud800"], ids=["null word", "long", "half"])
def test_what_a_file_cannot_carry(value: str) -> None:
    assert not is_carried({"A": value})
    assert is_carried({"A": "#N/A ", "B": 1, "C": "ü", "D": None})


def test_results_of_a_job() -> None:
    rows = list(rows_of(b'"sf__Id","sf__Error",Ext__c\n"","A:b:C --","x,\ny"\n'))
    assert rows == [{"sf__Id": "", "sf__Error": "A:b:C --", "Ext__c": "x,\ny"}]


@pytest.mark.parametrize(
    ("text", "code", "message", "fields"),
    [
        (
            "INVALID_FIELD:Failed at col 3. Due to, 'x' is not valid for the type xsd:date:CloseDate --",
            "INVALID_FIELD",
            "Failed at col 3. Due to, 'x' is not valid for the type xsd:date",
            ("CloseDate",),
        ),
        ("UNABLE_TO_LOCK_ROW:unable: 001xxx,001yyy:--", "UNABLE_TO_LOCK_ROW", "unable: 001xxx,001yyy", ()),
        ("REQUIRED_FIELD_MISSING:missing:A,B --", "REQUIRED_FIELD_MISSING", "missing", ("A", "B")),
        ("ODD", "ODD", "", None),
        ("ODD:text", "ODD", "text", None),
    ],
    ids=["colon inside", "no fields", "fields", "code", "code and text"],
)
def test_errors_of_a_job(text: str, code: str, message: str, fields: tuple[str, ...] | None) -> None:
    fault = fault_of_cell(text)
    assert (fault.code, fault.message, fault.fields) == (code, message, fields)


def test_as_many_of_its_words_are_kept_as_a_rule_has() -> None:
    assert kept_words("a" * 300, ["hush"]) == "a" * 255
    assert kept_words("hush", ["hush"]) == "***"
    assert kept_words(None, []) is None
