from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
import pytest

from formlane.destinations.base import Call, CallRecord
from formlane.destinations.sfmc.config import SfmcSettings, open_settings
from formlane.destinations.sfmc.rows import LEFT, Left, Rows, delivered, encode, outcomes_of, rows_of
from formlane.destinations.sfmc.schema import Extension, fields_of, read_extension
from formlane.domain.flows import Operation
from formlane.domain.outcomes import DELIVERED, Blocked, Delivered, Reason
from formlane.domain.types import FieldType, Json

SETTINGS = open_settings({"subdomain": "mc1", "client_id": "a"}, {})
AS_TEXT = open_settings({"subdomain": "mc1", "client_id": "a", "empty_as": "text"}, {})


def found(name: str, kind: str = "Text", *, key: bool = False, **more: str) -> dict[str, str]:
    return {"Name": name, "FieldType": kind, "IsPrimaryKey": str(key).lower(), **more}


LEADS = read_extension(
    "leads", [found("Key", key=True), found("Email", "EmailAddress"), found("Seen", "Date")]
)
PAIRS = read_extension("pairs", [found("A", key=True), found("B", "Number", key=True), found("C")])
LOG = read_extension("log", [found("Text")])


def call(
    records: Sequence[Mapping[str, Json]],
    *keys: str,
    operation: Operation = Operation.UPSERT,
    tracking_field: str | None = None,
) -> Call:
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    return Call(
        id=UUID(int=1),
        object="leads",
        operation=operation,
        records=[CallRecord(str(index), f"t{index}", record) for index, record in enumerate(records)],
        columns=columns,
        types=(FieldType.STRING,) * len(columns),
        match_key=keys,
        tracking_field=tracking_field,
    )


def rows(given: Call, extension: Extension = LEADS, settings: SfmcSettings = SETTINGS) -> Rows:
    made = rows_of(given, extension, settings)
    assert isinstance(made, Rows)
    return made


def test_records_that_need_no_change_are_not_copied() -> None:
    record = {"Key": "a", "Email": "a@example.com"}
    assert rows(call([record], "Key")).rows[0] is record


def test_columns_are_spelt_as_the_data_extension_spells_them() -> None:
    made = rows(call([{"key": "a", "EMAIL": "a@example.com"}], "KEY"))
    assert (made.keys, made.rows) == (("Key",), [{"Key": "a", "Email": "a@example.com"}])


def test_only_values_that_need_it_change() -> None:
    made = rows(call([{"Key": "a", "Seen": "2026-11-23T14:32:00Z"}, {"Key": "b"}], "Key"))
    assert made.rows == [{"Key": "a", "Seen": "2026-11-23 14:32:00"}, {"Key": "b"}]


def test_explicit_nulls_go_as_null_or_as_text() -> None:
    given = call([{"Key": "a", "Email": None}], "Key")
    assert (rows(given).rows, rows(given, settings=AS_TEXT).rows) == (
        [{"Key": "a", "Email": None}],
        [{"Key": "a", "Email": ""}],
    )


@pytest.mark.parametrize("key", [None, "", "  "], ids=repr)
def test_a_record_without_its_key_is_left_out(key: Json) -> None:
    made = rows(call([{"Key": "a"}, {"Key": key}, {"Email": "x"}], "Key"))
    assert (made.rows, list(made.positions), made.left) == (
        [{"Key": "a"}],
        [0],
        {1: Left.KEYLESS, 2: Left.KEYLESS},
    )


def test_keys_that_the_vendor_takes_for_the_same_do_not_meet() -> None:
    made = rows(call([{"Key": "Straße"}, {"Key": "b"}, {"Key": "STRASSE "}], "Key"))
    assert (list(made.positions), made.left) == ([0, 1], {2: Left.TWIN})


def test_composite_keys_are_compared_whole() -> None:
    records: list[Mapping[str, Json]] = [
        {"A": "x", "B": 1},
        {"A": "x", "B": 2},
        {"A": "X", "B": 1},
        {"A": "x", "B": None},
    ]
    made = rows(call(records, "B", "A"), PAIRS)

    assert (made.keys, list(made.positions)) == (("B", "A"), [0, 1])
    assert made.left == {2: Left.TWIN, 3: Left.KEYLESS}
    assert delivered(call(records, "A", "B"), [1]) == [Delivered(remote_id="A:x,B:2")]


def test_a_tracked_insert_is_written_by_its_tracking_key() -> None:
    given = call([{"Email": "a"}], operation=Operation.INSERT, tracking_field="key")
    assert rows(given).rows == [{"Email": "a", "Key": "t0"}]
    assert delivered(given, [0]) == [Delivered(remote_id="t0")]


def test_a_mapping_may_fill_the_tracking_field_itself_but_with_nothing_else() -> None:
    same = call([{"Key": "t0"}], operation=Operation.INSERT, tracking_field="Key")
    other = call([{"Key": "mine"}], operation=Operation.INSERT, tracking_field="Key")
    blocked = rows_of(other, LEADS, SETTINGS)

    assert rows(same).rows == [{"Key": "t0"}]
    assert isinstance(blocked, Blocked)
    assert (blocked.reason, "Key" in blocked.message) == (Reason.CONFIGURATION, True)


def test_a_plain_insert_has_no_key() -> None:
    given = call([{"Text": "a"}, {"Text": "a"}], operation=Operation.INSERT)
    assert (rows(given, LOG).keys, delivered(given, [0, 1])) == ((), [DELIVERED, DELIVERED])


@pytest.mark.parametrize(
    ("given", "extension", "reason", "named"),
    [
        (call([{"Key": "a", "Gone": 1}], "Key"), LEADS, Reason.DRIFT, "Gone"),
        (call([{"Email": "a"}], "Email"), LEADS, Reason.DRIFT, "Key"),
        (call([{"A": "a"}], "A"), PAIRS, Reason.DRIFT, "A, B"),
        (call([{"Text": "a"}], "Text"), LOG, Reason.CONFIGURATION, "primary key"),
        (
            call([{"Email": "a"}], operation=Operation.INSERT, tracking_field="Email"),
            LEADS,
            Reason.DRIFT,
            "tracking field",
        ),
        (
            call([{"Email": "a"}], operation=Operation.INSERT, tracking_field="Gone"),
            LEADS,
            Reason.DRIFT,
            "Gone",
        ),
    ],
    ids=["column", "key", "half-key", "no-key", "tracking", "tracking-gone"],
)
def test_what_does_not_fit_the_data_extension_is_not_sent(
    given: Call, extension: Extension, reason: Reason, named: str
) -> None:
    blocked = rows_of(given, extension, SETTINGS)

    assert isinstance(blocked, Blocked)
    assert (blocked.reason, named in blocked.message) == (reason, True)


def test_what_json_cannot_hold_is_left_out_alone() -> None:
    made = rows(call([{"Key": "a", "Email": "\ud800"}, {"Key": "b", "Email": "x"}], "Key"))
    body = encode(made, lambda whole: {"items": whole})

    assert orjson.loads(body) == {"items": [{"Key": "b", "Email": "x"}]}
    assert (list(made.positions), made.left) == ([1], {0: Left.NOT_ENCODABLE})


def test_outcomes_are_in_the_order_of_the_call() -> None:
    given = call([{"Key": "a"}, {"Key": "A"}, {"Key": "b"}], "Key")
    made = rows(given)
    one, two = delivered(given, made.positions)

    assert outcomes_of(given, made.left, [one, two]) == [one, LEFT[Left.TWIN], two]


def test_fields_tell_what_finds_a_row_and_what_tracks_it() -> None:
    extension = read_extension(
        "x",
        [
            found("D", "Decimal", MaxLength="18", Scale="2", Ordinal="2"),
            found("Odd", "Novelty", Ordinal="9"),
            found("N", "Number", IsRequired="true", Ordinal="1"),
            found("K", key=True, MaxLength="100", Ordinal="0"),
            found("Def", IsRequired="true", DefaultValue="x", Ordinal="3"),
            found("Long", Ordinal="4", MaxLength=""),
        ],
    )
    fields = {one.name: one for one in fields_of(extension)}

    assert list(fields) == ["K", "N", "D", "Def", "Long", "Odd"]
    assert (fields["D"].type, fields["D"].digits, fields["D"].decimals) == (FieldType.DECIMAL, 18, 2)
    assert (fields["N"].digits, fields["N"].required, fields["N"].max_length) == (10, True, None)
    assert (fields["K"].matches, fields["K"].tracks, fields["K"].unique, fields["K"].max_length) == (
        True,
        True,
        True,
        100,
    )
    assert (fields["Def"].required, fields["Long"].max_length) == (False, 4000)
    assert (fields["Odd"].type, fields["Odd"].max_length) == (FieldType.STRING, None)
    assert not fields_of(PAIRS)[0].tracks
    assert not fields_of(read_extension("s", [found("K", key=True, MaxLength="20")]))[0].tracks
