"""A whole file on its way: batches in order, some of them at the same time, answered for one by one."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from formlane.cli.client import ApiClient
from formlane.cli.faults import ServerRefused
from formlane.cli.pushing.files import RecordFile, Row
from formlane.cli.pushing.progress import Progress, ProgressFile
from formlane.cli.pushing.rejects import Rejects
from formlane.cli.pushing.sending import RETRIED, Patience, Sender, Verdict
from formlane.errors import Conflict, InvalidInput

MOST_WARNINGS: Final = 100
"""Different warnings that are kept to be told at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is pushed where. `target` is the path of batches below `/v1`; `parallel` requests at a time."""

    source: RecordFile
    target: str
    batch: int = 100
    parallel: int = 1
    resume: bool = False

    @property
    def reading(self) -> str:
        """How the file is read; read otherwise, its rows are other records."""
        return f"{self.source.format.value} {self.source.delimiter!r}"


@dataclass(slots=True)
class Summary:
    """What became of a file. `records` were read; `repeated` of the accepted had been accepted before."""

    records: int = 0
    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    skipped: int = 0
    warnings: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Watch:
    """Told while a push runs: the total once it is known, then the summary after each batch."""

    total: Callable[[int], None] = lambda _records: None
    moved: Callable[[Summary], None] = lambda _summary: None


async def push_file(
    client: ApiClient,
    plan: Plan,
    *,
    patience: Patience | None = None,
    watch: Watch | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Summary:
    """Pushes every record of the file. Nothing is sent unless the whole file can be read.

    A run that is repeated sends the same requests under the same keys, so that nothing is accepted twice.
    """
    watch = watch or Watch()
    stamp, digest = plan.source.stamp(), await asyncio.to_thread(plan.source.digest)
    total = await asyncio.to_thread(lambda: sum(1 for _ in plan.source.rows()))
    if total == 0:
        raise InvalidInput(f"There are no records in {plan.source.path}.")
    watch.total(total)
    kept = ProgressFile(_beside(plan, "push.json"))
    fresh = Progress(
        digest=digest, target=plan.target, reading=plan.reading, batch=plan.batch, began_at=now()
    )
    progress = kept.begin(fresh, resume=plan.resume, now=now())
    sender = Sender(
        client=client,
        target=plan.target,
        prefix=f"push-{sha256(f'{digest} {plan.reading}'.encode()).hexdigest()[:40]}",
        patience=patience or Patience(),
    )
    rejects = Rejects(rejects_beside(plan), keep_bytes=progress.rejected_bytes)
    run = _Run(plan, sender, rejects, kept, progress, watch, now, stamp)
    with contextlib.closing(rejects):
        await run.go()
    kept.finish()
    return run.summary


def rejects_beside(plan: Plan) -> Path:
    """Where rejected records go."""
    return _beside(plan, "rejected.ndjson")


class _Run:
    """One run over the file."""

    def __init__(
        self,
        plan: Plan,
        sender: Sender,
        rejects: Rejects,
        kept: ProgressFile,
        progress: Progress,
        watch: Watch,
        now: Callable[[], dt.datetime],
        stamp: tuple[int, int],
    ) -> None:
        self._plan = plan
        self._sender = sender
        self._rejects = rejects
        self._kept = kept
        self._progress = progress
        self._watch = watch
        self._now = now
        self._stamp = stamp
        self._under_way: deque[tuple[int, asyncio.Task[Verdict]]] = deque()
        self.summary = Summary(
            records=progress.done,
            accepted=progress.accepted,
            rejected=progress.rejected,
            skipped=progress.done,
        )

    async def go(self) -> None:
        """Sends what is left, in order."""
        try:
            for rows in _batches(self._plan.source.rows(), self._plan.batch, skip=self._progress.done):
                if len(self._under_way) >= self._plan.parallel:
                    await self._answered()
                self._start(rows)
            while self._under_way:
                await self._answered()
        except ServerRefused as refusal:
            if refusal.status not in RETRIED and len(self._under_way) == 1:
                self._progress.sent = self._progress.done  # it was refused as a whole: nothing is in doubt
                self._kept.keep(self._progress)
            raise
        finally:
            for _, task in self._under_way:
                task.cancel()
            await asyncio.gather(*(task for _, task in self._under_way), return_exceptions=True)

    def _start(self, rows: Sequence[Row]) -> None:
        if self._plan.source.stamp() != self._stamp:
            raise Conflict(f"{self._plan.source.path} was changed while it was pushed. Push it again.")
        self._progress.sent = rows[-1].number
        self._progress.sent_at = self._now()
        self._kept.keep(self._progress)
        self._under_way.append((rows[-1].number, asyncio.create_task(self._sender.send(rows))))

    async def _answered(self) -> None:
        """Waits for the oldest batch and notes what became of it."""
        last, task = self._under_way[0]
        verdict = await task
        self._under_way.popleft()
        for row, problems in verdict.refused:
            self._rejects.add(row, problems)
        self._rejects.flush()
        summary, progress = self.summary, self._progress
        summary.records = progress.done = last
        summary.accepted = progress.accepted = summary.accepted + verdict.accepted
        summary.rejected = progress.rejected = summary.rejected + len(verdict.refused)
        summary.repeated += verdict.repeated
        summary.warnings |= set(islice(verdict.warnings, MOST_WARNINGS - len(summary.warnings)))
        progress.rejected_bytes = self._rejects.written
        self._kept.keep(progress)
        self._watch.moved(summary)


def _batches(rows: Iterator[Row], size: int, *, skip: int) -> Iterator[list[Row]]:
    left = islice(rows, skip, None)
    while batch := list(islice(left, size)):
        yield batch


def _beside(plan: Plan, ending: str) -> Path:
    path = plan.source.path
    return path.with_name(f"{path.name}.{ending}")
