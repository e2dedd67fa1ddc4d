"""The campaigns: what each proves, and how it is run short (build server) and long (`make campaign`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How one is run: a module with arguments, and after how many seconds it counts as failed."""

    command: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One campaign. `alone`: it needs the whole machine, so nothing runs beside it."""

    name: str
    proves: str
    short: Size
    long: Size
    alone: bool = False


CAMPAIGNS: Final = (
    Entry(
        name="chaos",
        proves="Killed and stopped under load, nothing acknowledged is lost, doubled, overtaken or mixed up.",
        short=Size(command="tests.chaos --kills 100 --stops 20 --spacing 3", limit=700),
        long=Size(command="tests.chaos --kills 1000 --stops 200", limit=3 * HOUR),
        alone=True,
    ),
    Entry(
        name="chaos controls",
        proves="With the fence off, and with the window off, the same campaign finds violations.",
        short=Size(command="tests.chaos --control all", limit=400),
        long=Size(command="tests.chaos --control all", limit=600),
        alone=True,
    ),
    Entry(
        name="pace",
        proves="Four workers together keep a limit of 100 calls/s, and both forms of Retry-After.",
        short=Size(command="tests.chaos.pace --seconds 20", limit=240),
        long=Size(command="tests.chaos.pace --seconds 60", limit=300),
        alone=True,
    ),
    Entry(
        name="simulation",
        proves="Lanes, worker and clock in one deterministic process: no seed breaks a rule.",
        short=Size(command="tests.simulation --seeds 1000", limit=500),
        long=Size(command="tests.simulation --seeds 100000", limit=8 * HOUR),
    ),
    Entry(
        name="planted bugs",
        proves="Each bug that is planted on purpose is found by simulation, interleaver or contract suite.",
        short=Size(command="tests.planted", limit=700),
        long=Size(command="tests.planted --sound", limit=HOUR),
    ),
    Entry(
        name="interleaver",
        proves="Two sessions stopped at every statement of accept, lease, renew and settle keep the rules.",
        short=Size(command="tests.interleave", limit=500),
        long=Size(command="tests.interleave --full", limit=4 * HOUR),
    ),
    Entry(
        name="API fuzz",
        proves="Malformed requests get a clear 4xx, no 5xx, and leave nothing half stored.",
        short=Size(command="tests.e2e.api.fuzz --requests 10000", limit=500),
        long=Size(command="tests.e2e.api.fuzz --requests 100000", limit=HOUR),
    ),
    Entry(
        name="generated cases",
        proves="Formulas, mappings, CSV, JSON Lines and body parsers hold their laws for generated input.",
        short=Size(command="tests.campaign.generated --rounds 1", limit=240),
        long=Size(command="tests.campaign.generated --rounds 100", limit=4 * HOUR),
    ),
    Entry(
        name="destinations: delivery",
        proves="What all six destinations hold is what was pushed, record by record.",
        short=Size(command="tests.e2e.destinations delivery --records 200", limit=300),
        long=Size(command="tests.e2e.destinations delivery --records 10000", limit=1200),
    ),
    Entry(
        name="destinations: lost answers",
        proves="With a fifth of the answers lost nothing is lost or twice; parked are only the lost.",
        short=Size(command="tests.e2e.destinations lost_answers --records 200", limit=400),
        long=Size(command="tests.e2e.destinations lost_answers --records 10000", limit=1800),
    ),
)
