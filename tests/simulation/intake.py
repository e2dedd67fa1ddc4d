"""Who submits records: prepares batches, repeats them under their key when the answer was lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from formlane.domain.ids import BatchId, RecordId, record_to_text
from formlane.domain.lanes import NewBatch, NewDelivery, Refusal, Verdict
from formlane.errors import Unavailable
from tests.simulation.cast import SKIPPED_NUMBER, Character, Kind, new_uuid
from tests.simulation.destination import Destination, Traits
from tests.simulation.kernel import Kernel, Process, sleep
from tests.simulation.store import DistantLanes

KEYS = 6
NO_KEY = bytes(8)
Record = Mapping[str, object]


@dataclass(slots=True)
class Submission:
    """What was submitted, and whether its acceptance was told."""

    flow: UUID
    batches: list[UUID]
    records: Sequence[Record | None]
    told: bool = False


@dataclass(slots=True)
class Client(Process):
    """Submits records to flows. `submissions` is what it remembers."""

    kernel: Kernel
    lanes: DistantLanes
    destinations: Mapping[UUID, Destination]
    name: str = "client"
    is_dead: bool = False
    frozen_until: int = 0
    submissions: list[Submission] = field(default_factory=list)
    turn: int = 0

    async def submit(self, character: Character) -> None:
        """Submits a few records to a flow; with a key it goes on until it is told."""
        chance = self.kernel.chance
        records = [self._record() for _ in range(chance.choice([1, 1, 2, 5, 12]))]
        key = new_uuid(chance).bytes if chance.random() < 0.8 else None
        one = Submission(character.flow, [], records)
        self.submissions.append(one)
        while not one.told:
            batch = self._batch(character, records, key)
            one.batches.append(batch.id)
            try:
                [accepted] = await self.lanes.accept([batch])
            except Unavailable:
                if key is None:
                    return
                await sleep(chance.uniform(0.1, 3.0))
                continue
            one.told = accepted.verdict in (Verdict.ACCEPTED, Verdict.REPEAT)
            if accepted.batch not in one.batches:
                raise AssertionError(f"{accepted} answers nothing that was submitted")
            return

    def _record(self) -> Record | None:
        chance = self.kernel.chance
        if chance.random() < 0.01:
            return None
        number = None if chance.random() < 0.02 else chance.randrange(8, 40)
        key = None if chance.random() < 0.05 else f"k{chance.randrange(KEYS)}"
        return {"number": number, "key": key}

    def _batch(self, character: Character, records: Sequence[Record | None], key: bytes | None) -> NewBatch:
        batch = new_uuid(self.kernel.chance)
        self._mark(character, batch, records)
        blob = orjson.dumps(records)
        invalid = self.kernel.chance.random() < 0.05
        return NewBatch(
            tenant=character.tenant,
            id=batch,
            source=character.flow,
            revision=1,
            records=len(records) + invalid,
            blob=blob,
            deliveries=tuple(self._deliveries(character, records)),
            refusals=(Refusal(index=len(records), reason="invalid", detail=b""),) if invalid else (),
            key=key,
            body_hash=blob if key else None,
            answer=b"accepted" if key else None,
        )

    def _mark(self, character: Character, batch: UUID, records: Sequence[Record | None]) -> None:
        """How the destination will take each record."""
        chance, traits = self.kernel.chance, self.destinations[character.flow].traits
        for index in range(len(records)):
            dice = chance.random()
            if character.kind is Kind.FILE or dice > 0.08:
                continue
            longest = 2000.0 if dice < 0.005 else 40.0
            locked = 0.0 if dice < 0.04 and dice > 0.005 else self.kernel.seconds + chance.random() * longest
            step = chance.randrange(2) if character.related else 0
            traits[record_to_text(RecordId(BatchId(batch), index))] = Traits(
                step=step, bad=locked == 0.0, locked_until=locked
            )

    def _deliveries(self, character: Character, records: Sequence[Record | None]) -> list[NewDelivery]:
        rows: dict[UUID, list[int]] = {}
        hashes = [_hash(record) for record in records]
        self.turn += 1
        for index, hashed in enumerate(hashes):
            place = int.from_bytes(hashed, "big") if character.keyed else self.turn
            rows.setdefault(character.lanes[place % len(character.lanes)], []).append(index)
        return [
            NewDelivery(
                lane=lane,
                records=len(mine),
                bytes=40 * len(mine),
                rows=None if len(mine) == len(records) else tuple(mine),
                keys=b"".join(hashes[index] for index in mine) if character.keyed else None,
            )
            for lane, mine in rows.items()
        ]


def _hash(record: Record | None) -> bytes:
    key = None if record is None else record.get("key")
    return NO_KEY if key is None else hashlib.blake2b(str(key).encode(), digest_size=8).digest()


def is_skipped(record: Record | None) -> bool:
    """Whether the mapping leaves this record out: erased, or its condition is false."""
    return record is None or record.get("number") == SKIPPED_NUMBER
