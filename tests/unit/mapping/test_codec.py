from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    KeyInput,
    LookupSource,
    NoMatch,
    Normaliser,
    NullPolicy,
    OnMiss,
    Operation,
    SeveralMatches,
    Source,
    SourceKind,
    Step,
    SystemValue,
    WindowSetting,
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput, Problem
from formlane.mapping.codec import definition_from_json, definition_to_json

FLOW = FlowDefinition(
    inputs=(Input(name="email", type=FieldType.EMAIL, required=True), Input(name="age", label="Age")),
    steps=(
        Step(
            name="contact",
            object="Contact",
            operation=Operation.UPSERT,
            match_key=("Email",),
            tracking_field="Ref__c",
            mapping=(
                FieldMapping(
                    target="Email", source=Source(kind=SourceKind.INPUT, input="email"), max_length=80
                ),
                FieldMapping(
                    target="Tags",
                    source=Source(kind=SourceKind.CONSTANT, constant=["a", {"b": None}]),
                    type=FieldType.JSON,
                    nulls=NullPolicy.DEFAULT,
                    default={"x": 1},
                ),
                FieldMapping(
                    target="Ref__c", source=Source(kind=SourceKind.SYSTEM, system=SystemValue.TRACKING_KEY)
                ),
                FieldMapping(
                    target="N", source=Source(kind=SourceKind.FORMULA, formula="age"), choices=("1", "2")
                ),
            ),
            condition='age <> ""',
            options={"file": "x"},
        ),
        Step(
            name="case",
            object="Case",
            operation=Operation.UPDATE,
            match_key=("Number",),
            no_match=NoMatch.SKIP,
            several_matches=SeveralMatches.NEWEST,
            mapping=(
                FieldMapping(target="ContactId", source=Source(kind=SourceKind.STEP, step="contact")),
                FieldMapping(
                    target="AccountId",
                    source=Source(
                        kind=SourceKind.LOOKUP,
                        lookup=LookupSource(
                            object="Account", field="Domain__c", input="email", on_miss=OnMiss.NULL
                        ),
                    ),
                    digits=18,
                    decimals=0,
                ),
            ),
        ),
    ),
    key_input=KeyInput(inputs=("email",), normalisers=(Normaliser.LOWER,)),
    shards=4,
    window=WindowSetting(seconds=60),
    strict=True,
)
FORM = FormDefinition(
    title="Contact",
    fields=(
        FormField(
            name="age", label="Age", type=FieldType.DECIMAL, minimum=Decimal("0.5"), maximum=Decimal(120)
        ),
        FormField(name="country", label="Country", type=FieldType.ENUM, choices=("DE", "FR"), required=True),
    ),
)


def problem_of(kind: Any, raw: object) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        definition_from_json(kind, raw)
    (problem,) = caught.value.problems
    return problem


def test_definitions_survive_the_journey_through_json() -> None:
    flow = orjson.loads(orjson.dumps(definition_to_json(FLOW)))
    assert definition_from_json(FlowDefinition, flow) == FLOW
    form = orjson.loads(orjson.dumps(definition_to_json(FORM)))
    assert definition_from_json(FormDefinition, form) == FORM
    binding = Binding(input="a", field="b")
    assert definition_from_json(Binding, definition_to_json(binding)) == binding


def test_defaults_are_left_out_of_the_json() -> None:
    step = Step(
        name="s", object="o", mapping=(FieldMapping(target="t", source=FLOW.steps[0].mapping[0].source),)
    )
    assert definition_to_json(FlowDefinition(inputs=(Input(name="email"),), steps=(step,))) == {
        "inputs": [{"name": "email"}],
        "steps": [
            {
                "name": "s",
                "object": "o",
                "mapping": [{"target": "t", "source": {"kind": "input", "input": "email"}}],
            }
        ],
    }


def test_related_records_are_written_like_this() -> None:
    written: Any = definition_to_json(FLOW)
    step = written["steps"][1]
    assert step["no_match"] == "skip"
    assert [line["source"] for line in step["mapping"]] == [
        {"kind": "step", "step": "contact"},
        {
            "kind": "lookup",
            "lookup": {"object": "Account", "field": "Domain__c", "input": "email", "on_miss": "null"},
        },
    ]


LOOKUP = ("steps", 1, "mapping", 1, "source", "lookup")


@pytest.mark.parametrize(
    ("path", "value", "pointer", "words"),
    [
        ((*LOOKUP, "on_miss"), "insert", "/steps/1/mapping/1/source/lookup/on_miss", "null, reject, create"),
        ((*LOOKUP, "feild"), "x", "/steps/1/mapping/1/source/lookup/feild", "Did you mean field?"),
        (LOOKUP, {"object": "a", "field": "b"}, "/steps/1/mapping/1/source/lookup/input", "required"),
        (LOOKUP, "Account", "/steps/1/mapping/1/source/lookup", "must be an object or null, not text"),
        (("steps", 1, "no_match"), "skipp", "/steps/1/no_match", "Did you mean skip?"),
        (("steps", 1, "several_matches"), "last", "/steps/1/several_matches", "newest"),
        (("steps", 1, "mapping", 1, "digits"), 39, "/steps/1/mapping/1/digits", "at most 38"),
        (("steps", 1, "mapping", 1, "decimals"), -1, "/steps/1/mapping/1/decimals", "at least 0"),
        (("steps",), [{"name": "s", "object": "o"}] * 11, "/steps", "at most 10"),
        (("steps", 0, "mapping", 2, "type"), "strng", "/steps/0/mapping/2/type", "Did you mean string?"),
        (
            ("steps", 0, "mapping", 2, "type"),
            5,
            "/steps/0/mapping/2/type",
            "must be text, not a whole number",
        ),
        (("steps", 0, "maping"), [], "/steps/0/maping", "Did you mean mapping?"),
        (("steps", 0, "a/b"), [], "/steps/0/a~1b", "Known keys: name"),
        (("shards",), 0, "/shards", "at least 1"),
        (("shards",), "many", "/shards", "must be a whole number, not text"),
        (("inputs", 0, "name"), " ", "/inputs/0/name", "blank"),
        (("inputs", 0, "name"), "a\nb", "/inputs/0/name", "control characters"),
        (("inputs",), {}, "/inputs", "must be a list, not an object"),
        (("key_input", "normalisers", 0), "upper", "/key_input/normalisers/0", "lower"),
        (("steps", 0, "mapping", 0, "source"), {}, "/steps/0/mapping/0/source/kind", "required"),
        (("steps", 0, "options"), {"x": float("nan")}, "", "JSON cannot hold"),
        (("steps", 0, "name"), "\ud800", "", "surrogate"),
    ],
)
def test_faults_are_told_by_place_and_in_plain_words(
    path: tuple[str | int, ...], value: object, pointer: str, words: str
) -> None:
    raw: Any = orjson.loads(orjson.dumps(definition_to_json(FLOW)))
    inner = raw
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    problem = problem_of(FlowDefinition, raw)
    assert problem.pointer == pointer
    assert words in problem.message
    assert "`" not in problem.message


@pytest.mark.parametrize("bound", ["NaN", "Infinity", "1e999"])
def test_bounds_of_a_form_are_finite(bound: str) -> None:
    raw = {"title": "F", "fields": [{"name": "a", "label": "A", "type": "decimal", "minimum": bound}]}
    assert problem_of(FormDefinition, raw).pointer == "/fields/0/minimum"


def test_what_is_no_object_is_refused() -> None:
    assert problem_of(FlowDefinition, [1]).message == "The definition: must be an object, not a list."


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputs", "steps", "name", "fields", "title", "source", "mapping"]), inner
        )
    ),
)


@given(ANYTHING, st.sampled_from([FlowDefinition, FormDefinition, Binding]))
def test_whatever_comes_is_a_definition_or_one_clear_fault(raw: object, kind: Any) -> None:
    try:
        definition = definition_from_json(kind, raw)
    except InvalidInput as refused:
        messages = [problem.message for problem in refused.problems]
    else:
        messages = []
        assert definition_from_json(kind, definition_to_json(definition)) == definition
    assert all(message.endswith((".", "?")) for message in messages)
