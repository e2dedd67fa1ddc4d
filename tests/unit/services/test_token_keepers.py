"""What the keeper of a token does when the store or another process comes between."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast
from uuid import UUID

import pytest

from formlane.destinations.tokens import Obtain, Obtained, Token
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.sealing import Sealing
from formlane.domain.types import Json
from formlane.errors import SealBroken, Unavailable
from formlane.services import tokens as subject
from formlane.services.ports.connections import Connection
from formlane.services.ports.store import Store
from formlane.services.ports.tokens import KeptToken, SealedToken
from formlane.services.tokens import SharedTokens, TokenKeepers
from tests.unit.destinations_oauth.asking import NOW, SetClock

TENANT, CONNECTION = UUID(int=1), UUID(int=2)
NOTHING = SealedToken(secret_version=0, revision=0, sealed=None, expires_at=None, renew_at=None)


@dataclass
class Row:
    """One row of tokens; `before` and `after` are called with the name of each statement."""

    token: SealedToken = NOTHING
    sequence: int = 0
    holder: UUID | None = None
    trouble: Mapping[str, Json] | None = None
    before: Callable[[str], None] = lambda _name: None
    after: Callable[[str], None] = lambda _name: None
    log: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def tenant(self, tenant: UUID) -> AsyncIterator[Row]:
        assert tenant == TENANT
        yield self

    @property
    def tokens(self) -> Row:
        return self

    def _meet(self, name: str) -> None:
        self.log.append(name)
        self.before(name)

    def _kept(self) -> KeptToken:
        return KeptToken(
            token=self.token,
            sequence=self.sequence,
            busy=self.holder is not None,
            trouble=self.trouble,
            tried_ago=0.0 if self.trouble else None,
        )

    async def get(self, _connection: UUID) -> KeptToken:
        self._meet("get")
        return self._kept()

    async def lease(self, _connection: UUID, holder: UUID, _length: dt.timedelta) -> KeptToken | None:
        self._meet("lease")
        if self.holder is not None:
            return None
        self.holder = holder
        return self._kept()

    async def keep(self, _connection: UUID, token: SealedToken, *, sequence: int) -> bool:
        self._meet("keep")
        if sequence != self.sequence:
            return False
        self.token, self.holder, self.trouble = token, None, None
        self.sequence += 1
        self.after("keep")
        return True

    async def give_up(self, _connection: UUID, holder: UUID, trouble: Mapping[str, Json] | None) -> None:
        self._meet("give_up")
        if self.holder == holder:
            self.holder, self.trouble = None, trouble


class Open:
    """A vault that seals nothing, so that a test can look in."""

    broken = False

    async def sealer(self, _tenant: UUID) -> Open:
        return self

    def seal(self, kind: object, id_: UUID, plaintext: bytes, *, field: str = "", version: int = 0) -> bytes:
        return plaintext

    async def open(self, tenant: UUID, kind: object, id_: UUID, sealed: bytes, *, version: int = 0) -> bytes:
        if self.broken:
            raise SealBroken("broken")
        return sealed


@dataclass
class Desk:
    """A destination that gives numbered tokens, or what it is told."""

    given: list[Obtained | Blocked | Deferred | Uncertain] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    async def obtain(self, refresh: str | None) -> Obtained | Blocked | Deferred | Uncertain:
        self.asked.append(refresh)
        return self.given.pop(0) if self.given else obtained(len(self.asked))


def obtained(number: int) -> Obtained:
    token = Token(access=f"a{number}", expires_at=NOW + dt.timedelta(hours=1))
    return Obtained(token=token, refresh=f"r{number}")


def connection(number: int = 2, revision: int = 1) -> Connection:
    return Connection(
        id=UUID(int=number),
        kind="k",
        name="n",
        settings={},
        limits={},
        revision=revision,
        created_at=NOW,
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def keepers(row: Row, clock: SetClock, vault: Open | None = None) -> TokenKeepers:
    return TokenKeepers(
        store=cast(Store, row), sealing=cast(Sealing, vault or Open()), clock=clock, destinations=()
    )


def keeper(row: Row, clock: SetClock, vault: Open | None = None) -> SharedTokens:
    return keepers(row, clock, vault).shared(TENANT, connection(), [])


def access(found: object) -> str:
    assert isinstance(found, Token)
    return found.access


async def test_a_store_that_is_away_asks_nobody(clock: SetClock) -> None:
    def away(name: str) -> None:
        raise Unavailable(name)

    desk = Desk()
    found = await keeper(Row(before=away), clock).get(desk.obtain)
    assert isinstance(found, Deferred)
    assert desk.asked == []


@pytest.mark.parametrize("times", [1, subject.COMMIT_TRIES - 1])
async def test_a_store_that_is_away_at_the_commit_loses_no_refresh_token(clock: SetClock, times: int) -> None:
    left = times

    def sometimes(name: str) -> None:
        nonlocal left
        if name == "keep" and left:
            left -= 1
            raise Unavailable(name)

    row, desk = Row(before=sometimes), Desk()
    assert access(await keeper(row, clock).get(desk.obtain)) == "a1"
    assert clock.monotonic() == times
    assert b"r1" in (row.token.sealed or b"")


async def test_a_store_that_stays_away_gives_no_token_out(clock: SetClock) -> None:
    def away(name: str) -> None:
        if name == "keep":
            raise Unavailable(name)

    desk = Desk()
    found = await keeper(Row(before=away), clock).get(desk.obtain)
    assert isinstance(found, Deferred)
    assert len(desk.asked) == 1


async def test_a_commit_whose_answer_was_lost_is_recognised(clock: SetClock) -> None:
    def lost(name: str) -> None:
        if name == "keep" and row.log.count("keep") == 1:
            raise Unavailable("after the commit")

    row, desk = Row(after=lost), Desk()
    assert access(await keeper(row, clock).get(desk.obtain)) == "a1"
    assert len(desk.asked) == 1


async def test_another_process_takes_the_lease_in_between(clock: SetClock) -> None:
    row, desk = Row(), Desk()
    other = UUID(int=9)

    def taken(name: str) -> None:
        if name == "lease" and row.log.count("lease") == 1:
            row.holder = other
        elif name == "get" and row.holder == other:
            row.holder = None

    row.before = taken
    assert access(await keeper(row, clock).get(desk.obtain)) == "a1"
    assert row.log.count("lease") == 2
    assert clock.monotonic() > 0


async def test_a_failure_counts_for_nothing_once_another_was_faster(clock: SetClock) -> None:
    row = Row()
    both = keepers(row, clock)
    slow = both.shared(TENANT, connection(), [])
    fast = SharedTokens(both, slow.origin)
    desk = Desk(given=[obtained(7)])

    async def frozen(_refresh: str | None) -> Blocked:
        row.holder = None
        assert access(await fast.get(desk.obtain)) == "a7"
        return Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message="used already")

    assert access(await slow.get(cast(Obtain, frozen))) == "a7"


@pytest.mark.parametrize(
    "trouble",
    [
        Blocked(scope=Scope.CONNECTION, reason=Reason.CREDENTIALS, message="no", vendor_code="x"),
        Deferred(
            scope=Scope.CONNECTION,
            reason=Reason.RATE_LIMITED,
            message="later",
            retry_after=dt.timedelta(seconds=7),
        ),
        Uncertain(reason=Reason.ANSWER_LOST, message="lost"),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_an_outcome_reaches_those_who_waited_as_it_was(
    clock: SetClock, trouble: Blocked | Deferred | Uncertain
) -> None:
    row = Row()
    both = keepers(row, clock)
    first = both.shared(TENANT, connection(), [])
    second = SharedTokens(both, first.origin)
    assert await first.get(Desk(given=[trouble]).obtain) == trouble
    desk = Desk()
    assert await second.get(desk.obtain) == trouble
    assert desk.asked == []


async def test_a_seal_that_does_not_open_counts_as_no_token(clock: SetClock) -> None:
    row, desk, vault = Row(), Desk(), Open()
    await keeper(row, clock, vault).get(desk.obtain)
    vault.broken = True
    assert access(await keeper(row, clock, vault).get(desk.obtain)) == "a2"
    assert desk.asked == [None, None]


async def test_the_same_token_again_after_a_refusal_blocks(clock: SetClock) -> None:
    row, desk = Row(), Desk(given=[obtained(1), obtained(1)])
    kept = keeper(row, clock)
    first = await kept.get(desk.obtain)
    assert isinstance(first, Token)
    assert isinstance(await kept.get(desk.obtain, refused=first), Blocked)


async def test_who_joins_a_question_does_not_get_what_he_refused(clock: SetClock) -> None:
    row, desk = Row(), Desk()
    both = keepers(row, clock)
    kept = both.shared(TENANT, connection(), [])
    first = await SharedTokens(both, kept.origin).get(desk.obtain)
    assert isinstance(first, Token)
    found = await asyncio.gather(kept.get(desk.obtain), kept.get(desk.obtain, refused=first))
    assert [access(one) for one in found] == ["a1", "a2"]


async def test_an_error_of_the_connectors_gives_the_lease_back(clock: SetClock) -> None:
    async def fails(_refresh: str | None) -> Obtained:
        raise ZeroDivisionError

    row = Row()
    kept = keeper(row, clock)
    with pytest.raises(ZeroDivisionError):
        await kept.get(cast(Obtain, fails))
    assert row.holder is None
    assert access(await kept.get(Desk().obtain)) == "a1"


async def test_ending_waits_for_questions_under_way(clock: SetClock) -> None:
    row, desk = Row(), Desk()
    both = keepers(row, clock)
    asking = asyncio.create_task(both.shared(TENANT, connection(), []).get(desk.obtain))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.sleep(0)
    await both.close()
    assert row.sequence == 1
    await both.close()


def test_so_many_keepers_are_kept(clock: SetClock) -> None:
    both = keepers(Row(), clock)
    first, second, *_ = [
        both.shared(TENANT, connection(number), []) for number in range(subject.KEEPERS_KEPT + 1)
    ]
    assert both.shared(TENANT, connection(1), []) is second
    assert both.shared(TENANT, connection(0), []) is not first


def test_a_changed_connection_has_a_new_keeper(clock: SetClock) -> None:
    both = keepers(Row(), clock)
    first = both.shared(TENANT, connection(), [])
    assert both.shared(TENANT, replace(connection(), revision=2), []) is not first
