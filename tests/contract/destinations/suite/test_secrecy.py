"""Nothing secret is kept of an exchange, whatever the other side says."""

from __future__ import annotations

from formlane.domain.outcomes import Delivered
from tests.contract.destinations.suite.place import (
    Place,
    assert_nothing_secret,
    call_of,
    deliver,
    finish,
    promise,
    secret_texts,
)

MUTE = frozenset({"sftp"})
"""Where no answer holds a text that is kept."""


async def test_an_answer_that_repeats_our_secrets_is_blacked_out(place: Place) -> None:
    await deliver(place, [place.target.record("before")])
    said = " ".join([*place.secrets.values(), *place.tokens.shown])
    assert place.echo(said) is (place.name not in MUTE)
    result = await place.connector.send(call_of(place, [place.target.record("one")]), place.journal())
    assert_nothing_secret(place, result)
    assert all(isinstance(one, Delivered) for one in result.outcomes) is (place.name in MUTE)


async def test_what_goes_well_holds_no_secret_either(place: Place) -> None:
    journal = place.journal()
    call = call_of(place, [place.target.record(key) for key in ("one", "two")])
    result = await finish(place, call, journal)
    objects = await place.connector.objects()
    fields = await place.connector.fields(place.target.object)
    report = await place.connector.check()
    assert_nothing_secret(
        place, result, journal, objects, fields, report, place.connector, promise(place, call)
    )
    assert secret_texts(place)
