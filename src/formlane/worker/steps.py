"""Takes the records of a window through the steps of their flow, one call after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Position
from formlane.domain.outcomes import (
    DELIVERED,
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Scope,
    Skipped,
)
from formlane.mapping.lines import Acceptance, Known, Mapper, Skip
from formlane.services.recipes import Recipe, decided
from formlane.worker.results import Achieved, Found
from formlane.worker.window import Item, Sources

SKIPPED = Skipped(reason=Reason.CONDITION_FALSE)


class Steps:
    """The steps of one window's records. `found`: what its lookups gave; `noted`: whose results are kept."""

    def __init__(
        self, recipe: Recipe, sources: Sources, found: Found, *, noted: Iterable[Position] = ()
    ) -> None:
        self._recipe = recipe
        self._sources = sources
        self._found = found
        self._noted = set(noted)
        self._mappers: dict[tuple[int, int, int], tuple[Mapper, Acceptance]] = {}

    def prepare(self, items: Sequence[Item]) -> None:
        """Maps every item that is not decided for the first step that it did not pass."""
        for item in items:
            if item.outcome is None and item.fields is None:
                self._take(item)
        _put_behind(items)

    def note(self, sent: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        """What a call made of its items: they stand before their next step, or are decided."""
        for item, outcome in zip(sent, outcomes, strict=True):
            self._noted.add(item.place)
            item.fields = None
            if not isinstance(outcome, Delivered):
                item.outcome = outcome
                continue
            name = self._recipe.steps[item.step].name
            item.remote = {**item.remote, name: outcome.remote_id or ""}
            self._take(item)
        _put_behind(sent)

    def achieved(self, items: Iterable[Item]) -> list[tuple[Position, Achieved]]:
        """What has to be kept of items until they are settled: what calls made of them."""
        return [
            (item.place, Achieved(step=item.step, remote=dict(item.remote), outcome=item.outcome))
            for item in items
            if item.place in self._noted
        ]

    def count_noted(self, items: Sequence[Item]) -> int:
        """How many items there are up to the last one that something has to be kept of."""
        return max((place for place, item in enumerate(items, 1) if item.place in self._noted), default=0)

    def _take(self, item: Item) -> None:
        """Passes over steps that are done or whose condition is false. Past all a record is delivered.

        What is done is known by the steps' names: another version may have other steps before them.
        """
        values = self._sources.values(item)
        assert values is not None, "erased records are decided"
        content, recipe = item.content, self._recipe
        while item.step < len(recipe.specs):
            if recipe.steps[item.step].name in item.remote:
                item.step += 1
                continue
            place = (content.queue, content.seq, item.step)
            if place not in self._mappers:
                self._mappers[place] = recipe.mapper(
                    content.origin, content.batch, content.accepted_at, item.step
                )
            map_record, acceptance = self._mappers[place]
            item.tracking_key = recipe.tracking_key(
                RecordId(BatchId(content.batch), item.row),
                content.source if content.as_new else None,
                item.step,
            )
            known = Known(remote=item.remote, found=self._found)
            mapped = map_record(values, acceptance, item.row, item.tracking_key, known)
            if isinstance(mapped, dict):
                item.fields = mapped
                return
            if not isinstance(mapped, Skip):
                item.outcome = decided(mapped)
                return
            item.step += 1
        if item.remote:
            item.outcome = DELIVERED
        else:
            item.step, item.outcome = 0, SKIPPED


def _put_behind(items: Iterable[Item]) -> None:
    """No further step is made of a record while an earlier one of its key is about to be held."""
    waiting: set[bytes] = set()
    for item in items:
        if item.key is None:
            continue
        if item.outcome is None:
            item.behind = item.behind or item.key in waiting
        elif _is_to_be_held(item.outcome):
            waiting.add(item.key)


def _is_to_be_held(outcome: Outcome) -> bool:
    return isinstance(outcome, Deferred) or (
        isinstance(outcome, Blocked) and outcome.scope is not Scope.RECORD
    )
