from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from formlane.destinations.base import FieldInfo, OperationSpec, Resend
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    KeyInput,
    Normaliser,
    NullPolicy,
    Operation,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.mapping.checks import check_bindings, check_flow
from formlane.mapping.compiler import compile_flow
from formlane.mapping.findings import Finding, Severity
from formlane.mapping.form_checks import check_form

EMAIL = FieldMapping(
    target="Email",
    source=Source(kind=SourceKind.INPUT, input="email"),
    type=FieldType.EMAIL,
    required=True,
    max_length=80,
)
STEP = Step(name="s", object="Contact", operation=Operation.UPSERT, match_key=("Email",), mapping=(EMAIL,))
FLOW = FlowDefinition(
    inputs=(
        Input(name="email", type=FieldType.EMAIL, required=True),
        Input(name="name"),
        Input(name="at", type=FieldType.DATETIME),
    ),
    steps=(STEP,),
    key_input=KeyInput(inputs=("email",)),
)
FIELDS = (
    FieldInfo(name="Email", label="Email", type=FieldType.EMAIL, required=True, unique=True, max_length=80),
    FieldInfo(name="Name", label="Name", type=FieldType.STRING, max_length=10),
    FieldInfo(name="Day", label="Day", type=FieldType.DATE),
    FieldInfo(name="Kind", label="Kind", type=FieldType.ENUM, choices=("lead", "client")),
    FieldInfo(name="Made", label="Made", type=FieldType.STRING, updateable=False),
    FieldInfo(name="Sum", label="Sum", type=FieldType.DECIMAL, createable=False),
)


def spec(resend: Resend) -> OperationSpec:
    return OperationSpec(
        operation=Operation.UPSERT,
        resend=resend,
        max_records=200,
        max_bytes=10**6,
        deadline=dt.timedelta(seconds=30),
    )


def added(target: str, *, of: str = "name", **rest: Any) -> FlowDefinition:
    source = rest.pop("source", Source(kind=SourceKind.INPUT, input=of))
    step = replace(STEP, mapping=(EMAIL, FieldMapping(target=target, source=source, **rest)))
    return replace(FLOW, steps=(step,))


def in_step(**changes: Any) -> FlowDefinition:
    return replace(FLOW, steps=(replace(STEP, **changes),))


def found(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.severity.value, finding.pointer, finding.code) for finding in findings]


def test_a_sound_flow_has_no_findings() -> None:
    assert check_flow(FLOW, [FIELDS], [spec(Resend.RESEND_SAFE)]) == []
    assert check_flow(FLOW) == []
    assert check_flow(FLOW, [[]], [None]) == []


def formula(text: str) -> Source:
    return Source(kind=SourceKind.FORMULA, formula=text)


@pytest.mark.parametrize(
    ("definition", "pointer", "code", "words"),
    [
        (replace(FLOW, inputs=(*FLOW.inputs, Input(name="name"))), "/inputs/3/name", "duplicate", ""),
        (replace(FLOW, steps=(STEP, STEP)), "/steps/1/name", "duplicate", ""),
        (replace(FLOW, steps=()), "/steps", "required", ""),
        (replace(FLOW, key_input=KeyInput(inputs=())), "/key_input/inputs", "required", ""),
        (
            replace(FLOW, key_input=KeyInput(inputs=("email", "emial"))),
            "/key_input/inputs/1",
            "unknown_input",
            "Did you mean email?",
        ),
        (
            replace(
                FLOW, key_input=KeyInput(inputs=("email",), normalisers=(Normaliser.TRIM, Normaliser.LOWER))
            ),
            "/key_input/normalisers",
            "wrong_length",
            "one normaliser per key input",
        ),
        (added("Email"), "/steps/0/mapping/1/target", "duplicate", "Remove one"),
        (in_step(mapping=(), match_key=()), "/steps/0/mapping", "required", ""),
        (in_step(match_key=()), "/steps/0/match_key", "required", ""),
        (in_step(match_key=("Email", "Emial")), "/steps/0/match_key/1", "not_mapped", "Did you mean Email?"),
        (added("Name", of="nmae"), "/steps/0/mapping/1/source/input", "unknown_input", "Did you mean name?"),
        (
            added("Name", source=formula("TRIMM(name)")),
            "/steps/0/mapping/1/source/formula",
            "formula",
            "TRIM",
        ),
        (in_step(condition="name"), "/steps/0/condition", "formula", ""),
        (added("Nam"), "/steps/0/mapping/1/target", "unknown_target", "Did you mean Name?"),
        (in_step(mapping=(), match_key=()), "/steps/0/mapping", "missing_target", "Add a line for Email."),
        (in_step(tracking_field="Nmae"), "/steps/0/tracking_field", "unknown_target", "Did you mean Name?"),
        (added("Sum", type=FieldType.DECIMAL), "/steps/0/mapping/1/target", "not_createable", ""),
        (
            added("Day", of="at", type=FieldType.BOOLEAN),
            "/steps/0/mapping/1/type",
            "wrong_type",
            "Set the line's type to date.",
        ),
        (
            added("Kind", source=Source(kind=SourceKind.CONSTANT, constant="leed"), type=FieldType.ENUM),
            "/steps/0/mapping/1/source/constant",
            "not_a_choice",
            "Did you mean lead?",
        ),
    ],
)
def test_what_cannot_work_is_an_error(
    definition: FlowDefinition, pointer: str, code: str, words: str
) -> None:
    findings = check_flow(definition, [FIELDS])
    matching = [one for one in findings if (one.pointer, one.code) == (pointer, code)]
    assert matching, found(findings)
    assert matching[0].severity is Severity.ERROR
    assert words in matching[0].as_problem().message


@pytest.mark.parametrize(
    ("definition", "pointer", "code"),
    [
        (added("Name", max_length=11), "/steps/0/mapping/1/max_length", "too_long"),
        (added("Name"), "/steps/0/mapping/1/max_length", "too_long"),
        (added("Kind", type=FieldType.ENUM), "/steps/0/mapping/1/choices", "not_a_choice"),
        (added("Kind", type=FieldType.ENUM, choices=("x",)), "/steps/0/mapping/1/choices", "not_a_choice"),
        (added("Made"), "/steps/0/mapping/1/target", "not_updateable"),
        (added("Day", of="at", type=FieldType.DATE), "/steps/0/mapping/1/type", "lossy"),
        (added("Day", type=FieldType.DATE), "/steps/0/mapping/1/type", "may_fail"),
        (added("Day"), "/steps/0/mapping/1/type", "other_type"),
        (in_step(mapping=(replace(EMAIL, required=False),)), "/steps/0/mapping/0/required", "may_be_empty"),
        (replace(FLOW, key_input=None), "/key_input", "no_order"),
        (replace(FLOW, key_input=KeyInput(inputs=("name",))), "/steps/0/match_key", "outside_key_input"),
        (
            replace(
                added("Name", source=formula("name & at"), max_length=9),
                key_input=KeyInput(inputs=("email", "at")),
            ),
            None,
            None,
        ),
    ],
)
def test_what_a_person_should_judge_is_a_warning(
    definition: FlowDefinition, pointer: str | None, code: str | None
) -> None:
    findings = check_flow(definition, [FIELDS])
    expected = [("warning", pointer, code)] if pointer else []
    assert found(findings) == expected


def test_a_match_key_made_by_a_formula_counts_its_inputs() -> None:
    made = FieldMapping(target="Name", source=formula("name & email"), max_length=10)
    definition = in_step(mapping=(EMAIL, made), match_key=("Name",))
    assert ("warning", "/steps/0/match_key", "outside_key_input") in found(check_flow(definition))
    assert ("warning", "/steps/0/match_key", "not_unique") in found(check_flow(definition, [FIELDS]))


def test_nothing_is_missing_where_nothing_is_created() -> None:
    definition = in_step(operation=Operation.UPDATE, mapping=(replace(EMAIL, target="Name", max_length=10),))
    codes = [one.code for one in check_flow(replace(definition, key_input=None), [FIELDS])]
    assert "missing_target" not in codes
    made = in_step(operation=Operation.UPDATE, mapping=(EMAIL, replace(EMAIL, target="Made")))
    assert ("error", "/steps/0/mapping/1/target", "not_updateable") in found(check_flow(made, [FIELDS]))


@pytest.mark.parametrize(
    "definition",
    [
        added("Kind", source=Source(kind=SourceKind.CONSTANT, constant="lead"), type=FieldType.ENUM),
        added("Kind", type=FieldType.ENUM, choices=("lead",)),
    ],
)
def test_offered_values_raise_no_doubt(definition: FlowDefinition) -> None:
    assert check_flow(definition, [FIELDS]) == []


def test_a_default_makes_a_required_field_safe() -> None:
    line = replace(EMAIL, required=False, nulls=NullPolicy.DEFAULT, default="a@b.c")
    assert check_flow(in_step(mapping=(line,)), [FIELDS]) == []


def test_a_keyed_flow_may_not_park() -> None:
    assert found(check_flow(FLOW, [FIELDS], [spec(Resend.PARK)])) == [("error", "/key_input", "would_park")]
    keyless = replace(FLOW, key_input=None)
    assert "would_park" not in [one.code for one in check_flow(keyless, [FIELDS], [spec(Resend.PARK)])]


def test_an_operation_that_looks_first_needs_a_tracking_field() -> None:
    assert found(check_flow(FLOW, [FIELDS], [spec(Resend.FIND)])) == [
        ("warning", "/steps/0/tracking_field", "no_tracking_field")
    ]
    tracked = in_step(tracking_field="Name")
    assert check_flow(tracked, [FIELDS], [spec(Resend.FIND)]) == []


def test_a_formula_finding_has_position_and_length() -> None:
    (finding,) = check_flow(added("Name", source=formula("TRIM(nmae)")))
    assert (finding.position, finding.length) == (5, 4)
    assert finding.suggestion


def test_errors_come_first_and_a_flow_without_errors_compiles() -> None:
    findings = check_flow(replace(added("Nam", of="nmae"), key_input=None), [FIELDS])
    assert [one.severity for one in findings] == sorted(one.severity for one in findings)
    assert compile_flow(FLOW, 1).steps


FORM = FormDefinition(
    title="F",
    fields=(
        FormField(name="mail", label="Mail", type=FieldType.EMAIL, required=True),
        FormField(name="who", label="Who"),
        FormField(name="day", label="Day", type=FieldType.DATE),
    ),
)
BOUND = (
    Binding(input="email", field="mail"),
    Binding(input="name", field="who"),
    Binding(input="at", field="day"),
)


def test_a_complete_binding_has_no_findings() -> None:
    assert check_bindings(FLOW, FORM, BOUND) == []


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        (BOUND[:2], ("error", "/bindings", "unbound_input")),
        ((*BOUND, BOUND[1]), ("error", "/bindings/3/input", "duplicate")),
        ((*BOUND, Binding(input="nmae", field="who")), ("error", "/bindings/3/input", "unknown_input")),
        ((*BOUND[:2], Binding(input="at", field="dya")), ("error", "/bindings/2/field", "unknown_field")),
        ((Binding(input="email", field="day"), *BOUND[1:]), ("error", "/bindings/0", "no_conversion")),
        ((Binding(input="email", field="who"), *BOUND[1:]), ("warning", "/bindings/0", "may_fail")),
        ((Binding(input="email", field="who"), *BOUND[1:]), ("warning", "/bindings/0", "may_be_empty")),
    ],
)
def test_faults_of_a_binding_are_found(bindings: tuple[Binding, ...], expected: tuple[str, str, str]) -> None:
    assert expected in found(check_bindings(FLOW, FORM, bindings))


def test_a_form_is_checked_for_what_does_nothing() -> None:
    fields = (
        FormField(name="a", label="A", type=FieldType.ENUM),
        FormField(name="a", label="B", choices=("x", "x"), minimum=5, maximum=1),  # type: ignore[arg-type]
        FormField(name="c", label="C", type=FieldType.DATE, max_length=5),
    )
    assert found(check_form(FormDefinition(title="F", fields=fields))) == [
        ("error", "/fields/1/name", "duplicate"),
        ("error", "/fields/0/choices", "required"),
        ("error", "/fields/1/choices/1", "duplicate"),
        ("error", "/fields/1/minimum", "out_of_range"),
        ("warning", "/fields/1/choices", "no_effect"),
        ("warning", "/fields/1/minimum", "no_effect"),
        ("warning", "/fields/1/maximum", "no_effect"),
        ("warning", "/fields/2/max_length", "no_effect"),
    ]
    assert check_form(FORM) == []
