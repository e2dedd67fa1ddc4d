"""Trouble of more than a record: limits, tokens, permissions, outages, addresses, cancellation."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest

from formlane.destinations.base import CallResult, Equipment
from formlane.destinations.sfmc.connector import SFMC
from formlane.destinations.tokens import Obtain, Token
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Scope, Uncertain
from formlane.domain.types import Json
from formlane_sandbox.faults import Kind
from tests.contract.destinations.sfmc_world import CLIENT_SECRET, World, person, sfmc_world

RECORDS: Sequence[Mapping[str, Json]] = [person("a"), person("b")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with sfmc_world() as found:
        await found.connector.fields("form_leads")
        yield found


async def send(world: World, *, bulk: bool = False) -> CallResult:
    return await world.send(world.call(RECORDS, bulk=bulk))


def the_one(result: CallResult) -> Outcome:
    assert len(result.outcomes) == len(RECORDS)
    assert len(set(map(str, result.outcomes))) == 1
    return result.outcomes[0]


LIMITS: Sequence[tuple[Callable[[World], None], Reason, float | None]] = [
    (lambda world: world.arm("throttled", retry_after=9), Reason.RATE_LIMITED, 9),
    (lambda world: world.arm("blocked"), Reason.RATE_LIMITED, 300),
    (lambda world: world.arm("daily_limit"), Reason.RATE_LIMITED, 300),
    (lambda world: world.arm("gateway_busy", path="/hub/*"), Reason.RATE_LIMITED, None),
    (lambda world: world.arm("maintenance", path="/hub/*"), Reason.UNAVAILABLE, None),
]


@pytest.mark.parametrize(
    ("trouble", "reason", "seconds"),
    LIMITS,
    ids=["throttled", "blocked", "daily", "gateway", "maintenance"],
)
async def test_limits_and_outages_pause_the_connection(
    world: World, trouble: Callable[[World], None], reason: Reason, seconds: float | None
) -> None:
    trouble(world)
    outcome = the_one(await send(world))

    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, reason)
    assert seconds is None or outcome.retry_after == dt.timedelta(seconds=seconds)
    assert world.rows() == []
    assert isinstance((await send(world)).outcomes[0], Delivered)


@pytest.mark.parametrize("bulk", [False, True], ids=["rowset", "job"])
async def test_an_expired_token_is_renewed_within_the_call(world: World, bulk: bool) -> None:
    await send(world)
    world.simulator.expire_tokens()
    outcomes = await world.outcomes(RECORDS, bulk=bulk)

    assert [type(one) for one in outcomes] == [Delivered, Delivered]


async def test_a_token_that_never_holds_needs_a_person(world: World) -> None:
    world.arm("token_expired", times=None)
    outcome = the_one(await send(world))

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)


async def test_a_token_is_asked_for_again_ahead_of_its_end(world: World) -> None:
    await send(world)
    world.shift(1079 - 30)
    before = world.paths().count("/v2/token")
    await send(world)

    assert world.paths().count("/v2/token") == before + 1


@pytest.mark.parametrize("bulk", [False, True], ids=["rowset", "job"])
async def test_revoked_credentials_need_a_person(world: World, bulk: bool) -> None:
    world.arm("revoked", times=None)
    outcome = the_one(await send(world, bulk=bulk))

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)
    assert CLIENT_SECRET not in str(outcome)


async def test_a_missing_permission_needs_a_person(world: World) -> None:
    world.arm("forbidden")
    outcome = the_one(await send(world))

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.PERMISSION)
    assert "data extensions" in outcome.message


async def test_a_busy_token_host_is_waited_for(world: World) -> None:
    world.connect()
    world.arm("token_blocked")
    outcome = the_one(await send(world))

    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.RATE_LIMITED)
    assert outcome.retry_after == dt.timedelta(minutes=1)


@pytest.mark.parametrize("bulk", [False, True], ids=["rowset", "job"])
@pytest.mark.parametrize(
    "trouble",
    [
        lambda world: world.arm("server_error"),
        lambda world: world.misbehave(Kind.RESET, path="/[hd]*", commit=True),
        lambda world: world.misbehave(Kind.CLOSE, path="/[hd]*", commit=True),
        lambda world: world.misbehave(Kind.TRUNCATE, path="/[hd]*", keep_bytes=5),
        lambda world: world.misbehave(Kind.STATUS, path="/[hd]*", status=504, body="gateway"),
    ],
    ids=["500", "reset", "close", "truncated", "504"],
)
async def test_what_may_have_been_carried_out_is_uncertain(
    world: World, trouble: Callable[[World], None], bulk: bool
) -> None:
    trouble(world)
    assert isinstance(the_one(await send(world, bulk=bulk)), Uncertain)


async def test_a_description_that_cannot_be_had_is_a_delay(world: World) -> None:
    world.connect()
    world.arm("soap_throttled")
    outcome = the_one(await send(world))

    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.UNAVAILABLE)
    assert world.rows() == []


async def test_a_description_is_asked_for_again_after_ten_minutes(world: World) -> None:
    await send(world)
    world.arm("soap_throttled")
    world.shift(9 * 60)
    kept = await send(world)
    world.shift(2 * 60)
    asked = await send(world)

    assert isinstance(kept.outcomes[0], Delivered)
    assert isinstance(asked.outcomes[0], Deferred)


async def test_cancelling_leaves_a_connector_that_works(world: World) -> None:
    world.misbehave(Kind.SLOW, path="*/rowset", seconds=30)
    call = asyncio.create_task(send(world))
    await asyncio.wait([call], timeout=0.2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert isinstance((await send(world)).outcomes[0], Delivered)


async def test_secrets_and_tokens_stay_out_of_what_is_kept(world: World) -> None:
    world.misbehave(Kind.STATUS, path="*/rowset", status=500, body=f"{CLIENT_SECRET} eyJ{'a' * 300}")
    result = await send(world)

    assert result.exchange.response == "*** ***"
    assert result.exchange.status == 500
    assert CLIENT_SECRET not in f"{result}{world.connector!r}"


async def test_a_closed_connector_gives_up_its_pool(world: World) -> None:
    await send(world)
    await world.connector.close()
    assert isinstance((await send(world)).outcomes[0], Delivered)


class Keeper:
    """Gives what it was told to, one after the other, then the last for ever."""

    def __init__(self, *given: Token | Blocked | Deferred | Uncertain) -> None:
        self.given = list(given)

    async def get(
        self, obtain: Obtain, *, refused: Token | None = None
    ) -> Token | Blocked | Deferred | Uncertain:
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


def with_token(world: World, *given: Token | Uncertain) -> None:
    settings = {**world.settings, "auth_url": None, "subdomain": "mc563885gzs27c5t9"}
    world.connector = SFMC.connect(
        Equipment(
            settings=SFMC.validate(settings, world.secrets, world.guard),
            secrets=world.secrets,
            account="another",
            guard=world.guard,
            http=world.http,
            clock=world.clock,
            tokens=Keeper(*given),
        )
    )


@pytest.mark.parametrize("part", ["rest", "soap"])
async def test_an_address_in_an_answer_is_judged_too(world: World, part: str) -> None:
    told = {"rest_instance_url": world.simulator.rest_url, "soap_instance_url": world.simulator.soap_url}
    with_token(world, Token(access="x", extra={**told, f"{part}_instance_url": "http://169.254.169.254/"}))
    if part == "rest":
        report = await world.connector.check()
        assert "REST address" in report.steps[-1].message
        assert report.steps[-1].name == "rest"
    else:
        outcome = the_one(await send(world))
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.ADDRESS_NOT_ALLOWED)


async def test_without_addresses_in_the_answer_the_subdomain_names_them(world: World) -> None:
    with_token(world, Token(access="x"))
    outcome = the_one(await send(world))

    assert isinstance(outcome, Deferred)
    assert outcome.reason is Reason.NETWORK


async def test_a_check_takes_a_package_that_does_not_tell_its_scopes(world: World) -> None:
    with_token(world, Token(access="x", extra={"soap_instance_url": "http://127.0.0.1:1/"}))
    report = await world.connector.check()
    assert [step.passed for step in report.steps][:2] == [True, True]


async def test_a_token_of_unknown_fate_is_a_delay(world: World) -> None:
    with_token(world, Uncertain(reason=Reason.ANSWER_LOST, message="Lost."))
    outcome = the_one(await send(world))

    assert isinstance(outcome, Deferred)
    assert outcome.scope is Scope.CONNECTION


async def test_a_check_tells_that_the_token_was_lost_on_the_way(world: World) -> None:
    with_token(world, Token(access="x"), Uncertain(reason=Reason.ANSWER_LOST, message="Lost."))
    report = await world.connector.check()

    assert [(step.passed, step.message) for step in report.steps][1:] == [(False, "Lost.")]
