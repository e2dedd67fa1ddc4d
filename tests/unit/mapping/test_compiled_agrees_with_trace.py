from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    LookupSource,
    NullPolicy,
    OnMiss,
    Source,
    SourceKind,
    Step,
    SystemValue,
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput
from formlane.formulas import compile_formula
from formlane.mapping.compiler import CompiledFlow, compile_flow
from formlane.mapping.conversions import conversion
from formlane.mapping.limits import LineFault, check_limits, counts_digits, digits_test
from formlane.mapping.lines import Acceptance, Known, MappingError, Skip
from formlane.mapping.resolve import Resolver

ACCEPTANCE = Acceptance(
    batch_id="b1", accepted_at=dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC), source="f1", source_name="Contact"
)
NAMES = ("a", "b", 'c"c', "d'd\n", "ünïcode")
FORMULAS = (
    "a",
    "b",
    'a & "-" & b',
    "UPPER(a)",
    "LEN(a)",
    "a = b",
    "VALUE(a)",
    "TODAY()",
    "NOW()",
    'IF(a = "", b, a)',
    "COALESCE(a, b)",
    "ROUND(a / b, 2)",
    "1 / 0",
    "DATEVALUE(a)",
    "TRUE",
)
CONDITIONS = (None, None, None, 'a <> ""', "a = 1", "TRUE", "FALSE", "VALUE(a) > 0")
AWKWARD = (
    "|x|é|  |250|1.50|true|no|2024-12-31|2024-02-30|2024-12-31T18:30:00Z|18:30|a;b|a|b|name@example.org"
    "|https://example.org|+1 555|QUJD|\ud800|９|1e400|-0|99.95|100|0.05|1.500"
)
TEXTS = AWKWARD.split("|")
OTHERS: list[object] = [
    *[
        None,
        True,
        False,
        0,
        1,
        -5,
        10**18,
        10**18 + 1,
        2**70,
        0.1,
        -0.0,
        3.0,
        99.9,
        12.25,
        1e16,
        1e300,
        float("nan"),
    ],
    *[[], ["a", "b"], ["x"], ["a", 1], {}, {"k": [1, "é"]}, {"k": float("inf")}],
]
LOOKUPS = tuple(
    LookupSource(object="Account", field=field, input=name, on_miss=on_miss)
    for name, field, on_miss in zip(NAMES, ("A", "A", "B", "B", "C"), (*OnMiss, *OnMiss), strict=False)
)
IDENTITIES = ("001x", "250", "", "é", "\ud800", "x")
RAW = st.sampled_from(["", "", "x", None]) | st.sampled_from(TEXTS) | st.sampled_from(OTHERS)
KINDS = st.sampled_from([FieldType.STRING, FieldType.TEXT, FieldType.INTEGER]) | st.sampled_from(FieldType)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"required": True},
    {"nulls": NullPolicy.NULL},
    {"max_length": 3},
    {"nulls": NullPolicy.DEFAULT, "default": "x"},
    {"choices": ("x", "a", "é", "250")},
    {"digits": 3},
    {"decimals": 1},
    {"digits": 3, "decimals": 1},
]


@st.composite
def sources(draw: st.DrawFn) -> Source:
    kind = draw(st.sampled_from(SourceKind))
    match kind:
        case SourceKind.INPUT:
            return Source(kind=kind, input=draw(st.sampled_from(NAMES)))
        case SourceKind.CONSTANT:
            value = cast(Json, draw(RAW))
            return Source(kind=kind, constant=value)
        case SourceKind.FORMULA:
            return Source(kind=kind, formula=draw(st.sampled_from(FORMULAS)))
        case SourceKind.SYSTEM:
            return Source(kind=kind, system=draw(st.sampled_from(SystemValue)))
        case SourceKind.STEP:
            return Source(kind=kind, step="first")
        case _:
            return Source(kind=SourceKind.LOOKUP, lookup=draw(st.sampled_from(LOOKUPS)))


@st.composite
def mappings(draw: st.DrawFn, target: str) -> FieldMapping:
    default = cast(Json, draw(st.none() | RAW))
    return FieldMapping(
        target=target,
        source=draw(sources()),
        type=draw(KINDS),
        required=draw(st.booleans()),
        nulls=draw(st.sampled_from(NullPolicy)),
        default=default,
        max_length=draw(st.none() | st.integers(1, 6)),
        digits=draw(st.none() | st.integers(1, 5)),
        decimals=draw(st.none() | st.integers(0, 4)),
        choices=tuple(draw(st.sampled_from([(), (), ("x", "a"), ("250", "é")]))),
    )


@st.composite
def known_things(draw: st.DrawFn) -> Known:
    remote = draw(st.dictionaries(st.sampled_from(["first", "other"]), st.sampled_from(IDENTITIES)))
    answers = st.dictionaries(st.sampled_from(TEXTS) | st.just("x"), st.none() | st.sampled_from(IDENTITIES))
    return Known(remote=remote, found=draw(st.dictionaries(st.sampled_from(LOOKUPS), answers)))


def workable(inputs: tuple[Input, ...], mapping: FieldMapping, condition: str | None) -> bool:
    types = {given.name: given.type for given in inputs}
    resolver = Resolver(types, 1, formulas=compile_formula)
    resolver.earlier.append("first")
    resolver.step(Step(name="s", object="Contact", mapping=(mapping,), condition=condition), "")
    return not resolver.findings


def definition(
    inputs: tuple[Input, ...], mapping: tuple[FieldMapping, ...], condition: str | None
) -> FlowDefinition:
    plain = FieldMapping(target="t", source=Source(kind=SourceKind.CONSTANT, constant="x"))
    first = Step(name="first", object="Account", mapping=(plain,))
    step = Step(name="s", object="Contact", mapping=mapping, condition=condition)
    return FlowDefinition(inputs=inputs, steps=(first, step))


@st.composite
def flows(draw: st.DrawFn) -> CompiledFlow:
    inputs = tuple(Input(name=name, type=draw(KINDS)) for name in NAMES)
    condition = draw(st.sampled_from(CONDITIONS))
    plain = FieldMapping(target="t", source=Source(kind=SourceKind.CONSTANT, constant="x"))
    if not workable(inputs, plain, condition):
        condition = None
    lines = [draw(mappings(f"t{index}'\"")) for index in range(draw(st.integers(1, 6)))]
    kept = tuple(line for line in lines if workable(inputs, line, None))
    return compile_flow(definition(inputs, kept, condition), 3)


def input_line(kind: FieldType, **limits: Any) -> FieldMapping:
    return FieldMapping(target="t", source=Source(kind=SourceKind.INPUT, input="a"), type=kind, **limits)


@pytest.mark.parametrize("limits", VARIANTS, ids=lambda limits: "-".join(limits) or "plain")
@pytest.mark.parametrize("given_type", FieldType)
def test_every_pair_of_types_agrees_on_awkward_values(given_type: FieldType, limits: dict[str, Any]) -> None:
    inputs = (Input(name="a", type=given_type),)
    pairs = [input_line(kind, **limits) for kind in FieldType if conversion(given_type, kind) is not None]
    for mapping in [pair for pair in pairs if workable(inputs, pair, None)]:
        _, step = compile_flow(definition(inputs, (mapping,), None), 1).steps
        for raw in [*TEXTS, *OTHERS]:
            compiled = step.map({"a": raw}, ACCEPTANCE, 0, "k")
            assert repr(compiled) == repr(
                step.trace({"a": raw}, ACCEPTANCE, row=0, tracking_key="k").outcome
            ), (mapping, raw)


@pytest.mark.parametrize("condition", ["a", *filter(None, CONDITIONS)])
def test_conditions_agree(condition: str) -> None:
    mapping = (input_line(FieldType.STRING),)
    kind = {"a = 1": FieldType.INTEGER, "a": FieldType.BOOLEAN}.get(condition, FieldType.STRING)
    _, step = compile_flow(definition((Input(name="a", type=kind),), mapping, condition), 1).steps
    for raw in [*TEXTS, *OTHERS]:
        compiled = step.map({"a": raw}, ACCEPTANCE, 0, "k")
        assert repr(compiled) == repr(step.trace({"a": raw}, ACCEPTANCE, row=0, tracking_key="k").outcome)


@settings(max_examples=150, deadline=None)
@given(
    flows(),
    st.lists(st.dictionaries(st.sampled_from(NAMES), RAW), min_size=5, max_size=15),
    known_things(),
)
def test_compiled_and_trace_give_the_same(
    flow: CompiledFlow, records: list[dict[str, object]], known: Known
) -> None:
    _, step = flow.steps
    for row, record in enumerate(records):
        compiled = step.map(record, ACCEPTANCE, row, "k", known)
        traced = step.trace(record, ACCEPTANCE, row=row, tracking_key="k", known=known).outcome
        assert repr(compiled) == repr(traced)
        if isinstance(compiled, dict):
            assert orjson.dumps(compiled)
            assert list(compiled) == [name for name in step.columns if name in compiled]
        elif not isinstance(compiled, Skip):
            assert compiled
            assert all(isinstance(error, MappingError) for error in compiled)


@settings(max_examples=30, deadline=None)
@given(
    flows(),
    st.lists(KINDS, min_size=5, max_size=5),
    st.dictionaries(st.sampled_from(NAMES), RAW),
    known_things(),
)
def test_they_agree_on_records_of_a_form_too(
    flow: CompiledFlow, kinds: list[FieldType], record: dict[str, object], known: Known
) -> None:
    form = FormDefinition(
        title="F",
        fields=tuple(
            FormField(name=name, label=name, type=kind) for name, kind in zip(NAMES, kinds, strict=True)
        ),
    )
    bindings = [Binding(input=name, field=field) for name, field in zip(NAMES, reversed(NAMES), strict=True)]
    try:
        bound = flow.bind(form, bindings)
    except InvalidInput as refused:
        pointers = [problem.pointer for problem in refused.problems]
        bindings = [one for index, one in enumerate(bindings) if f"/bindings/{index}" not in pointers]
        bound = flow.bind(form, bindings)
    _, step = bound.steps
    compiled = step.map(record, ACCEPTANCE, 0, "k", known)
    traced = step.trace(record, ACCEPTANCE, row=0, tracking_key="k", known=known)
    assert repr(compiled) == repr(traced.outcome)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(LOOKUPS),
    KINDS,
    st.dictionaries(st.sampled_from(NAMES), RAW, min_size=1),
    st.booleans(),
)
def test_what_is_asked_for_is_all_that_a_lookup_needs(
    lookup: LookupSource, kind: FieldType, record: dict[str, object], is_there: bool
) -> None:
    inputs = tuple(Input(name=name, type=kind) for name in NAMES)
    line = FieldMapping(target="t", source=Source(kind=SourceKind.LOOKUP, lookup=lookup))
    flow = compile_flow(definition(inputs, (line,), None), 1)
    asked = dict(flow.lookup_texts(record))
    known = Known(found={lookup: dict.fromkeys(asked.values(), "001x" if is_there else None)})
    mapped = flow.steps[1].map(record, ACCEPTANCE, 0, "k", known)
    if isinstance(mapped, list):
        assert "not looked up" not in mapped[0].message
    else:
        assert mapped == ({"t": "001x"} if is_there and asked else {})


@given(
    st.integers(1, 17) | st.none(),
    st.integers(0, 8) | st.none(),
    st.integers(-(10**15), 10**15)
    | st.floats(-1e15, 1e15)
    | st.decimals(-(10**9), 10**9, places=3).map(float),
)
def test_the_quick_test_of_digits_is_right(digits: int | None, decimals: int | None, value: float) -> None:
    mapping = input_line(FieldType.DECIMAL, digits=digits, decimals=decimals)
    if not counts_digits(mapping):
        return
    try:
        check_limits(mapping, Decimal(repr(value)))
    except LineFault:
        assert not digits_test(mapping)(value)
    else:
        assert digits_test(mapping)(value)


def test_a_disagreement_would_be_seen() -> None:
    flow = compile_flow(
        definition(
            (Input(name="a"),),
            (FieldMapping(target="t", source=Source(kind=SourceKind.INPUT, input="a")),),
            None,
        ),
        1,
    )
    _, step = flow.steps
    assert (
        step.map({"a": "x"}, ACCEPTANCE, 0, "k")
        != step.trace({"a": "y"}, ACCEPTANCE, row=0, tracking_key="k").outcome
    )
    with pytest.raises(AttributeError):
        step.map = lambda *_: Skip.SKIP  # type: ignore[misc]
