"""Lookups of a window: what the destination has to be asked before its records can be mapped."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from formlane.destinations.lookups import Lookup
from formlane.domain.flows import LookupSource
from formlane.domain.outcomes import Blocked, Deferred, Uncertain
from formlane.ports import Clock
from formlane.services.recipes import Recipe
from formlane.worker.window import Item, Sources

if TYPE_CHECKING:
    from formlane.worker.results import Found
    from formlane.worker.tools import Tools

KEPT_SECONDS = 300.0
"""How long an object that was found is not asked for again. What was not found is asked for each time."""

KEPT = 50_000
AT_ONCE = 200
"""Values of one question."""

Place: TypeAlias = tuple[str, str]
"""An object and the field by which it is found."""


class LookupCache:
    """Identities found lately, of all connections of a worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID, str, str, str], tuple[float, str]] = OrderedDict()

    def get(self, connection: UUID, object_: str, field: str, text: str) -> str | None:
        """The identity, unless it is too old."""
        kept = self._kept.get((connection, object_, field, text))
        return kept[1] if kept is not None and kept[0] > self._clock.monotonic() else None

    def keep(self, connection: UUID, object_: str, field: str, ids: Mapping[str, str | None]) -> None:
        """Keeps what was found, by text."""
        until = self._clock.monotonic() + KEPT_SECONDS
        for text, id_ in ids.items():
            if id_ is not None:
                self._kept[connection, object_, field, text] = (until, id_)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def asked_for(recipe: Recipe, sources: Sources, items: Iterable[Item]) -> dict[LookupSource, dict[str, None]]:
    """The values that records of a window need, by lookup, each once and in order."""
    asked: dict[LookupSource, dict[str, None]] = defaultdict(dict)
    for item in items:
        values = sources.values(item)
        if values is not None:
            for lookup, text in recipe.bound_to(item.content.origin).lookup_texts(values):
                asked[lookup][text] = None
    return asked


def questions(
    asked: Mapping[LookupSource, Iterable[str]], cache: LookupCache, connection: UUID
) -> tuple[dict[Place, dict[str, str | None]], list[Lookup]]:
    """What is known already, and what has to be asked: each value of a field once, so many at a time."""
    wanted: dict[Place, dict[str, None]] = defaultdict(dict)
    for lookup, texts in asked.items():
        wanted[lookup.object, lookup.field].update(dict.fromkeys(texts))
    ids: dict[Place, dict[str, str | None]] = {}
    open_: list[Lookup] = []
    for place, texts in wanted.items():
        known = {text: cache.get(connection, *place, text) for text in texts}
        ids[place] = {text: id_ for text, id_ in known.items() if id_ is not None}
        missing = [text for text, id_ in known.items() if id_ is None]
        open_ += [Lookup(object=place[0], field=place[1], values=part) for part in _parts(missing)]
    return ids, open_


async def look_up(
    recipe: Recipe,
    asked: Mapping[LookupSource, Iterable[str]],
    tools: Tools,
    connection: UUID,
    *,
    have_call: Callable[[int], Awaitable[bool]],
) -> Found | Deferred | Blocked | Uncertain | None:
    """What the lookups give, or the trouble that one met; None when there is no call for a question.

    `have_call` is told how many questions are left. Of several objects with a value the first counts.
    """
    ids, open_ = questions(asked, tools.lookups, connection)
    for number, lookup in enumerate(open_):
        if not await have_call(len(open_) - number):
            return None
        told = await tools.pusher.look_up(recipe, lookup)
        if told.trouble is not None:
            return told.trouble
        found = {text: next(iter(told.found.get(text, ())), None) for text in lookup.values}
        tools.lookups.keep(connection, lookup.object, lookup.field, found)
        ids[lookup.object, lookup.field].update(found)
    return {
        lookup: {text: ids[lookup.object, lookup.field][text] for text in texts}
        for lookup, texts in asked.items()
    }


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), AT_ONCE):
        yield texts[start : start + AT_ONCE]
