from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    LookupSource,
    OnMiss,
    Operation,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.types import FieldType
from formlane.mapping.compiler import compile_flow
from formlane.mapping.expansion import expanded, is_nameable
from formlane.mapping.lines import SKIP, Acceptance, Known

ACCEPTANCE = Acceptance(
    batch_id="b1", accepted_at=dt.datetime(2026, 11, 3, tzinfo=dt.UTC), source="f1", source_name="Support"
)
ACCOUNT = LookupSource(object="Account", field="Domain", input="domain", on_miss=OnMiss.CREATE)
TIER = LookupSource(object="Tier", field="Seats", input="seats", on_miss=OnMiss.CREATE)
EITHER = replace(ACCOUNT, on_miss=OnMiss.NULL)


def step(name: str, *lookups: LookupSource, condition: str | None = None) -> Step:
    lines = [
        FieldMapping(target=f"T{number}", source=Source(kind=SourceKind.LOOKUP, lookup=lookup))
        for number, lookup in enumerate(lookups)
    ]
    return Step(name=name, object="Contact", mapping=tuple(lines), condition=condition)


def flow(*steps: Step) -> FlowDefinition:
    inputs = (Input(name="domain"), Input(name="seats", type=FieldType.INTEGER), Input(name="kind"))
    return FlowDefinition(inputs=inputs, steps=steps)


def names(definition: FlowDefinition) -> list[str]:
    return [one.name for one in definition.steps]


def test_an_upsert_comes_before_the_step_that_uses_it() -> None:
    made = expanded(flow(step("first"), step("second", EITHER, ACCOUNT)), {})
    assert names(made) == ["first", "lookup_1", "second"]
    _, created, second = made.steps
    assert (created.object, created.operation, created.match_key) == (
        "Account",
        Operation.UPSERT,
        ("Domain",),
    )
    assert [line.source for line in second.mapping] == [
        Source(kind=SourceKind.LOOKUP, lookup=EITHER),
        Source(kind=SourceKind.STEP, step="lookup_1"),
    ]
    assert expanded(made, {}) == made


def test_steps_under_one_condition_share_what_is_created() -> None:
    same = expanded(flow(step("a", ACCOUNT), step("b", ACCOUNT, TIER)), {})
    assert names(same) == ["lookup_1", "a", "lookup_2", "b"]
    other = expanded(flow(step("a", ACCOUNT, condition='kind = "x"'), step("b", ACCOUNT)), {})
    assert names(other) == ["lookup_1", "a", "lookup_2", "b"]


def test_names_that_are_taken_are_left_alone() -> None:
    assert names(expanded(flow(step("lookup_1"), step("b", ACCOUNT)), {})) == ["lookup_1", "lookup_2", "b"]


def test_nothing_is_created_where_nothing_is_given_or_the_step_is_skipped() -> None:
    compiled = compile_flow(expanded(flow(step("a", TIER, condition='kind = "x"')), {}), 1)
    made, used = compiled.steps
    record = {"seats": 5, "kind": "x"}
    assert made.map(record, ACCEPTANCE, 0, "") == {"Seats": 5}
    assert made.map({"seats": 5}, ACCEPTANCE, 0, "") is SKIP
    assert made.map({"kind": "x"}, ACCEPTANCE, 0, "") is SKIP
    assert used.map(record, ACCEPTANCE, 0, "", Known(remote={"lookup_1": "t1"})) == {"T0": "t1"}
    assert compiled.lookups == ()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (FieldType.STRING, FieldType.STRING),
        (FieldType.DECIMAL, FieldType.DECIMAL),
        (FieldType.DATE, FieldType.INTEGER),
    ],
)
def test_the_field_is_written_in_its_own_type_if_it_takes_the_input(
    known: FieldType, expected: FieldType
) -> None:
    related = {
        "Tier": [
            FieldInfo(name="Name", label="", type=FieldType.STRING),
            FieldInfo(name="Seats", label="", type=known),
        ]
    }
    [created, _] = expanded(flow(step("a", TIER)), related).steps
    assert created.mapping[0].type is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("domain", True),
        ("domain_2", True),
        ("company name", False),
        ("TRUE", False),
        ("x) & (y", False),
        ("5", False),
    ],
)
def test_inputs_that_formulas_cannot_name(name: str, *, expected: bool) -> None:
    assert is_nameable(name) is expected
