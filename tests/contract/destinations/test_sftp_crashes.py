"""The kill matrix: a worker dies, or its connection is cut, before and after every write and every request.

Whatever breaks and whatever the consumer does with files, readers see each final name once, whole, and no
record is lost. The directory is read at every step.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest

from formlane.destinations.base import Call, CallResult, Clock, LeaseLost
from formlane.destinations.egress import Guard
from formlane.destinations.sftp import SftpConnector
from formlane.destinations.sftp.files import RemoteFiles
from formlane.domain.outcomes import Deferred, Delivered, Uncertain
from formlane.domain.types import Json
from tests.sshd import Sshd, SshdOptions, running_sshd
from tests.unit.destinations_sftp.fakes import (
    CrashError,
    FakeJournal,
    Memory,
    RealClock,
    make_call,
    make_equipment,
)

pytestmark = pytest.mark.sshd

T = TypeVar("T")
TRIES = 6
NUMBERS = count(1)


class Consumer(StrEnum):
    LEAVES = "leaves"
    MOVES = "moves"
    DELETES = "deletes"


class Harm(StrEnum):
    CUT = "cut"
    KILL = "kill"


@dataclass(slots=True)
class Reader:
    """Reads a directory as a consumer would and remembers all that ever appeared under a final name."""

    directory: Path
    consumer: Consumer
    suffix: str = ""
    seen: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def look(self) -> None:
        names = [
            path for path in self.directory.iterdir() if path.is_file() and not path.name.startswith(".")
        ]
        for path in names:
            self.seen[path.name, path.stat().st_ino] = path.read_bytes()
        if self.consumer is not Consumer.LEAVES:
            for path in names:
                self._take(path)

    def _take(self, path: Path) -> None:
        trigger = path.with_name(path.name + self.suffix)
        if path.name.endswith(".done") or not trigger.exists():
            return
        for one in {path, trigger}:
            if self.consumer is Consumer.MOVES:
                taken = self.directory / "taken"
                taken.mkdir(exist_ok=True)
                one.rename(taken / f"{next(NUMBERS)}-{one.name}")
            else:
                one.unlink()

    def appearances(self) -> Counter[str]:
        return Counter(name for name, _ in self.seen)


@dataclass(slots=True)
class Weather:
    """What befalls one try: harm at the n-th request (from 0), before it is sent or after its answer."""

    reader: Reader
    harm_at: int | None = None
    is_after: bool = False
    harm: Harm = Harm.CUT
    steps: list[str] = field(default_factory=list)
    pause: Callable[[], Awaitable[None]] | None = None


class Worker:
    """One process's connector, kept over many calls; `weather` is that of the try under way."""

    def __init__(self, server: Sshd) -> None:
        settings: dict[str, Json] = {
            "host": server.host,
            "port": server.port,
            "username": server.user,
            "host_keys": list(server.host_keys),
            "base_dir": str(server.root),
        }
        secrets = {"private_key": server.client_key.read_text()}
        guard = Guard(allow=[(server.host, server.port)])
        equipment = make_equipment(settings, secrets, guard=guard, clock=RealClock(0.01))
        self.weather: Weather | None = None
        self.connector = SftpConnector(equipment, files=partial(HarmedFiles, worker=self))

    async def work(self, scene: Scene, weather: Weather, journal: FakeJournal) -> CallResult:
        self.weather = weather
        return await self.connector.send(scene.call, journal)

    async def finish(self, scene: Scene) -> None:
        """An undisturbed try, which must deliver all."""
        scene.reader.look()
        result = await self.work(scene, Weather(scene.reader), FakeJournal(memory=scene.memory))
        scene.reader.look()
        assert all(isinstance(outcome, Delivered) for outcome in result.outcomes), result


class HarmedFiles(RemoteFiles):
    def __init__(
        self, sftp: asyncssh.SFTPClient, *, worker: Worker, clock: Clock, time_scale: float = 1.0
    ) -> None:
        super().__init__(sftp, clock=clock, time_scale=time_scale)
        self._worker = worker
        self._client = sftp

    async def step(self, name: str, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        weather = self._worker.weather
        assert weather is not None
        number = len(weather.steps)
        weather.steps.append(name)
        is_here = weather.harm_at == number

        async def harmed() -> T:
            if is_here and not weather.is_after:
                await self._befall(weather)
            try:
                return await ask()
            finally:
                weather.reader.look()
                if is_here and weather.is_after:
                    await self._befall(weather)

        return await super().step(name, harmed, seconds)

    async def _befall(self, weather: Weather) -> None:
        if weather.pause is not None:
            await weather.pause()
            return
        weather.reader.look()
        if weather.harm is Harm.KILL:
            raise CrashError
        self._client.exit()
        raise asyncssh.ConnectionLost("cut")


@dataclass(slots=True)
class Scene:
    """One call on its way into one directory."""

    reader: Reader
    call: Call
    memory: Memory = field(default_factory=Memory)

    def check(self, *, files: int) -> None:
        """Each final name once, each file whole, nothing forgotten."""
        appearances = self.reader.appearances()
        assert len(appearances) == files, appearances
        assert set(appearances.values()) == {1}, appearances
        [(name, body)] = {(n, b) for (n, _), b in self.reader.seen.items() if not n.endswith(".done")}
        assert body == b"a,b\r\n" + b"".join(b"%d,x\r\n" % row for row in range(len(self.call.records))), name
        assert [path.name for path in self.reader.directory.iterdir() if path.name.endswith(".part")] == []


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with running_sshd() as running:
        yield running


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Sshd]:
    with running_sshd(SshdOptions(forbid=("posix-rename", "fsync"))) as running:
        yield running


@pytest.fixture
async def worker(server: Sshd) -> AsyncIterator[Worker]:
    made = Worker(server)
    yield made
    await made.connector.close()


@pytest.fixture
async def second_worker(server: Sshd) -> AsyncIterator[Worker]:
    made = Worker(server)
    yield made
    await made.connector.close()


@pytest.fixture
async def plain_worker(plain_server: Sshd) -> AsyncIterator[Worker]:
    made = Worker(plain_server)
    yield made
    await made.connector.close()


def make_scene(server: Sshd, consumer: Consumer, options: Mapping[str, Json]) -> Scene:
    number = next(NUMBERS)
    directory = server.root / str(number)
    directory.mkdir()
    server.give(directory)
    suffix = ".done" if options.get("trigger") else ""
    rows: list[dict[str, Json]] = [{"a": str(row), "b": "x"} for row in range(20 + number % 5)]
    call = make_call(rows, options={**options, "directory": str(number)})
    return Scene(Reader(directory, consumer, suffix), call)


async def steps_of(server: Sshd, worker: Worker, options: Mapping[str, Json]) -> tuple[list[str], int]:
    """Requests and journal writes of an undisturbed try."""
    scene = make_scene(server, Consumer.LEAVES, options)
    weather, journal = Weather(scene.reader), FakeJournal(memory=scene.memory)
    await worker.work(scene, weather, journal)
    return weather.steps, journal.writes


async def try_harmed(worker: Worker, scene: Scene, weather: Weather, journal: FakeJournal) -> None:
    try:
        result = await worker.work(scene, weather, journal)
    except CrashError:
        return
    assert all(isinstance(outcome, Deferred | Uncertain | Delivered) for outcome in result.outcomes), result


VARIANTS: dict[str, dict[str, Json]] = {"renamed": {}, "with trigger": {"trigger": "json"}}


@pytest.mark.parametrize("consumer", Consumer)
@pytest.mark.parametrize(
    ("variant", "harm"), [("renamed", Harm.CUT), ("renamed", Harm.KILL), ("with trigger", Harm.KILL)]
)
async def test_harm_at_every_request(
    server: Sshd, worker: Worker, consumer: Consumer, harm: Harm, variant: str
) -> None:
    options = VARIANTS[variant]
    steps, _ = await steps_of(server, worker, options)
    assert steps[:7] == ["open", "write", "fsync", "close", "stat", "stat", "posix_rename"]
    for number, is_after in product(range(len(steps)), (False, True)):
        scene = make_scene(server, consumer, options)
        weather = Weather(scene.reader, harm_at=number, is_after=is_after, harm=harm)
        await try_harmed(worker, scene, weather, FakeJournal(memory=scene.memory))
        await worker.finish(scene)
        scene.check(files=1 + len(options))


@pytest.mark.parametrize("consumer", Consumer)
async def test_harm_at_every_request_without_posix_rename(
    plain_server: Sshd, plain_worker: Worker, consumer: Consumer
) -> None:
    steps, _ = await steps_of(plain_server, plain_worker, {})
    assert "rename" in steps
    for number, is_after in product(range(len(steps)), (False, True)):
        scene = make_scene(plain_server, consumer, {})
        weather = Weather(scene.reader, harm_at=number, is_after=is_after, harm=Harm.KILL)
        await try_harmed(plain_worker, scene, weather, FakeJournal(memory=scene.memory))
        await plain_worker.finish(scene)
        scene.check(files=1)


@pytest.mark.parametrize("consumer", Consumer)
@pytest.mark.parametrize("variant", VARIANTS)
async def test_death_at_every_journal_write(
    server: Sshd, worker: Worker, consumer: Consumer, variant: str
) -> None:
    options = VARIANTS[variant]
    _, writes = await steps_of(server, worker, options)
    for number, is_after in product(range(writes), (False, True)):
        scene = make_scene(server, consumer, options)
        journal = FakeJournal(memory=scene.memory, crash_at=number, is_after=is_after)
        with pytest.raises(CrashError):
            await worker.work(scene, Weather(scene.reader), journal)
        await worker.finish(scene)
        scene.check(files=1 + len(options))


@pytest.mark.parametrize("consumer", Consumer)
async def test_harm_again_and_again_while_recovering(
    server: Sshd, worker: Worker, consumer: Consumer
) -> None:
    """Several tries of one call, each harmed somewhere, in a seeded order."""
    dice = random.Random(f"seed {consumer}")
    harms = [Harm.KILL, Harm.KILL, Harm.KILL, Harm.CUT]
    for _ in range(25):
        options = VARIANTS[dice.choice(list(VARIANTS))]
        scene = make_scene(server, consumer, options)
        for _ in range(dice.randrange(2, TRIES)):
            is_after = dice.random() < 0.5
            weather = Weather(
                scene.reader, harm_at=dice.randrange(12), is_after=is_after, harm=dice.choice(harms)
            )
            writes = dice.choice([None, None, 0, 1, 2])
            journal = FakeJournal(memory=scene.memory, crash_at=writes, is_after=is_after)
            await try_harmed(worker, scene, weather, journal)
        await worker.finish(scene)
        scene.check(files=1 + len(options))


@pytest.mark.parametrize("consumer", Consumer)
async def test_paused_worker_wakes_up_after_another_finished(
    server: Sshd, worker: Worker, second_worker: Worker, consumer: Consumer
) -> None:
    """The fence: a worker stopped before or after any request goes on when its lane was long taken over."""
    steps, _ = await steps_of(server, worker, {})
    for number, is_after in product(range(len(steps)), (False, True)):
        scene = make_scene(server, consumer, {})
        paused, may_go_on = asyncio.Event(), asyncio.Event()
        pause = partial(_pause, paused, may_go_on)
        weather = Weather(scene.reader, harm_at=number, is_after=is_after, pause=pause)
        sleeper = asyncio.create_task(worker.work(scene, weather, FakeJournal(memory=scene.memory)))
        signal = asyncio.create_task(paused.wait())
        await asyncio.wait({signal, sleeper}, return_when=asyncio.FIRST_COMPLETED)
        assert paused.is_set(), f"{number} {is_after} {steps} {weather.steps}"
        await second_worker.finish(scene)
        may_go_on.set()
        await asyncio.gather(sleeper, return_exceptions=True)
        assert sleeper.exception() is None or isinstance(sleeper.exception(), LeaseLost)
        scene.reader.look()
        _forget_orphan(scene, is_first=number == 0 and not is_after)
        scene.check(files=1)


async def _pause(paused: asyncio.Event, may_go_on: asyncio.Event) -> None:
    paused.set()
    await may_go_on.wait()


def _forget_orphan(scene: Scene, *, is_first: bool) -> None:
    """A worker that slept before its `open` makes its own temporary file late; nobody can rename that one."""
    if is_first:
        for orphan in scene.reader.directory.glob(".*.1.part"):
            orphan.unlink()
