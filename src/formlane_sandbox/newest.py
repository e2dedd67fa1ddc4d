"""What is remembered of what arrived: the newest, in the order of their numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from formlane_sandbox.control import Page


class Item(Protocol):
    """Something that arrived."""

    @property
    def seq(self) -> int:
        """Its number, from 1, over all resets; no gaps among the kept."""

    def document(self) -> dict[str, object]:
        """For the control API."""


ItemT = TypeVar("ItemT", bound=Item)


class Newest(Generic[ItemT]):
    """The newest `keep` items."""

    def __init__(self, keep: int) -> None:
        self.newest: deque[ItemT] = deque(maxlen=keep)
        self.last_seq = 0

    def next_seq(self) -> int:
        """A number for the next item; never used again, not even after `forget`."""
        self.last_seq += 1
        return self.last_seq

    def keep(self, number: int) -> None:
        """Keep that many from now on."""
        if number != self.newest.maxlen:
            self.newest = deque(self.newest, maxlen=number)

    def forget(self) -> None:
        """Empty everything but the numbering, so that old cursors stay harmless."""
        self.newest.clear()

    def latest(self, number: int) -> Iterator[ItemT]:
        """The newest ones, newest first."""
        return islice(reversed(self.newest), number)

    def page(self, *, after: int, limit: int) -> Page:
        """Kept items with a higher seq than `after`, oldest first."""
        oldest = self.newest[0].seq if self.newest else self.last_seq + 1
        skipped = max(0, after + 1 - oldest)
        items = list(islice(self.newest, skipped, skipped + limit))
        more = skipped + limit < len(self.newest)
        return Page(
            items=[item.document() for item in items],
            next=items[-1].seq if more else None,
            dropped=max(0, oldest - after - 1),
        )
