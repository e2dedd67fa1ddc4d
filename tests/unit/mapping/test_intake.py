from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formlane.domain.flows import FlowDefinition, Input
from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.mapping.intake import compile_validator
from formlane.mapping.rules import CLEAN, LISTED_UNKNOWN

TEXTS = [
    "",
    "x",
    "é",
    "  ",
    "250",
    "1.50",
    "true",
    "2024-12-31",
    "a;b",
    "a",
    "name@example.org",
    "\ud800",
    "９",
]
OTHERS: list[object] = [
    None,
    True,
    0,
    -5,
    10**18 + 1,
    2**70,
    0.5,
    float("nan"),
    [],
    ["a"],
    ["a", 1],
    {},
    {"k": 1},
]
RAW = st.sampled_from(TEXTS) | st.sampled_from(OTHERS)
KINDS = st.sampled_from([FieldType.STRING, FieldType.ENUM, FieldType.INTEGER]) | st.sampled_from(FieldType)


def form(*fields: FormField, strict: bool = False) -> FormDefinition:
    return FormDefinition(title="F", fields=fields, strict=strict)


def field(name: str = "a", kind: FieldType = FieldType.STRING, **limits: Any) -> FormField:
    return FormField(name=name, label=name.title(), type=kind, **limits)


@st.composite
def fields(draw: st.DrawFn) -> FormField:
    return FormField(
        name=draw(st.sampled_from(["a", "b", "c/d", "é"])),
        label="L",
        type=draw(KINDS),
        required=draw(st.booleans()),
        max_length=draw(st.none() | st.integers(1, 4)),
        minimum=draw(st.none() | st.just(Decimal(1))),
        maximum=draw(st.none() | st.just(Decimal("100.5"))),
        choices=draw(st.sampled_from([(), ("x", "a"), ("250",)])),
    )


RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c/d", "é", "zz", "\ud800"]), RAW)


@settings(max_examples=150)
@given(st.lists(fields(), min_size=1, max_size=4), st.booleans(), st.lists(RECORDS | RAW, max_size=8))
def test_the_fast_check_says_clean_exactly_when_nothing_is_to_be_told(
    asked: list[FormField], strict: bool, records: list[object]
) -> None:
    validator = compile_validator(form(*asked, strict=strict))
    for record in records:
        verdict = validator.examine(record, "/r")
        assert validator.is_clean(record) == (verdict == CLEAN)


@given(RECORDS)
def test_records_are_never_changed(record: dict[str, object]) -> None:
    before = copy.deepcopy(record)
    compile_validator(form(field("a"), field("b", FieldType.JSON)))([record])
    assert repr(record) == repr(before)


@pytest.mark.parametrize(
    ("asked", "raw", "code"),
    [
        (field(required=True), None, "required"),
        (field(required=True), "", "required"),
        (field(kind=FieldType.MULTI_ENUM, required=True), [], "required"),
        (field(max_length=3), "four", "too_long"),
        (field(kind=FieldType.ENUM, choices=("x",)), "y", "not_a_choice"),
        (field(kind=FieldType.MULTI_ENUM, choices=("x",)), ["x", "y"], "not_a_choice"),
        (field(kind=FieldType.INTEGER, minimum=Decimal(1)), 0, "out_of_range"),
        (field(kind=FieldType.DECIMAL, maximum=Decimal("1.5")), "1.6", "out_of_range"),
        (field(kind=FieldType.EMAIL), "maria@", "not_an_email"),
        (field(), {"nested": 1}, "not_text"),
    ],
)
def test_each_fault_has_its_place_and_code(asked: FormField, raw: object, code: str) -> None:
    verdicts = compile_validator(form(asked))([{}, {"a": "x"}, {"a": raw}])
    (problem,) = verdicts[2].problems
    assert (problem.pointer, problem.code) == ("/records/2/a", code)
    assert problem.message.startswith("A ")
    assert not verdicts[2].accepted


@pytest.mark.parametrize("raw", [None, 5, "text", [], [["a", 1]]])
def test_only_objects_are_records(raw: object) -> None:
    (verdict,) = compile_validator(form(field()))([raw], at="")
    (problem,) = verdict.problems
    assert (problem.pointer, problem.code) == ("/0", "not_an_object")


def test_unknown_fields_are_a_warning() -> None:
    (verdict,) = compile_validator(form(field()))([{"a": "x", "b": {"deep": [1]}}])
    assert verdict.accepted
    assert verdict.unknown == ("b",)


def test_unknown_fields_are_problems_when_strict() -> None:
    (verdict,) = compile_validator(form(field("email"), strict=True))([{"e-mail": "x"}])
    (problem,) = verdict.problems
    assert (problem.pointer, problem.code) == ("/records/0/e-mail", "unknown_field")
    assert "Did you mean email?" in problem.message


def test_unknown_fields_that_cannot_be_stored_are_problems() -> None:
    records = [{"z": float("nan")}, {"\ud800": 1}, {5: "x"}]
    verdicts = compile_validator(form(field()))(records)
    assert [verdict.accepted for verdict in verdicts] == [False] * 3


def test_the_list_of_unknown_fields_is_bounded() -> None:
    record = {f"unknown{index}": index for index in range(10_000)}
    (loose,) = compile_validator(form(field()))([record])
    (strict,) = compile_validator(form(field(), strict=True))([record])
    assert len(loose.unknown) == len(strict.problems) == LISTED_UNKNOWN


def test_pointers_escape_names() -> None:
    (verdict,) = compile_validator(form(field("a/b~c", required=True)))([{}])
    assert verdict.problems[0].pointer == "/records/0/a~1b~0c"


def test_a_flow_checks_records_by_input_name() -> None:
    flow = FlowDefinition(
        inputs=(Input(name="age", type=FieldType.INTEGER, required=True, label="Age"),), steps=(), strict=True
    )
    good, bad, unknown = compile_validator(flow)([{"age": "5"}, {"age": "old"}, {"age": 5, "x": 1}])
    assert good is CLEAN
    assert bad.problems[0].message == "Age is not a whole number such as 250."
    assert unknown.problems[0].code == "unknown_field"
