"""Asynchronous writes: jobs that start later and answer per row.

Source: Marketing Cloud REST reference, "Upsert Data Extension Rows Asynchronously", "Get Request Status",
"Get Request Results"; insert conflicts as in the sample of the last.
"""

from __future__ import annotations

import heapq
import random
import uuid
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from formlane_sandbox.clock import Clock
from formlane_sandbox.sfmc.extensions import (
    DataExtension,
    DuplicateKeyError,
    Extensions,
    Problem,
    Row,
    RowRefusedError,
)
from formlane_sandbox.sfmc.settings import Behaviour, Lags

NULL_VALUE, OTHER_VALUE = 70001, 70002
NO_PRIMARY_KEY = "This Data Extension does not have any primary keys defined."
DEADLOCK = (
    "Transaction (Process ID 6840) was deadlocked on lock resources with another process "
    "and has been chosen as the deadlock victim. Rerun the transaction."
)
_ROW_ERROR = 2


class Mode(StrEnum):
    """PUT upserts, POST only inserts."""

    UPSERT = "Upserted"
    INSERT = "Inserted"


_DONE: Mapping[Mode, dict[str, object]] = {
    mode: {"message": f"{mode} DataExtensionObject", "status": "OK"} for mode in Mode
}


class Spoiled(Struct, frozen=True, kw_only=True):
    """What an armed fault does to a job: rows that fail with a text, or the job as a whole."""

    rows: frozenset[int] = frozenset()
    text: str = DEADLOCK
    fails: bool = False
    vanishes: bool = False


class Job(Struct, kw_only=True):
    """One submission. Times by the simulator's clock; `results` has an item per row once it is done."""

    id: str
    extension: DataExtension
    mode: Mode
    items: list[dict[str, object]]
    called: float
    visible: float
    picked_up: float
    completes: float
    spoiled: Spoiled
    results: list[dict[str, object]] = []
    done: bool = False
    failed: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether a row or the job failed."""
        return self.failed or any(result["status"] == "Error" for result in self.results)


class Jobs:
    """All jobs. They run when the clock has passed their time and somebody looks, in order of completion."""

    def __init__(self, clock: Clock, extensions: Extensions) -> None:
        self._clock = clock
        self._extensions = extensions
        self._chance = random.Random(0)  # noqa: S311 - spreads completions, not a secret
        self._waiting: list[tuple[float, int, Job]] = []
        self.by_id: dict[str, Job] = {}

    def submit(
        self,
        extension: DataExtension,
        mode: Mode,
        items: list[dict[str, object]],
        lags: Lags,
        spoiled: Spoiled,
    ) -> Job:
        """Queue a job."""
        now, lag = self._clock.time(), self._clock.lag
        picked_up = now + lag(lags.pickup + self._chance.random() * lags.jitter)
        job = Job(
            id=str(uuid.uuid4()),
            extension=extension,
            mode=mode,
            items=items,
            called=now,
            visible=now + lag(lags.visible),
            picked_up=picked_up,
            completes=picked_up + lag(lags.run),
            spoiled=spoiled,
        )
        self.by_id[job.id] = job
        heapq.heappush(self._waiting, (job.completes, len(self.by_id), job))
        return job

    def run(self, behaviour: Behaviour) -> None:
        """Do what is due by now."""
        now = self._clock.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._do(heapq.heappop(self._waiting)[2], behaviour)

    def _do(self, job: Job, behaviour: Behaviour) -> None:
        extension = job.extension
        job.done = True
        gone = self._extensions.by_id(extension.id, extension.account) is not extension
        if job.spoiled.fails or gone:
            job.failed = True
        elif job.mode is Mode.UPSERT and not extension.primary:
            job.results = [_error(NO_PRIMARY_KEY, behaviour) for _ in job.items]
        else:
            job.results = [
                _error(job.spoiled.text, behaviour)
                if position in job.spoiled.rows
                else _written(extension, job.mode, item, behaviour)
                for position, item in enumerate(job.items)
            ]
        job.items = []


def _written(
    extension: DataExtension, mode: Mode, item: Mapping[str, object], behaviour: Behaviour
) -> dict[str, object]:
    try:
        row: Row = extension.checked(item, behaviour)
        if mode is Mode.UPSERT:
            extension.upsert(row)
        else:
            extension.insert(row)
    except RowRefusedError as refusal:
        return _error(str(refusal), behaviour, problems=refusal.problems)
    except DuplicateKeyError as conflict:
        return _error(_violation(extension, str(conflict)), behaviour, code="UnexpectedError")
    return _DONE[mode]


def _violation(extension: DataExtension, key: str) -> str:
    table = f"C{extension.account}.{extension.name}"
    return (
        f"Violation of PRIMARY KEY constraint 'PK_{extension.id[:8]}'. Cannot insert duplicate key in object "
        f"'{table}'. The duplicate key value is ({key}).\r\nThe statement has been terminated."
    )


def _error(
    text: str, behaviour: Behaviour, *, problems: Iterable[Problem] = (), code: int | str = _ROW_ERROR
) -> dict[str, object]:
    if behaviour.error_codes != "mixed":
        code = _ROW_ERROR if behaviour.error_codes == "number" else "UnexpectedError"
    item: dict[str, object] = {"errorCode": code, "message": text, "status": "Error"}
    errors = [
        {
            "errorCode": NULL_VALUE if problem.null else OTHER_VALUE,
            "name": problem.slot,
            "errorMessage": problem.text,
        }
        for problem in problems
    ]
    if errors:
        item["errors"] = errors
    return item
