"""Rows, keys, defaults and changes of the schema."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.sfmc.changes import AddField, AlterField, DropField, RenameField
from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.extensions import DataExtension, DuplicateKeyError, RowRefusedError
from formlane_sandbox.sfmc.settings import Behaviour
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator

USUAL = Behaviour()


def made(*columns: Column) -> DataExtension:
    key = Column(name="Id", length=20, primary_key=True, nullable=False)
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return DataExtension(key="k", name="n", columns=(key, *columns), account="1", created=created)


def put(into: DataExtension, **values: object) -> bool:
    return into.upsert(into.checked(values, USUAL))


def problems(of: DataExtension, behaviour: Behaviour = USUAL, **values: object) -> list[str]:
    with pytest.raises(RowRefusedError) as refusal:
        of.upsert(of.checked(values, behaviour))
    return [problem.slot for problem in refusal.value.problems]


def test_upsert_merges_the_sent_columns_only() -> None:
    table = made(Column(name="A"), Column(name="B"))

    assert put(table, Id="1", A="a", B="b")
    assert not put(table, Id="1", A="c")
    assert list(table.rows.values()) == [{"id": "1", "a": "c", "b": "b"}]


def test_keys_ignore_case_and_trailing_spaces_and_keep_their_first_form() -> None:
    table = made(Column(name="A"))
    put(table, Id="Straße", A="1")
    put(table, id="STRASSE  ", A="2")

    assert [row["id"] for row in table.rows.values()] == ["Straße"]
    assert [row["a"] for row in table.rows.values()] == ["2"]


def test_defaults_apply_to_inserts_that_do_not_name_the_column() -> None:
    table = made(Column(name="A", default="none"), Column(name="N", type=FieldType.NUMBER, default="1"))
    put(table, Id="1")
    put(table, Id="2", A=None)

    assert [(row["a"], row["n"]) for row in table.rows.values()] == [("none", 1), (None, 1)]


def test_insert_refuses_a_key_that_is_there() -> None:
    table = made()
    table.insert({"id": "1"})
    with pytest.raises(DuplicateKeyError, match="1"):
        table.insert({"id": "1"})


def test_everything_wrong_with_a_row_is_told() -> None:
    table = made(Column(name="A", nullable=False), Column(name="N", type=FieldType.NUMBER))

    assert problems(table, Id="1", N="x", Nope=1) == ["n", "nope"]
    assert problems(table, Id="1") == ["a"]
    assert problems(table, Id=None) == ["id"]
    assert problems(table, A="a") == ["id"]


def test_empty_text_is_null_but_in_text_columns() -> None:
    table = made(Column(name="A", nullable=False), Column(name="N", type=FieldType.NUMBER))
    put(table, Id="1", A="", N="")

    assert next(iter(table.rows.values())) == {"id": "1", "a": "", "n": None}


def test_accounts_may_refuse_every_null() -> None:
    table = made(Column(name="A"))

    assert problems(table, Behaviour(nulls="refuse"), Id="1", A=None) == ["a"]
    put(table, Id="1", A=None)


@pytest.mark.parametrize(("hours", "stored"), [(0, 14), (-6, 8), (5.5, 19)])
def test_offsets_are_converted_to_the_accounts_zone(hours: float, stored: int) -> None:
    table = made(Column(name="At", type=FieldType.DATE))
    row = table.checked({"At": "2026-11-23T15:00:00+01:00"}, Behaviour(time_zone_hours=hours))

    moment = row["at"]
    assert isinstance(moment, datetime)
    assert (moment.hour, moment.tzinfo) == (stored, None)


def simulator() -> MarketingCloudSimulator:
    sim = MarketingCloudSimulator(clock=Clock())
    leads = sim.extension("form_leads")
    leads.upsert(leads.checked({"SubscriberKey": "a", "Company": "Acme", "FirstName": "Ann"}, USUAL))
    return sim


def test_fields_are_added_dropped_and_renamed_with_their_values() -> None:
    sim = simulator()
    sim.change(AddField(object="form_leads", field=Column(name="City")))
    sim.change(DropField(object="form_leads", field="company"))
    sim.change(RenameField(object="form_leads", field="FirstName", to="GivenName"))
    row = sim.objects("form_leads")[0]

    assert row["GivenName"] == "Ann"
    assert row["City"] is None
    assert not {"Company", "FirstName"} & row.keys()


def test_fields_are_altered_and_hold_for_what_comes() -> None:
    sim = simulator()
    sim.change(AlterField(object="form_leads", field="FirstName", length=2))
    sim.change(AlterField(object="form_leads", field="Company", type=FieldType.NUMBER, nullable=False))
    leads = sim.extension("form_leads")

    assert problems(leads, SubscriberKey="b", FirstName="Ann", Company=1) == ["firstname"]
    assert problems(leads, SubscriberKey="b") == ["company"]
    assert sim.objects("form_leads")[0]["Company"] == "Acme"


def test_a_change_of_the_primary_key_is_a_change_of_identity() -> None:
    sim = simulator()
    sim.change(AlterField(object="form_leads", field="SubscriberKey", primary_key=False))
    leads = sim.extension("form_leads")
    leads.insert({"subscriberkey": "a"})

    assert len(sim.objects("form_leads")) == 2


@pytest.mark.parametrize(
    "change",
    [
        AddField(object="form_leads", field=Column(name="email")),
        DropField(object="form_leads", field="Nope"),
        DropField(object="nope", field="Email"),
        DropField(object="form_leads", field="Email", account="1"),
    ],
    ids=lambda change: f"{type(change).__name__}-{change.object}-{change.account}",
)
def test_impossible_changes_are_refused(change: AddField | DropField) -> None:
    with pytest.raises(ValueError, match=r"."):
        simulator().change(change)


def test_a_wrong_alteration_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        simulator().change(AlterField(object="form_leads", field="FirstName", length=0))
