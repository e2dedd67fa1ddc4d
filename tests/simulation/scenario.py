"""One seeded life of an installation: intake, persons, trouble of every kind, recovery, and the check."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.lanes import Queue
from formlane.domain.retry import RetryPolicy
from formlane.memory import books, pausing, replaying
from formlane.memory.lanes import MemoryLanes
from formlane.memory.state import NEVER, SourceState
from tests.simulation.cast import Character, Kind, cast_of, new_uuid
from tests.simulation.check import Ledgers, check, exception_of
from tests.simulation.destination import Destination, Weather, short
from tests.simulation.intake import Client
from tests.simulation.kernel import Kernel, Process
from tests.simulation.store import DistantLanes, Trouble
from tests.simulation.watch import Watch
from tests.simulation.workers import Surroundings, Worker

MOST_STEPS = 400_000
"""A life that takes more events than this does not end."""
LONG_OUTAGES = 0.015
"""Share of lives with an outage of days."""
USER = "user"


@dataclass(frozen=True, slots=True)
class Life:
    """What a simulated life amounted to."""

    seed: int
    steps: int
    calls: int
    effects: int
    records: int
    hours: float
    seen: Counter[str]


def live(seed: int, *, days: float | None = None, tracing: bool = False) -> Life:
    """Runs one seed to its end; raises `Violation` when a rule was broken.

    `days`: for so long everything is down before it gets better; None leaves that to chance.
    """
    return Scenario(seed, days=days, tracing=tracing).run()


class Scenario:
    """Everything that a seed decides."""

    def __init__(self, seed: int, *, days: float | None = None, tracing: bool = False) -> None:
        kernel = self.kernel = Kernel(seed, tracing=tracing)
        chance = kernel.chance
        self.days = chance.choice([0.5, 3.2]) if chance.random() < LONG_OUTAGES else 0.0
        if days is not None:
            self.days = days
        self.lanes = MemoryLanes(clock=kernel.clock, chance=chance)
        self.flows = {one.flow: one for one in cast_of(self.lanes, chance)}
        self.weathers = {id_: Weather() for id_ in self.lanes.state.connections}
        self.destinations = {
            flow: Destination(kernel, one, {}, self.weathers[one.connection])
            for flow, one in self.flows.items()
        }
        self.watch = Watch(kernel, self.lanes, self.flows)
        self.trouble = Trouble()
        self.around = Surroundings(
            kernel=kernel,
            watch=self.watch,
            flows=self.flows,
            destinations=self.destinations,
            next_ready=self._next_ready,
            policy=RetryPolicy(),
        )
        self.workers: list[Worker] = []
        self.births = 0
        self.is_healed = False
        self.length = chance.choice([40.0, 80.0, 80.0, 240.0])
        self.client = self._client()

    def run(self) -> Life:
        """From the first record to the last."""
        chance = self.kernel.chance
        for _ in range(chance.randint(2, 4)):
            self._give_birth()
        self._stir()
        self._plan()
        self.kernel.run_until(self.length)
        self._outlast()
        self._heal()
        self._drain()
        check(Ledgers(self.lanes, self.watch, self.client, self.flows, self.destinations))
        return Life(
            seed=self.kernel.seed,
            steps=self.kernel.steps,
            calls=self.watch.sent,
            effects=sum(len(one.effects) for one in self.destinations.values()),
            records=sum(batch.records for batch in self.lanes.state.batches.values()),
            hours=self.kernel.seconds / 3600,
            seen=self.watch.seen,
        )

    # --- processes

    def _client(self) -> Client:
        process = Process("client")
        lanes = self._distant(process, lambda: None)
        return Client(self.kernel, lanes, self.destinations)

    def _distant(self, process: Process, crash: Callable[[], None]) -> DistantLanes:
        return DistantLanes(
            self.kernel, self.lanes, self.watch, process=process, trouble=self.trouble, crash=crash
        )

    def _give_birth(self) -> None:
        self.births += 1
        worker = Worker(f"w{self.births}", self.around, self.kernel.chance.uniform(-300, 300))
        worker.start(self._distant(worker, lambda: self._crash(worker)))
        self.workers.append(worker)

    def _crash(self, worker: Worker) -> None:
        """The process ends where it stands; another takes its place."""
        if worker.is_dead:
            return
        self.kernel.trace(f"{worker.name}: crashes")
        worker.is_dead = True
        self.workers.remove(worker)
        self.kernel.after(self.kernel.chance.uniform(0.2, 8.0), self._give_birth)

    def _freeze(self, worker: Worker) -> None:
        seconds = self.kernel.chance.uniform(1.0, 30.0)
        self.kernel.trace(f"{worker.name}: freezes for {seconds:.1f} s")
        worker.freeze(self.kernel, seconds)

    def _stop(self, worker: Worker) -> None:
        """A graceful stop; what is not done in twenty seconds is killed."""
        self.kernel.trace(f"{worker.name}: is asked to stop")
        worker.stop()
        self.kernel.after(20.0, lambda: self._crash(worker))

    # --- trouble

    def _stir(self) -> None:
        """How bad this life is."""
        chance, trouble = self.kernel.chance, self.trouble
        trouble.before = chance.choice([0.0, 0.01, 0.05])
        trouble.after = chance.choice([0.0, 0.01, 0.05])
        trouble.crash = chance.choice([0.0, 0.0, 0.004, 0.02])
        trouble.freeze = chance.choice([0.0, 0.0, 0.002, 0.01])
        for weather in self.weathers.values():
            weather.losing = chance.choice([0.0, 0.05, 0.3])
            weather.partial = chance.choice([0.0, 0.1])

    def _plan(self) -> None:
        """What happens when, until the life's length is over."""
        acts: list[tuple[Callable[[], None], float]] = [
            (self._submit, self.kernel.chance.choice([2.0, 5.0])),
            (self._fold, 20.0),
            (self._bad_weather, self.kernel.chance.choice([30.0, 60.0])),
            (self._hurt_worker, self.kernel.chance.choice([15.0, 40.0, 500.0])),
            (self._person, 15.0),
            (self._lose_store, 90.0),
        ]
        for act, every in acts:
            moment = self.kernel.chance.expovariate(1 / every)
            while moment < self.length:
                self.kernel.after(moment, act)
                moment += self.kernel.chance.expovariate(1 / every)

    def _submit(self) -> None:
        character = self.kernel.chance.choice(list(self.flows.values()))
        self.kernel.spawn(self.client, self.client.submit(character), ended=self._submitted)

    def _submitted(self, error: BaseException | None) -> None:
        if error is not None:
            raise error
        self._ring()

    def _ring(self) -> None:
        for worker in self.workers:
            worker.ring()

    def _fold(self) -> None:
        books.fold(self.lanes.state, self.kernel.chance.choice([3, 1000]))
        for connection in self.lanes.state.connections.values():
            if connection.paused_until <= self.kernel.now():
                pausing.wake(self.lanes.state, connection.id)
        self.watch.places_are_sound("waking")

    def _bad_weather(self) -> None:
        chance, now = self.kernel.chance, self.kernel.seconds
        weather = chance.choice(list(self.weathers.values()))
        until = now + chance.uniform(1, 60)
        match chance.choice(["down", "limited", "busy", "cut off", "credentials", "permission"]):
            case "down":
                weather.down_until = until
            case "limited":
                weather.limited_until = until
            case "busy":
                weather.busy_until = until
            case "cut off":
                weather.cut_off_until = until
            case "credentials":
                weather.credentials_bad = True
            case "permission":
                weather.permission_missing = True
        self.kernel.trace(f"weather: {weather}")

    def _hurt_worker(self) -> None:
        chance = self.kernel.chance
        if self.workers:
            chance.choice([self._crash, self._freeze, self._freeze, self._stop])(chance.choice(self.workers))

    def _lose_store(self) -> None:
        self.trouble.away_until = self.kernel.seconds + self.kernel.chance.uniform(0.5, 25.0)

    # --- a person

    def _person(self) -> None:
        self.kernel.chance.choice([self._pause, self._resume, self._repair, self._publish, self._replay])()
        self.watch.places_are_sound("a person")
        self._ring()

    def _pause(self) -> None:
        chance = self.kernel.chance
        one = chance.choice(list(self.flows.values()))
        scope, id_ = chance.choice([(pausing.FLOW, one.flow), (pausing.CONNECTION, one.connection)])
        self.kernel.trace(f"person: pauses {scope} {id_.hex[-6:]}")
        pausing.pause(self.lanes.state, scope, id_, reason=USER, until=None)
        self.watch.user_pauses.add(id_)

    def _resume(self) -> None:
        for scope, id_, reason in [place for place in self.lanes.state.pauses if place[2] == USER]:
            self.kernel.trace(f"person: resumes {scope} {id_.hex[-6:]}")
            self.watch.user_pauses.discard(id_)
            pausing.clear(self.lanes.state, scope, id_, reason)

    def _repair(self) -> None:
        """Mends credentials and permissions, then says so."""
        for weather in self.weathers.values():
            weather.credentials_bad = weather.permission_missing = False
        for (scope, id_, reason), pause in list(self.lanes.state.pauses.items()):
            if pause.until == NEVER and reason != USER:
                self.kernel.trace(f"person: clears {reason} of {scope} {id_.hex[-6:]}")
                pausing.clear(self.lanes.state, scope, id_, reason)

    def _publish(self) -> None:
        one = self.kernel.chance.choice(list(self.lanes.state.flows.values()))
        one.release += 1
        self.kernel.trace(f"person: release {one.release} of {one.id.hex[-6:]}")

    def _replay(self) -> None:
        """Sends settled records of one batch again: what may be so is up to the kind of flow."""
        character = self.kernel.chance.choice(list(self.flows.values()))
        lane = self.lanes.state.lanes[self.kernel.chance.choice(character.lanes)]
        settled = [one for one in lane.live.deliveries.values() if one.seq < lane.live.head.seq]
        if not settled or character.kind in (Kind.UPSERT, Kind.FILE):
            return
        delivery = self.kernel.chance.choice(settled)
        if any(one.batch == delivery.batch for one in lane.replay.deliveries.values()):
            return
        waiting = {(row.queue, row.seq) for row in lane.held.values()}
        rows = [
            row
            for row in (delivery.rows or range(delivery.records))
            if (Queue.LIVE, delivery.seq) not in waiting
            and self._may_replay(character, (delivery.batch, row, character.flow, delivery.source))
        ]
        if rows:
            source = new_uuid(self.kernel.chance)
            self.lanes.state.sources[source] = SourceState(tenant=character.tenant, id=source)
            replaying.enqueue(self.lanes.state, source, lane_id=lane.id, batch=delivery.batch, rows=rows)
            self.kernel.trace(f"person: replays {rows} of {delivery.batch.hex[-6:]}")

    def _may_replay(self, character: Character, place: tuple[UUID, int, UUID, UUID]) -> bool:
        exception = exception_of(self.lanes, place)
        if character.kind is Kind.WEBHOOK:
            return True
        if exception is None:
            return False
        return exception.status != "parked" or character.kind is Kind.PARK

    # --- the end

    def _outlast(self) -> None:
        """Now and then everything is down for days before it gets better."""
        if not self.days:
            return
        self.trouble.crash = self.trouble.freeze = 0.0
        for weather in self.weathers.values():
            weather.down_until = self.kernel.seconds + self.days * 86400
        self.kernel.run_until(self.kernel.seconds + self.days * 86400)

    def _heal(self) -> None:
        """Everything is well from now on, and a person looks at what is blocked every quarter of an hour."""
        self.kernel.trace("everything is well")
        self.is_healed = True
        self.trouble.before = self.trouble.after = self.trouble.crash = 0.0
        self.trouble.freeze = self.trouble.away_until = 0.0
        for weather in self.weathers.values():
            weather.down_until = weather.limited_until = weather.busy_until = weather.cut_off_until = 0.0
            weather.losing = weather.partial = 0.0
        self._look_after()

    def _look_after(self) -> None:
        self._resume()
        self._repair()
        self.watch.places_are_sound("a person")
        self._ring()
        self.kernel.after(900.0, self._look_after)

    def _drain(self) -> None:
        """Until nothing waits any more."""
        limit = self.kernel.seconds + dt.timedelta(days=6).total_seconds()  # daily limits are small
        while not self._is_drained():
            if self.kernel.steps > MOST_STEPS or self.kernel.seconds > limit:
                waiting = [one.id for one in self.lanes.state.lanes.values() if one.ready_at is not None]
                self.watch.fail(f"lanes never came to rest: {', '.join(map(short, waiting))}")
            for _ in range(20):
                self.kernel.step()
        self.kernel.run_until(self.kernel.seconds + 120)  # what is under way may still arrive
        while books.fold(self.lanes.state, 100):
            pass

    def _is_drained(self) -> bool:
        return all(lane.ready_at is None for lane in self.lanes.state.lanes.values()) and all(
            one.told or self.kernel.seconds > self.length + 60 for one in self.client.submissions
        )

    def _next_ready(self) -> dt.datetime | None:
        return min(
            (lane.ready_at for lane in self.lanes.state.lanes.values() if lane.ready_at is not None),
            default=None,
        )
