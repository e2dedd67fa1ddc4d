"""Names: their one spelling, and who asks for their addresses."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from formlane.destinations.egress import Address, Guard
from formlane.destinations.egress.lookup import SystemLookup
from formlane.destinations.egress.names import canonical_name


@pytest.mark.parametrize("host", ["", ".", "\u00ad", "a..b", ".".join(["a" * 49] * 5) + ".abcd", "a" * 64])
def test_what_is_no_name_has_no_spelling(host: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        canonical_name(host)


def test_the_longest_name_has_one() -> None:
    longest = ".".join(["a" * 49] * 5) + ".abc"
    assert canonical_name(longest.upper() + ".") == longest


async def test_a_question_is_asked_once_and_again_later() -> None:
    lookup = SystemLookup()
    answers = await asyncio.gather(*(lookup("localhost") for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert ipaddress.ip_address("127.0.0.1") in answers[0]
    assert await lookup("localhost") == answers[0]
    lookup.close()


async def test_a_guard_closes_its_own_lookup_only() -> None:
    asked: list[str] = []

    async def answer(name: str) -> list[Address]:
        asked.append(name)
        return [ipaddress.ip_address("8.8.8.8")]

    guard = Guard(lookup=answer)
    guard.close()
    assert len(await guard.resolve("example.com", 443)) == 1
    own = Guard()
    own.close()
    with pytest.raises(RuntimeError):
        await own.resolve("example.com", 443)
    assert asked == ["example.com"]
