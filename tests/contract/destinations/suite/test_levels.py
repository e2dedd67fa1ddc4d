"""The level that a kind states is the one whose marks it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from formlane.destinations.base import Destination, Level
from formlane.destinations.catalogue import CATALOGUE
from formlane.domain.outcomes import Delivered, Outcome, Pending, Rejected, Skipped
from tests.contract.destinations.suite.levels import MARKS, Mark, Test, marks_of
from tests.contract.destinations.suite.places import PLACES, REPLIES_LATER, WITHOUT_RENEWAL

KINDS = pytest.mark.parametrize("kind", CATALOGUE.values(), ids=list(CATALOGUE))


@KINDS
def test_a_kind_has_every_mark_of_its_level(kind: Destination) -> None:
    for mark in marks_of(kind.level):
        assert mark.holds(kind), mark.name
        for test in mark.tests:
            assert is_run_for(test, kind), (mark.name, test.__name__)


@KINDS
def test_a_kind_states_the_highest_level_that_it_has(kind: Destination) -> None:
    order = list(MARKS)
    for level in order[order.index(kind.level) + 1 :]:
        assert not all(has(kind, mark) for mark in MARKS[level]), f"{kind.kind} has all marks of {level}"


def test_every_level_has_marks() -> None:
    assert list(MARKS) == list(Level)
    names = [mark.name for marks in MARKS.values() for mark in marks]
    assert len(set(names)) == len(names)


def test_every_kind_of_the_catalogue_is_in_the_suite() -> None:
    assert {made().destination.kind for made in PLACES.values()} == set(CATALOGUE)
    assert all(made().destination is CATALOGUE[made().destination.kind] for made in PLACES.values())


def test_every_outcome_of_a_connector_is_met() -> None:
    expected = {one.outcome for made in PLACES.values() for one in made().expected.values()}
    met = {*expected, Delivered, Rejected, Skipped} | ({Pending} if REPLIES_LATER else set())
    assert met == set(get_args(Outcome))


def has(kind: Destination, mark: Mark) -> bool:
    return mark.holds(kind) and all(is_run_for(test, kind) for test in mark.tests)


def is_run_for(test: Test, kind: Destination) -> bool:
    """Whether the test's parameters name a place of the kind, or the kind itself; or a table exempts it."""
    names = {name for name, made in PLACES.items() if made().destination is kind}
    if "place" in test.__annotations__:
        return True
    return any(value is kind or (isinstance(value, str) and value in names) for value in values_of(test)) or (
        names <= set(WITHOUT_RENEWAL)
    )


def values_of(test: Test) -> Iterator[object]:
    """All values that a test is parametrised with, taken apart."""
    for mark in getattr(test, "pytestmark", ()):
        for given in mark.args[1]:
            yield from given if isinstance(given, tuple) else (given,)
