from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    LookupSource,
    NoMatch,
    NullPolicy,
    OnMiss,
    Operation,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.types import FieldType
from formlane.mapping.checks import check_flow
from formlane.mapping.codec import definition_from_json, definition_to_json
from formlane.mapping.compiler import compile_flow
from formlane.mapping.expansion import expanded
from formlane.mapping.findings import Severity
from formlane.mapping.fitting import creates, fitted, fitted_line

LINE = FieldMapping(target="F", source=Source(kind=SourceKind.INPUT, input="a"))
INSERT = Step(name="s", object="Contact", mapping=(LINE,))


def offered(kind: FieldType = FieldType.STRING, **rest: Any) -> FieldInfo:
    return FieldInfo(name="F", label="F", type=kind, **rest)


@pytest.mark.parametrize(
    ("own", "theirs", "kept"),
    [
        ({}, {"max_length": 10}, {"max_length": 10}),
        ({"max_length": 8}, {"max_length": 10}, {"max_length": 8}),
        ({"max_length": 12}, {"max_length": 10}, {"max_length": 10}),
        ({}, {"max_length": 0}, {"max_length": None}),
        ({}, {"max_length": 2**31}, {"max_length": None}),
        ({}, {"choices": ("x", "", "y")}, {"choices": ("x", "y")}),
        ({}, {"choices": ("x",), "open_choices": True}, {"choices": ()}),
        ({"choices": ("z",)}, {"choices": ("x",)}, {"choices": ("z",)}),
        ({}, {"choices": ("x" * 1001,)}, {"choices": ()}),
        (
            {"type": FieldType.DATE},
            {"max_length": 10, "choices": ("x",)},
            {"max_length": None, "choices": ()},
        ),
        ({}, {"digits": 5}, {"digits": None}),
    ],
)
def test_the_smaller_limit_is_kept(own: Any, theirs: Any, kept: dict[str, Any]) -> None:
    line = fitted_line(INSERT, replace(LINE, **own), offered(**theirs))
    assert {name: getattr(line, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("own", "theirs", "kept"),
    [
        ((None, None), (18, 2), (18, 2)),
        ((None, 1), (18, 2), (17, 1)),
        ((6, 2), (18, 4), (6, 2)),
        ((6, None), (18, 2), (8, 2)),
        ((None, None), (None, 3), (None, 3)),
        ((38, None), (None, 10), (38, 10)),
        ((None, None), (39, None), (38, None)),
    ],
)
def test_digits_before_and_after_the_point_are_the_smaller_ones(
    own: tuple[int | None, int | None],
    theirs: tuple[int | None, int | None],
    kept: tuple[int | None, int | None],
) -> None:
    mapping = replace(LINE, type=FieldType.DECIMAL, digits=own[0], decimals=own[1])
    line = fitted_line(INSERT, mapping, offered(FieldType.DECIMAL, digits=theirs[0], decimals=theirs[1]))
    assert (line.digits, line.decimals) == kept


def test_a_decimal_into_a_whole_number_keeps_no_decimals() -> None:
    line = fitted_line(INSERT, replace(LINE, type=FieldType.DECIMAL), offered(FieldType.INTEGER, digits=8))
    assert (line.digits, line.decimals) == (8, 0)
    whole = fitted_line(
        INSERT, replace(LINE, type=FieldType.INTEGER), offered(FieldType.DECIMAL, digits=8, decimals=2)
    )
    assert (whole.digits, whole.decimals) == (6, None)


@pytest.mark.parametrize(
    ("operation", "nulls", "required"),
    [
        (Operation.INSERT, NullPolicy.OMIT, True),
        (Operation.UPSERT, NullPolicy.OMIT, False),
        (Operation.UPSERT, NullPolicy.NULL, True),
        (Operation.UPDATE, NullPolicy.NULL, True),
        (Operation.UPDATE, NullPolicy.OMIT, False),
        (Operation.DELETE, NullPolicy.NULL, False),
    ],
)
def test_a_line_is_required_where_its_empty_value_would_be_refused(
    operation: Operation, nulls: NullPolicy, *, required: bool
) -> None:
    step = replace(INSERT, operation=operation)
    assert fitted_line(step, replace(LINE, nulls=nulls), offered(required=True)).required is required
    assert not fitted_line(step, replace(LINE, nulls=nulls), offered()).required


def test_an_update_that_inserts_creates() -> None:
    update = replace(INSERT, operation=Operation.UPDATE)
    assert [creates(one) for one in (INSERT, update, replace(update, no_match=NoMatch.INSERT))] == [
        True,
        False,
        True,
    ]


def test_unknown_objects_and_fields_stay_as_they_are() -> None:
    definition = FlowDefinition(inputs=(Input(name="a"),), steps=(INSERT, replace(INSERT, name="t")))
    assert fitted(definition, []) == definition
    assert fitted(definition, [None]) == definition
    assert fitted(definition, [[], [replace(offered(max_length=1), name="G")]]) == definition
    first, second = fitted(definition, [None, [offered(max_length=1)]]).steps
    assert (first.mapping[0].max_length, second.mapping[0].max_length) == (None, 1)


LOOKUPS = [
    None,
    LookupSource(object="Account", field="F", input="a", on_miss=OnMiss.CREATE),
    LookupSource(object="Account", field="F", input="n", on_miss=OnMiss.CREATE),
    LookupSource(object="Account", field="F", input="a"),
]
INFOS = st.builds(
    FieldInfo,
    name=st.just("F"),
    label=st.just("F"),
    type=st.sampled_from(FieldType),
    required=st.booleans(),
    max_length=st.none() | st.integers(0, 9),
    digits=st.none() | st.integers(0, 40),
    decimals=st.none() | st.integers(0, 9),
    choices=st.sampled_from([(), ("x", "y"), ("",)]),
    open_choices=st.booleans(),
    matches=st.just(True),
)


@st.composite
def lines(draw: st.DrawFn) -> FieldMapping:
    lookup = draw(st.sampled_from(LOOKUPS))
    constant = draw(st.sampled_from(["x", "zzzzzz", 12.345, 1, None]))
    source = Source(kind=SourceKind.LOOKUP, lookup=lookup)
    if lookup is None:
        source = draw(
            st.sampled_from(
                [
                    Source(kind=SourceKind.CONSTANT, constant=constant),
                    Source(kind=SourceKind.INPUT, input=draw(st.sampled_from("an"))),
                ]
            )
        )
    return FieldMapping(
        target="F",
        source=source,
        type=draw(st.sampled_from(FieldType)),
        required=draw(st.booleans()),
        nulls=draw(st.sampled_from(NullPolicy)),
        default=draw(st.sampled_from([None, "x", 12.345])),
        max_length=draw(st.none() | st.integers(1, 9)),
        digits=draw(st.none() | st.integers(1, 38)),
        decimals=draw(st.none() | st.integers(0, 9)),
    )


@given(
    st.lists(lines(), min_size=1, max_size=3),
    st.lists(INFOS, max_size=3),
    INFOS,
    st.sampled_from([None, 'a = "x"']),
)
def test_what_has_no_errors_can_be_published(
    mapping: list[FieldMapping], infos: list[FieldInfo], account: FieldInfo, condition: str | None
) -> None:
    steps = tuple(
        Step(name=f"s{number}", object="Contact", mapping=(line,), condition=condition)
        for number, line in enumerate(mapping)
    )
    inputs = (Input(name="a"), Input(name="n", type=FieldType.INTEGER))
    definition = FlowDefinition(inputs=inputs, steps=steps)
    fields = [[info] for info in infos]
    findings = check_flow(definition, fields)
    if any(one.severity is Severity.ERROR for one in findings):
        return
    related = {"Account": [account], "Contact": infos[:1]}
    version = expanded(definition, related)
    version = fitted(version, [related[step.object] for step in version.steps])
    fitting_errors = check_flow(definition, [infos[:1]] * len(steps))
    assert definition_from_json(FlowDefinition, definition_to_json(version)) == version
    assert expanded(version, related) == version
    if not any(one.severity is Severity.ERROR for one in fitting_errors):
        assert compile_flow(version, 1).lookups == tuple(
            dict.fromkeys(
                line.source.lookup
                for line in mapping
                if line.source.lookup is not None and line.source.lookup.on_miss is not OnMiss.CREATE
            )
        )
