from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.flows import FlowDefinition, Input, KeyInput, Normaliser
from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.mapping.keys import key_parts, lookup_part, lookup_parts, lookup_texts

INPUTS = (
    Input(name="email", type=FieldType.EMAIL),
    Input(name="id", type=FieldType.INTEGER),
    Input(name="price", type=FieldType.DECIMAL),
    Input(name="text"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)


def key(*names: str, by: tuple[Normaliser, ...] = ()) -> KeyInput:
    return KeyInput(inputs=names, normalisers=by)


def test_values_are_framed_so_that_keys_cannot_run_together() -> None:
    parts = key_parts(key("text", "email"), inputs=INPUTS)
    assert parts({"text": "ab", "email": "c"}) == b"\0\0\0\2ab\0\0\0\1c"
    assert parts({"text": "a", "email": "bc"}) != parts({"text": "ab", "email": "c"})
    assert parts({"text": "a"}) == b"\0\0\0\1a\xff\xff\xff\xff"
    assert parts({"text": "a"}) != parts({"email": "a"})


def test_a_record_without_any_key_value_has_no_key() -> None:
    assert key_parts(key("text", "email"), inputs=INPUTS)({"text": "", "email": None}) is None
    assert key_parts(None, inputs=INPUTS)({"text": "x"}) is None


def test_normalisers_pair_with_inputs() -> None:
    parts = key_parts(key("email", "text", by=(Normaliser.LOWER, Normaliser.DIGITS)), inputs=INPUTS)
    assert parts({"email": " Maria@Example.COM ", "text": "+1 (555)"}) == parts(
        {"email": "maria@example.com", "text": "1555"}
    )
    trimmed = key_parts(key("text", by=(Normaliser.TRIM,)), inputs=INPUTS)
    assert trimmed({"text": " a "}) == trimmed({"text": "a"}) != trimmed({"text": "A"})
    assert trimmed({"text": "  "}) is None


def test_one_value_has_one_spelling() -> None:
    parts = key_parts(key("id"), inputs=INPUTS)
    assert parts({"id": "007"}) == parts({"id": 7}) == parts({"id": 7.0}) == b"\0\0\0\x017"
    prices = key_parts(key("price"), inputs=INPUTS)
    assert prices({"price": "1.50"}) == prices({"price": 1.5}) == prices({"price": "15e-1"})
    assert prices({"price": "100"}) == prices({"price": 1e2})


def test_what_is_not_of_its_type_still_has_a_key_of_its_own() -> None:
    parts = key_parts(key("text"), inputs=INPUTS)
    assert len({parts({"text": raw}) for raw in (5, 6, 0.5, True, "a", [1])}) == 6


def test_bindings_name_the_fields_of_a_form() -> None:
    parts = key_parts(key("email"), inputs=INPUTS, bindings={"email": "E-Mail"})
    assert parts({"E-Mail": "a@b.c"}) == key_parts(key("email"), inputs=INPUTS)({"email": "a@b.c"})


@given(st.dictionaries(st.sampled_from(["email", "id", "price", "text"]), ANYTHING))
def test_keys_and_identities_never_fail(record: dict[str, object]) -> None:
    parts = key_parts(key("email", "id", "price", "text"), inputs=INPUTS)(record)
    assert parts is None or len(parts) >= 16
    assert isinstance(lookup_parts(FlowDefinition(inputs=INPUTS, steps=()))(record), list)


def test_identities_are_found_by_what_a_person_types() -> None:
    form = FormDefinition(
        title="F",
        fields=(
            FormField(name="mail", label="Mail", type=FieldType.EMAIL),
            FormField(name="again", label="Again", type=FieldType.EMAIL),
            FormField(name="phone", label="Phone", type=FieldType.PHONE),
            FormField(name="order", label="Order", type=FieldType.REFERENCE),
            FormField(name="note", label="Note"),
        ),
    )
    record = {
        "mail": " Maria@Example.com",
        "again": "maria@example.com",
        "phone": "+1 (555) 0",
        "order": 42,
        "note": "x",
    }
    found = lookup_parts(form)(record)
    assert found == [
        lookup_part(FieldType.EMAIL, "MARIA@example.com "),
        lookup_part(FieldType.PHONE, "1-555-0"),
        lookup_part(FieldType.REFERENCE, "42"),
    ]
    assert lookup_part(FieldType.EMAIL, "") is None
    assert lookup_parts(form)({}) == []


@given(st.lists(st.dictionaries(st.sampled_from(["email", "id", "price", "text"]), ANYTHING)))
def test_identities_of_a_batch_are_those_of_its_records(records: list[dict[str, object]]) -> None:
    definition = FlowDefinition(inputs=INPUTS, steps=())
    found = lookup_texts(definition)(records)
    each = [part for record in records for part in lookup_parts(definition)(record)]
    assert sorted(text.encode("utf-8", "surrogatepass") for text in found) == sorted(set(each))
