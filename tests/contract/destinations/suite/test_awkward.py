"""Awkward values arrive as they were sent, or are refused with a word on why; none is changed in silence."""

from __future__ import annotations

from decimal import Decimal

from formlane.destinations.base import FieldInfo
from formlane.domain.outcomes import Delivered, Outcome, Reason, Rejected
from formlane.domain.types import Json
from tests.contract.destinations.suite.awkward import EDGES, NUMBERS, TEXTS
from tests.contract.destinations.suite.place import (
    Place,
    assert_plain,
    deliver,
    kinds,
)
from tests.contract.destinations.suite.places import CHANGED

RULES = frozenset(
    {
        Reason.INVALID_VALUE,
        Reason.NOT_ENCODABLE,
        Reason.TOO_LARGE,
        Reason.MISSING_REQUIRED,
        Reason.CONVERSION_FAILED,
    }
)


async def test_texts_arrive_as_they_were_sent(place: Place) -> None:
    wrong = await kept(place, dict(TEXTS), field=place.target.text)
    assert wrong == {name: CHANGED[place.name, name] for name in TEXTS if (place.name, name) in CHANGED}


async def test_texts_of_one_line_arrive_as_they_were_sent(place: Place) -> None:
    texts = {name: text for name, text in TEXTS.items() if name != "newlines"}
    wrong = await kept(place, dict(texts), field=place.target.line)
    assert wrong == {name: CHANGED[place.name, name] for name in texts if (place.name, name) in CHANGED}


async def test_texts_at_the_edge_arrive_or_are_refused(place: Place) -> None:
    wrong = await kept(place, dict(EDGES), field=place.target.text)
    assert wrong == {name: CHANGED[place.name, name] for name in EDGES if (place.name, name) in CHANGED}


async def test_a_text_as_long_as_described_arrives(place: Place) -> None:
    """Longer ones are refused by the mapping, which knows the described length."""
    target = place.target
    described = {one.name: one for one in await place.connector.fields(target.object)}
    for field, limit in ((target.text, target.text_limit), (target.line, target.line_limit)):
        if limit is not None:
            assert described[field].max_length == limit
        assert await kept(place, {f"long {field}": "é" * (limit or 100_000)}, field=field) == {}
    assert len(place.held()) >= 1


async def test_empty_values_are_empty(place: Place) -> None:
    target = place.target
    records = [target.record("empty", **{target.text: ""}), target.record("null", **{target.text: None})]
    assert kinds(await deliver(place, records)) == ["Delivered", "Delivered"]
    assert [row.get(target.text) or "" for row in place.held()] == ["", ""]


async def test_numbers_arrive_exactly_or_are_refused(place: Place) -> None:
    """Those within the described digits and decimals; the mapping refuses the rest."""
    target = place.target
    described = {one.name: one for one in await place.connector.fields(target.object)}
    info = described.get(target.number)
    names = [name for name, number in NUMBERS.items() if fits(number, info)]
    records = [target.record(key_of(name), **{target.number: NUMBERS[name]}) for name in names]
    outcomes = await one_by_one(place, records)
    held = {str(row[target.key]): row.get(target.number) for row in place.held()}
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, Delivered):
            assert Decimal(str(held[key_of(name)])) == Decimal(str(NUMBERS[name])), name
        else:
            assert_refused(outcome)
    assert kinds(outcomes)[:5] == ["Delivered"] * 5


def fits(number: float, info: FieldInfo | None) -> bool:
    exact = Decimal(str(number))
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    if info is None:
        return True
    whole = None if info.digits is None else info.digits - (info.decimals or 0)
    return (info.decimals is None or -exponent <= info.decimals) and (whole is None or abs(exact) < 10**whole)


async def kept(place: Place, texts: dict[str, str], *, field: str) -> dict[str, object]:
    """What is held of texts that did not arrive as sent; fails if one was refused without a word."""
    target = place.target
    records = [target.record(key_of(name), **{field: text}) for name, text in texts.items()]
    outcomes = await one_by_one(place, records)
    held = {str(row[target.key]): row.get(field, "") for row in place.held()}
    for name, outcome in zip(texts, outcomes, strict=True):
        if not isinstance(outcome, Delivered):
            assert_refused(outcome)
            assert key_of(name) not in held
    return {
        name: held[key_of(name)]
        for name, text in texts.items()
        if key_of(name) in held and held[key_of(name)] != text
    }


async def one_by_one(place: Place, records: list[dict[str, Json]]) -> list[Outcome]:
    return [outcome for record in records for outcome in await deliver(place, [record])]


def assert_refused(outcome: Outcome) -> None:
    assert isinstance(outcome, Rejected), outcome
    assert outcome.reason in RULES, outcome
    assert_plain(outcome.message)


def key_of(name: str) -> str:
    return name.replace(" ", "-")
