"""Which operations meet, and on what state."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.lanes import ConnectionEffect, Position
from tests.interleave.operations import (
    Accept,
    Draw,
    Operation,
    Renew,
    Replay,
    Save,
    Say,
    Seal,
    Settle,
    Take,
)
from tests.interleave.stage import Rules

LAPSED = dt.timedelta(0)
PLAIN = Rules()
ONE_AT_A_TIME = Rules(concurrency=1)
SMALL = Rules(window_rows=3)
QUIET = Rules(quiet="1 hour")
FILES = Rules(window_length="1 hour", window_rows=4)

FAILURE = {
    "connection": ConnectionEffect.FAILURE,
    "connection_wait": dt.timedelta(hours=1),
    "pause_reason": "unavailable",
    "pause_message": "m",
}
BLOCKED = {"connection": ConnectionEffect.BLOCKED, "pause_reason": "credentials", "pause_message": "m"}
LOST = {"maybe_sent": True, "quiet": dt.timedelta(hours=1), "used_attempt": True}
FLOW_BLOCKED = {"flow_blocked": True, "pause_reason": "drift", "pause_message": "m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Two operations on a state; `before` runs alone, in order."""

    name: str
    first: Operation
    second: Operation
    before: tuple[Operation, ...] = ()
    rules: Rules = PLAIN

    @property
    def id(self) -> str:
        """The name as one word."""
        return re.sub("[^a-z]+", "_", self.name)


def _meet(
    name: str, *before: Operation, first: Operation, second: Operation, rules: Rules = PLAIN
) -> Scenario:
    return Scenario(name=name, before=before, first=first, second=second, rules=rules)


_QUEUED = Accept()
_BOTH = Accept(lanes=(0, 1))
_ACROSS = Accept(lanes=(0, 2))
_ALL = Accept(lanes=(0, 1, 2))
_KEYED = Accept(keys=(b"k",))

SCENARIOS = (
    _meet("accept|accept", first=Accept(), second=Accept(records=3)),
    _meet("accept|accept crosswise", first=Accept(lanes=(0, 1)), second=Accept(lanes=(1, 0))),
    _meet("accept|accept one key", first=_KEYED, second=_KEYED),
    _meet("accept|accept one key, two bodies", first=_KEYED, second=Accept(keys=(b"k",), body=b"other")),
    _meet(
        "accept|accept keys crosswise",
        first=Accept(lanes=(0, 0), keys=(b"a", b"b")),
        second=Accept(lanes=(0, 0), keys=(b"b", b"a")),
    ),
    _meet("accept|lease first records", first=Accept(), second=Take()),
    _meet("accept|lease", _QUEUED, first=Accept(), second=Take()),
    _meet("accept|lease again", _QUEUED, Take(length=LAPSED), first=Accept(), second=Take()),
    _meet("accept|settle", _QUEUED, Take(), first=Accept(), second=Settle()),
    _meet("accept|settle part", _QUEUED, Take(), first=Accept(), second=Settle(records=1)),
    _meet("accept|settle a file", Accept(records=4), Take(), first=Accept(), second=Settle(), rules=FILES),
    _meet("accept|settle both lanes", _BOTH, Take(), first=_BOTH, second=Settle(lanes=(1, 0))),
    _meet("accept|replay", _QUEUED, first=Accept(), second=Replay()),
    _meet("lease|lease", _QUEUED, first=Take(), second=Take(worker="v")),
    _meet("lease|lease many", _ALL, first=Take(), second=Take(worker="v")),
    _meet(
        "lease|lease one at a time",
        _BOTH,
        first=Take(most=1),
        second=Take(most=1, worker="v"),
        rules=ONE_AT_A_TIME,
    ),
    _meet("lease|lease a lapsed one", _QUEUED, Take(length=LAPSED), first=Take(), second=Take(worker="v")),
    _meet(
        "lease|lease while quiet",
        *(_QUEUED, Take(length=LAPSED)),
        first=Take(),
        second=Take(worker="v"),
        rules=QUIET,
    ),
    _meet("lease|draw", _QUEUED, first=Take(), second=Draw()),
    _meet("draw|draw", first=Draw(), second=Draw(wanted=5)),
    _meet("lease|settle other lane", _QUEUED, Take(), Accept(lanes=(1,)), first=Take(), second=Settle()),
    _meet("lease|settle a lapsed one", _QUEUED, Take(length=LAPSED), first=Take(), second=Settle()),
    _meet(
        "lease|settle part of a lapsed one",
        *(Accept(records=4), Take(length=LAPSED)),
        first=Take(),
        second=Settle(records=1),
        rules=SMALL,
    ),
    _meet(
        "lease|settle a lapsed one, narrowed",
        *(Accept(records=4), Take(length=LAPSED)),
        first=Take(),
        second=Settle(records=0, with_={"narrowed": Position(1, 2)}),
    ),
    _meet(
        "lease|settle across connections",
        *(_ACROSS, Take(), Accept(lanes=(1, 3))),
        first=Take(),
        second=Settle(lanes=(2, 0), with_={"unused": 1, "connection": ConnectionEffect.SUCCESS}),
    ),
    _meet(
        "lease|settle with room for one",
        *(_BOTH, Take(), Accept(lanes=(1,))),
        first=Take(),
        second=Settle(),
        rules=ONE_AT_A_TIME,
    ),
    _meet(
        "lease|settle failed", _QUEUED, Take(), _BOTH, first=Take(), second=Settle(records=0, with_=FAILURE)
    ),
    _meet(
        "lease|settle blocked", _QUEUED, Take(), _BOTH, first=Take(), second=Settle(records=0, with_=BLOCKED)
    ),
    _meet("lease|settle lost", _QUEUED, Take(), first=Take(), second=Settle(records=0, with_=LOST)),
    _meet(
        "settle|settle old and new",
        _QUEUED,
        Take(length=LAPSED),
        Take(),
        first=Settle(),
        second=Settle(place=1),
    ),
    _meet("settle|settle one token", _QUEUED, Take(), first=Settle(), second=Settle()),
    _meet(
        "settle|settle crosswise",
        *(_ACROSS, Take()),
        first=Settle(lanes=(0, 2), with_=FAILURE),
        second=Settle(lanes=(2, 0), with_=FAILURE),
    ),
    _meet(
        "settle|settle of one connection",
        *(_BOTH, Take()),
        first=Settle(with_=FAILURE),
        second=Settle(lanes=(1,), with_={"unused": 1}),
    ),
    _meet(
        "settle|settle flow blocked twice",
        *(_BOTH, Take()),
        first=Settle(records=0, with_=FLOW_BLOCKED),
        second=Settle(lanes=(1,), records=0, with_=FLOW_BLOCKED),
    ),
    _meet("settle held|accept", _QUEUED, Take(), first=Settle(hold=1), second=Accept()),
    _meet("lease|settle with held", _QUEUED, Take(length=LAPSED), first=Take(), second=Settle(hold=2)),
    _meet(
        "settle|lease of held",
        *(_QUEUED, Take(), Settle(hold=2), Take(length=LAPSED)),
        first=Settle(place=1),
        second=Take(),
    ),
    _meet("renew|lease", _QUEUED, Take(length=LAPSED), first=Renew(), second=Take(worker="v")),
    _meet("renew|renew", _QUEUED, Take(), first=Renew(), second=Renew()),
    _meet("renew|settle", _BOTH, Take(), first=Renew(lanes=(0, 1)), second=Settle(lanes=(1, 0))),
    _meet(
        "renew|settle old token", _QUEUED, Take(length=LAPSED), Take(), first=Renew(place=1), second=Settle()
    ),
    _meet("seal|lease", _QUEUED, Take(length=LAPSED), first=Seal(), second=Take()),
    _meet("seal|seal one call", _QUEUED, Take(), first=Seal(), second=Seal()),
    _meet(
        "seal|seal two lanes",
        *(_BOTH, Take()),
        first=Seal(),
        second=Seal(lane=1, call=UUID(int=0x32)),
    ),
    _meet("seal|settle", _ACROSS, Take(), first=Seal(), second=Settle(lanes=(2, 0), with_={"unused": 1})),
    _meet("save|lease", _QUEUED, Take(length=LAPSED), first=Save(), second=Take()),
    _meet("replay|settle", _QUEUED, Take(), first=Replay(), second=Settle()),
    _meet("replay|lease", _QUEUED, Take(), Settle(), first=Replay(), second=Take()),
    _meet(
        "replay|replay",
        _BOTH,
        Take(),
        Settle(lanes=(0, 1)),
        first=Replay(lanes=(0, 1)),
        second=Replay(lanes=(1, 0)),
    ),
    _meet(
        "replay|settle of a replay",
        _QUEUED,
        Take(),
        Settle(),
        Replay(),
        Take(),
        first=Replay(),
        second=Settle(place=1),
    ),
    _meet("pause|settle", _QUEUED, Take(), first=Say("pause_flow"), second=Settle(records=1)),
    _meet("pause|settle given back", _QUEUED, Take(), first=Say("pause_flow"), second=Settle(records=0)),
    _meet("pause|lease", _BOTH, first=Say("pause_flow"), second=Take()),
    _meet("pause|accept", first=Say("pause_flow"), second=_BOTH),
    _meet("pause|resume", _BOTH, Say("pause_flow"), first=Say("pause_flow"), second=Say("resume_flow")),
    _meet("resume|accept", Say("pause_flow"), first=Say("resume_flow"), second=_BOTH),
    _meet("resume|lease", _BOTH, Say("pause_flow"), first=Say("resume_flow"), second=Take()),
    _meet(
        "resume|settle flow blocked",
        *(_QUEUED, Take(), Say("pause_flow")),
        first=Say("resume_flow"),
        second=Settle(records=0, with_=FLOW_BLOCKED),
    ),
    _meet("pause connection|lease", _BOTH, first=Say("pause_connection"), second=Take()),
    _meet(
        "pause connection|settle",
        *(_BOTH, Take()),
        first=Say("pause_connection"),
        second=Settle(lanes=(0, 1), with_=FAILURE),
    ),
    _meet("fold|settle", _QUEUED, Take(), first=Say("fold_ledger"), second=Settle()),
    _meet("fold|fold", _ALL, first=Say("fold_ledger"), second=Say("fold_ledger")),
    _meet("fold|accept", _QUEUED, first=Say("fold_ledger"), second=Accept()),
)
