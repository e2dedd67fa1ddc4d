from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import pytest

from formlane.destinations.servicenow.client import Rows
from formlane.destinations.servicenow.finding import find_matches
from formlane.destinations.servicenow.queries import cannot_ask, key_queries
from formlane.domain.outcomes import Blocked, Deferred, Reason


class Reader:
    """Answers with the next of its answers."""

    def __init__(self, *answers: list[Rows] | Deferred | Blocked) -> None:
        self.answers = list(answers)
        self.queries: list[list[str]] = []

    async def read(self, paths: Sequence[str]) -> list[Rows] | Deferred | Blocked:
        self.queries.append([parse_qs(urlsplit(path).query)["sysparm_query"][0] for path in paths])
        return self.answers.pop(0)


def row(sys_id: str, **values: str) -> dict[str, str]:
    return {"sys_id": sys_id, "sys_mod_count": "0", **values}


def ids(found: object) -> dict[tuple[str, ...], list[str]]:
    assert isinstance(found, dict)
    return {key: [match.sys_id for match in matches] for key, matches in found.items()}


@pytest.mark.parametrize(
    ("asked", "given"),
    [("Ann", "ann"), ("7.0", "7"), ("ß", "SS"), ("1e", "1E"), ("-.5", "-0.5")],
)
async def test_values_that_the_instance_writes_otherwise(asked: str, given: str) -> None:
    reader = Reader([Rows([row("1", k=given)], 1)])
    assert ids(await find_matches(reader, "t", ("k",), [(asked,)])) == {(asked,): ["1"]}


async def test_an_exact_match_wins() -> None:
    reader = Reader([Rows([row("1", k="ANN"), row("2", k="ann"), row("3", k="ann")], 3)])
    found = await find_matches(reader, "t", ("k",), [("ann",), ("Ann",), ("none",)])
    assert ids(found) == {("ann",): ["2", "3"], ("Ann",): ["1", "2", "3"], ("none",): []}


@pytest.mark.parametrize(
    "given", [row("1", k="other"), row("1"), row("1", other="a")], ids=["unrelated", "without", "another"]
)
async def test_rows_that_were_not_asked_for_mean_drift(given: dict[str, str]) -> None:
    found = await find_matches(Reader([Rows([given], 1)]), "t", ("k",), [("a",)])
    assert isinstance(found, Blocked)
    assert found.reason is Reason.DRIFT


async def test_no_key_asks_nothing() -> None:
    reader = Reader()
    assert await find_matches(reader, "t", ("k",), []) == {}
    assert reader.queries == []


@pytest.mark.parametrize("total", [1001, 1000, None])
async def test_a_page_that_may_be_cut_is_asked_for_key_by_key(total: int | None) -> None:
    crowd = [row(str(n), k="a") for n in range(1000)]
    reader = Reader([Rows(crowd, total)], [Rows(crowd[:11], 1000), Rows([row("x", k="b")], 1)])
    found = await find_matches(reader, "t", ("k",), [("a",), ("b",)], newest=True)

    assert reader.queries == [
        ["kINa,b^ORDERBYDESCsys_created_on"],
        ["k=a^ORDERBYDESCsys_created_on", "k=b^ORDERBYDESCsys_created_on"],
    ]
    assert ids(found)["b",] == ["x"]


def test_queries_are_short_and_keep_commas_apart() -> None:
    keys = [(f"{n}" * 40,) for n in range(9)] + [("a,b",)]
    many = [query for query, _ in key_queries(("k",), keys * 9, apart=False, newest=False)]
    listed = [query for query in many if "IN" in query]

    assert len(listed) == 3
    assert max(map(len, listed)) < 1700
    assert len([query for query in many if query.startswith("k=a,b")]) == 9
    count = [
        query.count(",") + 1 for query, _ in key_queries(("k",), [("x",)] * 250, apart=False, newest=False)
    ]
    assert count == [100, 100, 50]


@pytest.mark.parametrize("value", ["a^b", " javascript:x", "", "  "])
def test_what_no_query_can_hold(value: str) -> None:
    assert cannot_ask(("fine", value))


def test_what_a_query_can_hold() -> None:
    assert cannot_ask(("a,b", "é=&+", "x javascript y")) is None
