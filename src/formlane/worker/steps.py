"""Takes the records of a window through the steps of their flow, one call after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Position
from formlane.domain.outcomes import DELIVERED, Delivered, Outcome, Reason, Skipped
from formlane.mapping.lines import Acceptance, Known, Mapper, Skip
from formlane.services.recipes import Recipe, decided
from formlane.worker.results import Achieved, Found
from formlane.worker.window import Item, Sources

SKIPPED = Skipped(reason=Reason.CONDITION_FALSE)


class Steps:
    """The steps of one window's records. `found`: what its lookups gave."""

    def __init__(self, recipe: Recipe, sources: Sources, found: Found) -> None:
        self._recipe = recipe
        self._sources = sources
        self._found = found
        self._mappers: dict[tuple[int, int, int], tuple[Mapper, Acceptance]] = {}

    def prepare(self, items: Iterable[Item]) -> None:
        """Maps every item that is not decided for the step it stands before."""
        for item in items:
            if item.outcome is None and item.fields is None:
                self._take(item)

    def note(self, sent: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        """What a call made of its items: they stand before their next step, or are decided."""
        for item, outcome in zip(sent, outcomes, strict=True):
            item.fields = None
            if not isinstance(outcome, Delivered):
                item.outcome = outcome
                continue
            name = self._recipe.steps[item.step].name
            item.remote = {**item.remote, name: outcome.remote_id or ""}
            item.step += 1
            self._take(item)

    def _take(self, item: Item) -> None:
        """Passes over steps whose condition is false. A record that has passed all is delivered."""
        values = self._sources.values(item)
        assert values is not None, "erased records are decided"
        content, recipe = item.content, self._recipe
        while item.step < len(recipe.specs):
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
        item.outcome = DELIVERED if item.remote else SKIPPED


def achieved(items: Iterable[Item]) -> list[tuple[Position, Achieved]]:
    """What has to be kept of items until they are settled: of those that passed a step or are decided."""
    return [
        (item.place, Achieved(step=item.step, remote=dict(item.remote), outcome=item.outcome))
        for item in items
        if item.remote or item.step or item.outcome is not None
    ]
