"""One destination as these tests use it: a real server, how to connect to it, and a look at what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from tests.e2e.destinations.submissions import INPUTS, Held
from tests.e2e.product import Customer

FAST: Final[Mapping[str, Any]] = {"rate": 10_000, "concurrency": 16}

LATER: Final = 30.0
"""Seconds by which a clock is set forward."""


class Place(Protocol):
    """One destination. `lines`: the input, or after `=` the formula, that each field of `object` gets.

    `match_field` holds the id of a submission; `tracking_field` None: the kind has none, since the same call
    again is harmless there.
    """

    kind: str
    object: str
    lines: Mapping[str, str]
    match_field: str | None
    tracking_field: str | None
    limits: Mapping[str, Any]

    def running(self) -> AbstractAsyncContextManager[None]:
        """The server, started."""
        ...

    @property
    def ports(self) -> Sequence[int]:
        """Local ports that are connected to."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Of a connection, with calls of ten records where that can be set."""
        ...

    def secrets(self) -> Mapping[str, str]:
        """Of a connection."""
        ...

    def options(self) -> Mapping[str, Any]:
        """Of a step."""
        ...

    def held(self) -> list[Held]:
        """Everything that arrived."""
        ...

    def pass_time(self) -> None:
        """Makes what is held so much older that a search sees it, and times of creation differ."""
        ...

    def lose_answers(self, share: float, *, seed: int) -> None:
        """From now on the work is done, and this share of the answers to writes is dropped."""
        ...

    def lost_answers(self) -> int:
        """How many were dropped so far."""
        ...


async def connect(customer: Customer, place: Place, **settings: Any) -> str:
    """A connection, checked; `settings` replace the place's own."""
    return await customer.connection(
        place.kind, {**place.settings(), **settings}, place.secrets(), limits=place.limits
    )


async def described(customer: Customer, connection: str, name: str) -> Mapping[str, Mapping[str, Any]]:
    """The fields of an object by name, as the product lists them; fails unless it lists the object."""
    objects = await customer.request("GET", f"/v1/connections/{connection}/objects")
    assert name in {one["name"] for one in objects["data"]}
    fields = await customer.request("GET", f"/v1/connections/{connection}/objects/{name}/fields")
    return {one["name"]: one for one in fields["data"]}


async def draft(
    customer: Customer,
    connection: str,
    place: Place,
    *,
    tracked: bool = True,
    keyed: bool = False,
    shards: int = 8,
    **step: Any,
) -> dict[str, Any]:
    """A draft with one step, made of the fields that the product lists. `step` adds to the step."""
    fields = await described(customer, connection, place.object)
    tracked = tracked and place.tracking_field is not None
    lines = dict(place.lines)
    if place.match_field is not None and not (tracked and place.match_field == place.tracking_field):
        lines[place.match_field] = "id"
    made: dict[str, Any] = {
        "inputs": [{"name": name, "type": kind} for name, kind in INPUTS.items()],
        "shards": shards,
        "steps": [
            {
                "name": "send",
                "object": place.object,
                "mapping": mapping(lines, fields),
                "options": dict(place.options()),
                **step,
            }
        ],
    }
    if tracked:
        made["steps"][0]["tracking_field"] = place.tracking_field
    if keyed:
        made["key_input"] = {"inputs": ["id"]}
    return made


def mapping(lines: Mapping[str, str], fields: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines of a step in the types that the fields are described by."""
    return [
        {
            "target": target,
            "type": fields[target]["type"] if target in fields else INPUTS[source],
            "source": {"kind": "formula", "formula": source[1:]}
            if source.startswith("=")
            else {"kind": "input", "input": source},
        }
        for target, source in lines.items()
    ]
