"""Checks of match keys, lookups, tracking fields and steps against what a destination offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from formlane.destinations.base import FieldInfo, Matching, OperationSpec, Resend
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    KeyInput,
    LookupSource,
    NoMatch,
    OnMiss,
    Operation,
    SeveralMatches,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.types import FieldType
from formlane.mapping.checks import check_flow
from formlane.mapping.findings import Finding, Severity
from formlane.mapping.related import Offer


def info(name: str, kind: FieldType = FieldType.STRING, **rest: Any) -> FieldInfo:
    return FieldInfo(name=name, label=name, type=kind, **rest)


def line(target: str, *, of: str = "a", **rest: Any) -> FieldMapping:
    source = rest.pop("source", Source(kind=SourceKind.INPUT, input=of))
    return FieldMapping(target=target, source=source, **rest)


def lookup(**rest: Any) -> FieldMapping:
    asked = LookupSource(**{"object": "Account", "field": "Domain", "input": "b", **rest})
    return line("AccountId", source=Source(kind=SourceKind.LOOKUP, lookup=asked))


def step(*lines: FieldMapping, **rest: Any) -> Step:
    return Step(**{"name": "s", "object": "Contact", "mapping": lines, **rest})


def flow(*steps: Step, key: Sequence[str] = ("a",)) -> FlowDefinition:
    inputs = (Input(name="a"), Input(name="b"), Input(name="c d"))
    return FlowDefinition(inputs=inputs, steps=steps, key_input=KeyInput(inputs=tuple(key)) if key else None)


UPSERT = step(line("Ext"), operation=Operation.UPSERT, match_key=("Ext",))
UPDATE = replace(UPSERT, operation=Operation.UPDATE)
INSERT = step(line("Ext"))
FIELDS = (info("Ext", unique=True, matches=True), info("Name"), info("Code", unique=True, matches=True))
ACCOUNT = (info("Domain", unique=True, matches=True), info("Name"))


def found(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.severity.value, one.pointer, one.code) for one in findings]


def errors(*arguments: Any) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in check_flow(*arguments) if one.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("key", "matching", "expected"),
    [
        (("Ext",), Matching.ONE, []),
        (("Ext", "Code"), Matching.ONE, [("/steps/0/match_key", "wrong_length")]),
        (("Ext", "Code"), Matching.ANY, []),
        (("Name",), Matching.ANY, [("/steps/0/match_key", "not_matchable")]),
        (("Ext", "Code"), Matching.ALL, []),
        (("Ext",), Matching.ALL, [("/steps/0/match_key", "wrong_length")]),
    ],
)
def test_a_match_key_is_one_that_the_destination_can_find_by(
    key: tuple[str, ...], matching: Matching, expected: list[tuple[str, str]]
) -> None:
    upsert = replace(UPSERT, match_key=key, mapping=tuple(line(name) for name in key))
    assert errors(flow(upsert), [FIELDS], [], Offer(matching=matching)) == expected


def test_any_field_may_find_where_the_destination_marks_none() -> None:
    unmarked = [replace(one, matches=False) for one in FIELDS]
    assert check_flow(flow(UPSERT), [unmarked], [], Offer(matching=Matching.ALL)) == []
    two = replace(UPSERT, match_key=("Ext", "Code"), mapping=(line("Ext"), line("Code")))
    assert errors(flow(two), [], [], Offer(matching=Matching.ONE)) == [("/steps/0/match_key", "wrong_length")]


def test_fields_of_a_whole_key_need_not_be_unique_each() -> None:
    fields = [replace(one, unique=False) for one in FIELDS]
    two = replace(UPSERT, match_key=("Ext", "Code"), mapping=(line("Ext"), line("Code")))
    assert check_flow(flow(two), [fields], [], Offer(matching=Matching.ALL)) == []
    assert [one.code for one in check_flow(flow(two), [fields])] == ["not_unique"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (replace(UPDATE, no_match=NoMatch.INSERT, several_matches=SeveralMatches.ALL), []),
        (replace(UPSERT, several_matches=SeveralMatches.NEWEST), []),
        (replace(UPSERT, no_match=NoMatch.INSERT), [("error", "/steps/0/no_match", "only_for_update")]),
        (replace(UPSERT, no_match=NoMatch.SKIP), [("warning", "/steps/0/no_match", "no_effect")]),
        (
            replace(UPSERT, several_matches=SeveralMatches.ALL),
            [("error", "/steps/0/several_matches", "only_for_update")],
        ),
        (
            replace(INSERT, several_matches=SeveralMatches.FIRST),
            [("warning", "/steps/0/several_matches", "no_effect")],
        ),
        (replace(UPDATE, operation=Operation.DELETE, no_match=NoMatch.SKIP), []),
    ],
)
def test_policies_belong_to_operations(changed: Step, expected: list[tuple[str, str, str]]) -> None:
    assert found(check_flow(flow(changed))) == expected


def test_a_match_key_that_is_looked_up_orders_by_what_is_looked_up() -> None:
    upsert = step(lookup(), operation=Operation.UPSERT, match_key=("AccountId",))
    assert found(check_flow(flow(upsert))) == [("warning", "/steps/0/match_key", "outside_key_input")]
    assert check_flow(flow(upsert, key=("b",))) == []
    fixed = line("Ext", source=Source(kind=SourceKind.CONSTANT, constant="x"))
    assert check_flow(flow(replace(UPSERT, mapping=(fixed,)))) == []


def test_an_update_that_inserts_needs_what_an_insert_needs() -> None:
    fields = [*FIELDS, info("Last", required=True)]
    assert errors(flow(UPDATE), [fields]) == []
    assert errors(flow(replace(UPDATE, no_match=NoMatch.INSERT)), [fields]) == [
        ("/steps/0/mapping", "missing_target")
    ]


@pytest.mark.parametrize(
    ("given", "offer", "expected"),
    [
        (lookup(), Offer(), []),
        (lookup(), Offer(related={"Account": ACCOUNT}), []),
        (lookup(), Offer(related={"Account": ()}), []),
        (lookup(), Offer(looks_up=False), [("error", "lookup", "not_offered")]),
        (
            lookup(field="Domian"),
            Offer(related={"Account": ACCOUNT}),
            [("error", "lookup/field", "unknown_target")],
        ),
        (
            lookup(field="Name"),
            Offer(related={"Account": ACCOUNT}),
            [("error", "lookup/field", "not_matchable")],
        ),
        (
            lookup(field="Name"),
            Offer(related={"Account": ACCOUNT[1:]}),
            [("error", "lookup/field", "not_matchable")],
        ),
        (
            lookup(),
            Offer(related={"Account": [replace(ACCOUNT[0], unique=False)]}),
            [("warning", "lookup/field", "not_unique")],
        ),
        (lookup(on_miss=OnMiss.CREATE), Offer(related={"Account": ACCOUNT}), []),
        (lookup(on_miss=OnMiss.CREATE), Offer(upserts=False), [("error", "lookup/on_miss", "not_offered")]),
        (
            lookup(on_miss=OnMiss.CREATE, input="c d"),
            Offer(),
            [("error", "lookup/on_miss", "not_nameable")],
        ),
        (
            lookup(on_miss=OnMiss.CREATE),
            Offer(related={"Account": [replace(ACCOUNT[0], createable=False)]}),
            [("error", "lookup/on_miss", "not_createable")],
        ),
        (
            lookup(on_miss=OnMiss.CREATE),
            Offer(related={"Account": [*ACCOUNT, info("Last", required=True)]}),
            [("error", "lookup/on_miss", "missing_target")],
        ),
        (
            lookup(on_miss=OnMiss.CREATE),
            Offer(related={"Account": [*ACCOUNT, info("Code", matches=True)]}, matching=Matching.ALL),
            [("error", "lookup/on_miss", "wrong_length")],
        ),
    ],
)
def test_lookups_ask_what_the_destination_can_answer(
    given: FieldMapping, offer: Offer, expected: list[tuple[str, str, str]]
) -> None:
    at = "/steps/0/mapping/0/source"
    findings = check_flow(flow(step(given)), [], [], offer)
    assert found(findings) == [(severity, f"{at}/{place}", code) for severity, place, code in expected]


@pytest.mark.parametrize(("refers_to", "count"), [(None, 0), ("Account", 0), ("Contact", 1)])
def test_a_reference_to_something_else_is_a_warning(refers_to: str | None, count: int) -> None:
    case = step(
        line("ParentId", source=Source(kind=SourceKind.STEP, step="s"), type=FieldType.REFERENCE),
        lookup(),
        name="case",
        object="Case",
    )
    fields = [
        info("ParentId", FieldType.REFERENCE, reference_to=refers_to),
        info("AccountId", FieldType.REFERENCE, reference_to=refers_to),
    ]
    first = step(line("Ext"), object="Account")
    codes = [one.code for one in check_flow(flow(first, case), [None, fields])]
    assert codes == ["other_reference"] * (2 * count)


def test_an_identity_in_a_number_may_fail() -> None:
    case = step(line("N", source=Source(kind=SourceKind.STEP, step="s"), type=FieldType.INTEGER), name="t")
    assert found(check_flow(flow(INSERT, case))) == [("warning", "/steps/1/mapping/0/type", "may_fail")]


@pytest.mark.parametrize(
    ("target", "fields", "expected"),
    [
        ("Ext", FIELDS, []),
        ("Code", [*FIELDS, info("Ref", tracks=True)], [("/steps/0/tracking_field", "not_trackable")]),
        ("Ref", [*FIELDS, info("Ref", tracks=True)], []),
    ],
)
def test_a_tracking_field_is_one_that_can_hold_the_key(
    target: str, fields: Sequence[FieldInfo], expected: list[tuple[str, str]]
) -> None:
    assert errors(flow(replace(INSERT, tracking_field=target)), [fields]) == expected


def test_a_required_field_that_holds_the_tracking_key_need_not_be_mapped() -> None:
    fields = [*FIELDS, info("Ref", tracks=True, required=True)]
    assert errors(flow(replace(INSERT, tracking_field="Ref")), [fields]) == []
    assert errors(flow(INSERT), [fields]) == [("/steps/0/mapping", "missing_target")]


def spec(resend: Resend) -> OperationSpec:
    return OperationSpec(
        operation=Operation.INSERT,
        resend=resend,
        max_records=200,
        max_bytes=10**6,
        deadline=dt.timedelta(seconds=30),
    )


def test_every_step_keeps_its_promise() -> None:
    two = flow(INSERT, replace(INSERT, name="t"))
    assert found(check_flow(two, [], [spec(Resend.RESEND_SAFE), spec(Resend.PARK)])) == [
        ("error", "/key_input", "would_park")
    ]
    assert found(check_flow(two, [], [None, spec(Resend.FIND)])) == [
        ("warning", "/steps/1/tracking_field", "no_tracking_field")
    ]
    tracks = [*FIELDS, info("Ref", tracks=True)]
    [parks] = check_flow(flow(INSERT), [tracks], [spec(Resend.PARK)])
    assert parks.suggestion == "Name a tracking field, or use another operation."


@pytest.mark.parametrize(
    ("mapping", "field", "expected"),
    [
        ({"type": FieldType.DECIMAL}, {"digits": 5, "decimals": 2}, "Set digits to 5 and decimals to 2."),
        ({"type": FieldType.DECIMAL}, {"decimals": 2}, "Set decimals to 2."),
        ({"type": FieldType.DECIMAL, "digits": 4, "decimals": 1}, {"digits": 5, "decimals": 2}, None),
    ],
)
def test_numbers_with_more_digits_than_the_field_are_a_warning(
    mapping: dict[str, Any], field: dict[str, Any], expected: str | None
) -> None:
    definition = flow(
        step(line("Sum", source=Source(kind=SourceKind.FORMULA, formula="VALUE(a)"), **mapping))
    )
    findings = check_flow(definition, [[info("Sum", FieldType.DECIMAL, **field)]])
    assert [one.suggestion for one in findings] == ([expected] if expected else [])
    assert all(one.code == "too_many_digits" for one in findings)


def constant(value: object, kind: FieldType = FieldType.STRING, **rest: Any) -> FlowDefinition:
    source = Source(kind=SourceKind.CONSTANT, constant=value)  # type: ignore[arg-type]  # any JSON
    return flow(step(line("F", source=source, type=kind, **rest)))


@pytest.mark.parametrize(
    ("definition", "field", "expected"),
    [
        (constant("abc"), info("F", max_length=2), [("/steps/0/mapping/0/source/constant", "too_large")]),
        (constant("ab"), info("F", max_length=2), []),
        (
            constant(1.234, FieldType.DECIMAL),
            info("F", FieldType.DECIMAL, decimals=2),
            [("/steps/0/mapping/0/source/constant", "invalid_value")],
        ),
        (constant("c"), info("F", choices=("a",)), [("/steps/0/mapping/0/source/constant", "not_a_choice")]),
        (constant("c"), info("F", choices=("a",), open_choices=True), []),
        (
            constant(None, required=False),
            info("F", required=True),
            [("/steps/0/mapping/0/source/constant", "missing_required")],
        ),
        (
            flow(step(line("F", default="abc"))),
            info("F", max_length=2),
            [("/steps/0/mapping/0/default", "too_large")],
        ),
    ],
)
def test_fixed_values_are_checked_against_the_field_when_saved(
    definition: FlowDefinition, field: FieldInfo, expected: list[tuple[str, str]]
) -> None:
    assert errors(definition, [[field]]) == expected


def test_open_choices_raise_no_doubt() -> None:
    field = info("Ext", choices=("a",), open_choices=True)
    assert check_flow(flow(INSERT), [[field]]) == []


def test_what_a_field_would_drop_is_a_warning_at_save() -> None:
    now = Source(kind=SourceKind.FORMULA, formula="NOW()")
    definition = flow(step(line("Day", source=now, type=FieldType.DATETIME)))
    [lost] = check_flow(definition, [[info("Day", FieldType.DATE)]])
    assert (lost.severity, lost.pointer, lost.code) == (Severity.WARNING, "/steps/0/mapping/0/type", "lossy")
    assert lost.suggestion == "Set the line's type to date."
