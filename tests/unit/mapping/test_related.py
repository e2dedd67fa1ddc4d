from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import pytest

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
)
from formlane.domain.forms import Binding, FormDefinition, FormField
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput
from formlane.mapping.compiler import CompiledFlow, compile_flow
from formlane.mapping.lines import SKIP, Acceptance, Known, Mapped

ACCEPTANCE = Acceptance(
    batch_id="b1", accepted_at=dt.datetime(2026, 11, 3, tzinfo=dt.UTC), source="f1", source_name="Support"
)
ACCOUNT = LookupSource(object="Account", field="Domain__c", input="domain")
MAY_MISS = replace(ACCOUNT, on_miss=OnMiss.NULL)
SIZE = LookupSource(object="Tier", field="Seats", input="seats")

CONTACT = Step(
    name="contact",
    object="Contact",
    mapping=(
        FieldMapping(target="Email", source=Source(kind=SourceKind.INPUT, input="email")),
        FieldMapping(target="AccountId", source=Source(kind=SourceKind.LOOKUP, lookup=ACCOUNT)),
    ),
)
CASE = Step(
    name="case",
    object="Case",
    condition='subject <> ""',
    mapping=(
        FieldMapping(
            target="ContactId",
            source=Source(kind=SourceKind.STEP, step="contact"),
            type=FieldType.REFERENCE,
            required=True,
        ),
        FieldMapping(
            target="Tier", source=Source(kind=SourceKind.LOOKUP, lookup=SIZE), nulls=NullPolicy.NULL
        ),
        FieldMapping(target="Parent", source=Source(kind=SourceKind.LOOKUP, lookup=MAY_MISS)),
        FieldMapping(target="Again", source=Source(kind=SourceKind.LOOKUP, lookup=ACCOUNT)),
    ),
)
DEFINITION = FlowDefinition(
    inputs=(
        Input(name="email", type=FieldType.EMAIL),
        Input(name="subject"),
        Input(name="domain"),
        Input(name="seats", type=FieldType.INTEGER),
    ),
    steps=(CONTACT, CASE),
)
FLOW = compile_flow(DEFINITION, 3)
RECORD: dict[str, object] = {"email": "a@b.c", "subject": "Help", "domain": "b.c", "seats": "0250"}
ANSWERS = {ACCOUNT: {"b.c": "001x"}, MAY_MISS: {"b.c": "001x"}, SIZE: {"250": "t1"}}


def mapped(step: int, record: Mapping[str, object], known: Known, *, flow: CompiledFlow = FLOW) -> Mapped:
    return flow.steps[step].map(record, ACCEPTANCE, 0, "k", known)


def test_steps_have_their_own_columns_and_types() -> None:
    assert [step.columns for step in FLOW.steps] == [
        ("Email", "AccountId"),
        ("ContactId", "Tier", "Parent", "Again"),
    ]
    assert FLOW.steps[1].types[0] is FieldType.REFERENCE


def test_what_has_to_be_looked_up_is_told_once_and_in_its_one_spelling() -> None:
    assert FLOW.lookups == (ACCOUNT, SIZE, MAY_MISS)
    assert list(FLOW.lookup_texts(RECORD)) == [(ACCOUNT, "b.c"), (SIZE, "250"), (MAY_MISS, "b.c")]
    assert list(FLOW.lookup_texts({"domain": "", "seats": "many"})) == []


def test_identities_of_an_earlier_step_and_of_lookups_are_mapped() -> None:
    assert mapped(0, RECORD, Known(found=ANSWERS)) == {"Email": "a@b.c", "AccountId": "001x"}
    assert mapped(1, RECORD, Known(remote={"contact": "003y"}, found=ANSWERS)) == {
        "ContactId": "003y",
        "Tier": "t1",
        "Parent": "001x",
        "Again": "001x",
    }
    assert mapped(1, {**RECORD, "subject": ""}, Known()) is SKIP


def test_a_step_that_was_skipped_leaves_an_empty_value() -> None:
    errors = mapped(1, RECORD, Known(found=ANSWERS))
    assert isinstance(errors, list)
    assert [(one.target, one.reason) for one in errors] == [("ContactId", Reason.MISSING_REQUIRED)]
    assert errors[0].message == (
        "ContactId: the earlier step's identity is required by the destination and empty here."
    )
    lax = replace(CASE, mapping=(replace(CASE.mapping[0], required=False, nulls=NullPolicy.NULL),))
    flow = compile_flow(replace(DEFINITION, steps=(CONTACT, lax)), 1)
    assert mapped(1, RECORD, Known(), flow=flow) == {"ContactId": None}


def test_an_empty_input_is_not_looked_up_and_empty() -> None:
    record = {"email": "a@b.c", "subject": "Help", "seats": None}
    known = Known(remote={"contact": "003y"})
    assert mapped(0, record, known) == {"Email": "a@b.c"}
    assert mapped(1, record, known) == {"ContactId": "003y", "Tier": None}


def test_a_miss_is_empty_or_rejects_and_never_tells_the_value() -> None:
    missed = Known(
        remote={"contact": "003y"}, found={**ANSWERS, ACCOUNT: {"b.c": None}, MAY_MISS: {"b.c": None}}
    )
    errors = mapped(1, RECORD, missed)
    assert isinstance(errors, list)
    assert [(one.target, one.reason) for one in errors] == [("Again", Reason.NOT_FOUND)]
    assert errors[0].message == (
        'Again: there is no Account whose Domain__c is the input "domain"; '
        "create it there, or correct the value."
    )


@pytest.mark.parametrize("found", [{}, {ACCOUNT: {"other": "001x"}}], ids=["nothing", "other"])
def test_what_was_not_looked_up_is_told_as_a_fault_of_ours(
    found: Mapping[LookupSource, Mapping[str, str | None]],
) -> None:
    errors = mapped(0, RECORD, Known(found=found))
    assert isinstance(errors, list)
    assert "was not looked up, which is a fault of this program" in errors[0].message


def test_an_input_that_cannot_be_read_is_told_where_it_is_used() -> None:
    errors = mapped(1, {**RECORD, "seats": "many"}, Known(remote={"contact": "003y"}, found=ANSWERS))
    assert isinstance(errors, list)
    assert errors[0].message.startswith('Tier: the input "seats" is not a whole number')


def test_a_form_asks_in_the_spelling_of_the_input() -> None:
    form = FormDefinition(
        title="F",
        fields=(FormField(name="Seats", label="Seats"), FormField(name="Company", label="Company")),
    )
    bound = FLOW.bind(form, [Binding(input="seats", field="Seats"), Binding(input="domain", field="Company")])
    assert list(bound.lookup_texts({"Seats": " 250 ", "Company": "b.c"}))[1] == (SIZE, "250")
    unbound = FLOW.bind(form, [Binding(input="seats", field="Seats")])
    assert list(unbound.lookup_texts({"Seats": "250", "Company": "b.c"})) == [(SIZE, "250")]
    assert mapped(0, {"Company": "b.c"}, Known(), flow=unbound) == {}


def test_a_trace_tells_where_identities_come_from() -> None:
    known = Known(remote={"contact": "003y"}, found=ANSWERS)
    trace = FLOW.steps[1].trace(RECORD, ACCEPTANCE, row=0, tracking_key="k", known=known)
    assert [(line.kind, line.origin, line.value) for line in trace.lines[:2]] == [
        (SourceKind.STEP, "contact", "003y"),
        (SourceKind.LOOKUP, "seats", "t1"),
    ]


@pytest.mark.parametrize(
    ("source", "pointer", "words"),
    [
        (Source(kind=SourceKind.STEP, step="contcat"), "step", "Did you mean contact?"),
        (Source(kind=SourceKind.STEP, step="case"), "step", "no earlier step"),
        (Source(kind=SourceKind.STEP), "step", "no earlier step"),
        (Source(kind=SourceKind.LOOKUP), "lookup", "say what is looked up"),
        (
            Source(kind=SourceKind.LOOKUP, lookup=replace(ACCOUNT, input="domian")),
            "lookup/input",
            "Did you mean domain?",
        ),
    ],
    ids=["misspelt", "itself", "unnamed", "nothing", "input"],
)
def test_sources_that_lead_nowhere_do_not_compile(source: Source, pointer: str, words: str) -> None:
    case = replace(CASE, mapping=(FieldMapping(target="t", source=source),))
    with pytest.raises(InvalidInput) as refused:
        compile_flow(replace(DEFINITION, steps=(CONTACT, case)), 1)
    [problem] = refused.value.problems
    assert problem.pointer == f"/steps/1/mapping/0/source/{pointer}"
    assert words in problem.message
