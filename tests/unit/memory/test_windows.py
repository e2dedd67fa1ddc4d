"""Where a window ends, against the plainest way to say it."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.lanes import Position
from formlane.memory.clock import START
from formlane.memory.state import Delivery, QueueState
from formlane.memory.windows import window_end

NOBODY = UUID(int=0)


def queue_of(sizes: list[tuple[int, int]], head: Position) -> QueueState:
    deliveries = {
        seq: Delivery(
            seq=seq,
            batch=NOBODY,
            source=NOBODY,
            accepted_at=START,
            records=records,
            size=size,
            rows=None,
            keys=None,
        )
        for seq, (records, size) in enumerate(sizes, start=1)
    }
    return QueueState(head=head, tail=len(sizes) + 1, deliveries=deliveries)


@given(
    sizes=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 40)), min_size=1, max_size=8),
    rows=st.integers(1, 12),
    weight=st.integers(1, 120),
    offset=st.integers(0, 4),
)
def test_a_window_takes_records_until_rows_or_bytes_are_reached(
    sizes: list[tuple[int, int]], rows: int, weight: int, offset: int
) -> None:
    head = Position(1, min(offset, sizes[0][0] - 1))
    taken, total, end = 0, 0, head
    for seq, (records, size) in enumerate(sizes, start=1):
        total += size
        if taken == rows or (seq > 1 and total > weight):
            break
        for place in range(head.offset if seq == 1 else 0, records):
            if taken == rows:
                break
            taken += 1
            end = Position(seq, place + 1) if place + 1 < records else Position(seq + 1, 0)
    assert window_end(queue_of(sizes, head), rows=rows, weight=weight, most=100) == end


def test_a_window_ends_after_the_last_delivery_looked_at() -> None:
    queue = queue_of([(1, 1)] * 5, Position(2, 0))
    assert window_end(queue, rows=10, weight=100, most=2) == Position(4, 0)
