"""One campaign: peak, load under faults, heal, drain, verdict."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.chaos import books
from tests.chaos.cast import Cast, assemble
from tests.chaos.consumer import Consumer
from tests.chaos.controls import switch_off
from tests.chaos.faults import Faults, Plan
from tests.chaos.forge import Forge, running_forge
from tests.chaos.installation import Installation
from tests.chaos.load import Load
from tests.chaos.oracle import Findings, Oracle
from tests.chaos.processes import CampaignFailure
from tests.chaos.sent import Sent

STALL_SECONDS = 60.0
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is run. `control`: the promise that is switched off, and whose violation ends the run."""

    seed: int
    plan: Plan
    control: str | None = None
    peak_seconds: float = 4.0
    share: float = 0.5


@dataclass(slots=True)
class Report:
    """What was done and what was found."""

    seed: int
    control: str | None = None
    peak: float = 0.0
    rate: float = 0.0
    records: int = 0
    effects: int = 0
    files: int = 0
    repeats: int = 0
    unknown: int = 0
    leftovers: int = 0
    parked: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    stops: int = 0
    stopped_seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    latest: float = 0.0
    seconds: float = 0.0
    drained: float = 0.0
    findings: Findings = field(default_factory=Findings)

    @property
    def clean(self) -> bool:
        """Whether nothing was violated."""
        return not self.findings.counts

    def text(self) -> str:
        """For people."""
        name = "chaos" if self.control is None else f"control: {self.control} switched off"
        kills = ", ".join(f"{what} {number}" for what, number in sorted(self.kills.items()))
        lines = [
            f"{name}; seed {self.seed}; {self.seconds:.0f} s, of it {self.drained:.1f} s to drain",
            f"peak {self.peak:,.0f} records/s, offered {self.rate:,.0f} records/s"
            f" (latest request {self.latest:.1f} s behind its time)",
            f"{self.records:,} records acknowledged, {self.effects:,} effects, {self.files:,} files,"
            f" {self.repeats:,} webhook repeats with equal id and bytes, {self.unknown} of unknown fate,"
            f" parked for a person: {self.parked.total()} {dict(self.parked) or ''}"
            f" (temporary files left: {self.leftovers})",
            f"{sum(self.kills.values())} kills: {kills or 'none'}",
            f"{self.stops} stops, {self.stopped_seconds:.0f} s frozen; not met: {dict(self.missed)}",
            f"answers: {dict(self.answers)}",
        ]
        if self.clean:
            return "\n".join([*lines, "0 violations"])
        return "\n".join([*lines, f"VIOLATIONS: {dict(self.findings.counts)}", *self.findings.lines()])


class Campaign:
    """One run against one installation."""

    def __init__(self, place: Installation, options: Options) -> None:
        self.place = place
        self.options = options
        self.report = Report(seed=options.seed, control=options.control)
        self._chance = random.Random(options.seed)

    async def run(self) -> Report:
        """Does everything; the report tells whether a promise was broken."""
        began = time.monotonic()
        cast = await assemble(self.place)
        if self.options.control is not None:
            async with self.place.admin() as connection:
                await switch_off(connection, self.options.control)
        consumer = Consumer(self.place.sshd.root, self.place.home / "files.jsonl", cast.folders)
        sent = Sent(self.place.home / "sent.jsonl")
        load = Load(cast, sent, [self.place.base_url], random.Random(self._chance.random()))
        oracle = Oracle(sent, cast.ordered, self.place.journal, consumer.journal, self.report.findings)
        consuming = asyncio.create_task(consumer.run())
        try:
            async with running_forge() as forge:
                await self._storm(cast, forge, load, oracle)
            if self.options.control is None or self.report.clean:
                await self._drain(oracle)
                consumer.stop()
                await consuming
                await self._judge(cast, load, oracle, consumer)
            self._count(load, oracle, consumer)
        finally:
            consuming.cancel()
            sent.close()
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _storm(self, cast: Cast, forge: Forge, load: Load, oracle: Oracle) -> None:
        self.report.peak = await self._peak(load, oracle)
        self.report.rate = self.report.peak * self.options.share
        tell(f"peak {self.report.peak:,.0f} records/s; load at {self.report.rate:,.0f}")
        faults = Faults(self.place, forge, load, self.options.plan, random.Random(self._chance.random()))
        load.start(self.report.rate)
        storm = asyncio.create_task(faults.run())
        began = told = time.monotonic()
        while not storm.done():
            await asyncio.wait({storm}, timeout=LOOK_SECONDS)
            await self._look(cast, oracle)
            if self.options.control is not None and oracle.findings.counts:
                storm.cancel()
            if time.monotonic() - told > 20:
                told = time.monotonic()
                tell(
                    f"{told - began:.0f} s: {faults.killed} kills, {faults.stops} stops,"
                    f" {load.sent.records:,} acknowledged,"
                    f" {load.sent.effects() - oracle.effects():,} to come,"
                    f" {dict(oracle.findings.counts) or 'no violation'}"
                )
        with contextlib.suppress(asyncio.CancelledError):
            await storm
        self.report.kills, self.report.missed = faults.kills, faults.missed
        self.report.stops, self.report.stopped_seconds = faults.stops, faults.stopped_seconds
        await load.stop()

    async def _look(self, cast: Cast, oracle: Oracle) -> None:
        """What can be judged at any time."""
        await asyncio.to_thread(oracle.catch_up)
        if self.options.control is None:
            return
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with self.place.admin() as connection:
                for line in await books.misbalances(connection, cast):
                    oracle.findings.add("books out of balance", line)

    async def _peak(self, load: Load, oracle: Oracle) -> float:
        """Records per second from the first request to the arrival of 95 % of the effects."""
        began = time.monotonic()
        load.start(None)
        await asyncio.sleep(self.options.peak_seconds)
        if not load.sent.records:
            raise CampaignFailure(f"Nothing was taken: {dict(load.statuses)} {load.examples}")
        await load.stop()
        while True:
            await asyncio.to_thread(oracle.catch_up)
            if oracle.effects() >= 0.95 * load.sent.effects():
                return 0.95 * load.sent.records / (time.monotonic() - began)
            if time.monotonic() - began > STALL_SECONDS + self.options.peak_seconds:
                raise CampaignFailure(f"Only {oracle.effects()} of {load.sent.effects()} effects came.")
            await asyncio.sleep(0.1)

    async def _drain(self, oracle: Oracle) -> None:
        """Waits until every lane is idle, or nothing has moved for a minute."""
        began = moved_at = time.monotonic()
        seen = -1
        while time.monotonic() - moved_at < STALL_SECONDS:
            await asyncio.to_thread(oracle.catch_up)
            if oracle.effects() != seen:
                seen, moved_at = oracle.effects(), time.monotonic()
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with self.place.admin() as connection:
                    if await books.is_idle(connection):
                        break
            await asyncio.sleep(0.25)
        self.report.drained = time.monotonic() - began

    async def _judge(self, cast: Cast, load: Load, oracle: Oracle, consumer: Consumer) -> None:
        findings = self.report.findings
        async with self.place.admin() as connection:
            parked = await books.parked(connection, cast, load.sent)
            oracle.judge(parked=parked.keys())
            await books.audit(connection, cast, load.sent, findings)
        for line in consumer.faults:
            findings.add("broken file", line)
        for line in load.complaints:
            findings.add("answer that nothing sent deserves", line)
        left = self.report.leftovers = len(consumer.leftovers())
        if not any(flow in cast.folders for flow, _ in parked):  # a parked file's upload stays for the person
            findings.add("temporary files left", str(consumer.leftovers()[:3]), left)
        self.report.parked = Counter(f"{flow} {reason}" for (flow, _), reason in parked.items())

    def _count(self, load: Load, oracle: Oracle, consumer: Consumer) -> None:
        report = self.report
        report.records, report.effects = load.sent.records, oracle.effects()
        report.files, report.repeats = consumer.files, oracle.repeats
        report.unknown, report.answers, report.latest = len(load.sent.unknown), load.statuses, load.latest


def tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def verdict(reports: Sequence[Report]) -> int:
    """0 when the promises held, and every control was caught."""
    return int(any(report.clean != (report.control is None) for report in reports))
