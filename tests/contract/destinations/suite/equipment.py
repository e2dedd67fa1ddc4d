"""What the suite makes a connector of, and the tokens that it notes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from yarl import URL

from formlane.destinations.base import Connector, Destination, Equipment
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.oauth import UnsharedTokens
from formlane.destinations.tokens import Obtain, Obtained, Token
from formlane.domain.outcomes import Blocked, Deferred, Uncertain
from formlane.domain.types import Json
from tests.contract.destinations.stand_ins import KeptJournal, MovingClock

TLS = ssl.create_default_context()
"""Read once: it takes as long as a test."""


@dataclass
class RecordedTokens:
    """Keeps tokens in memory, counts how often one was asked for, and notes them all.

    `shown` is what the destination itself gets to see; refresh tokens go to the token endpoint alone.
    """

    keeper: UnsharedTokens
    asked: int = 0
    seen: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    async def get(
        self, obtain: Obtain, *, refused: Token | None = None
    ) -> Token | Blocked | Deferred | Uncertain:
        async def counted(refresh: str | None) -> Obtained | Blocked | Deferred | Uncertain:
            self.asked += 1
            obtained = await obtain(refresh)
            if isinstance(obtained, Obtained):
                self.seen += [obtained.token.access, obtained.refresh or ""]
                self.shown.append(obtained.token.access)
            return obtained

        return await self.keeper.get(counted, refused=refused)


def ports_of(addresses: Iterable[str]) -> set[int]:
    """Ports of those that are web addresses."""
    found = (URL(one).port for one in addresses if one.startswith("http://"))
    return {port for port in found if port is not None}


def guard_for(urls: Iterable[str]) -> Guard:
    """Lets these addresses through, and nothing else on loopback."""
    return Guard(allow=[("127.0.0.1", port) for url in urls if (port := URL(url).port) is not None])


@dataclass
class Connected:
    """A connector to a running server, and what it was made of. Used by every place."""

    destination: Destination
    options: Mapping[str, Json] = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    clock: MovingClock = field(default_factory=MovingClock)
    tokens: RecordedTokens = field(init=False)
    connector: Connector = field(init=False)

    journals: int = 0

    def __post_init__(self) -> None:
        self.tokens = RecordedTokens(UnsharedTokens(self.clock))

    def journal(self) -> KeptJournal:
        self.journals += 1
        return KeptJournal(sequence=self.journals)

    @asynccontextmanager
    async def connect(
        self,
        settings: Mapping[str, Json],
        secrets: Mapping[str, str],
        *,
        urls: Iterable[str],
        time_scale: float,
    ) -> AsyncIterator[None]:
        """The connector for these settings, checked as when they are saved."""
        guard = guard_for(urls)
        http = HttpClients(guard, tls=TLS)
        self.secrets = secrets
        self.settings = self.destination.validate(settings, secrets, guard)
        equipment = Equipment(
            settings=self.settings,
            secrets=secrets,
            account="tenant/connection/1",
            guard=guard,
            http=http,
            clock=self.clock,
            tokens=self.tokens,
            time_scale=time_scale,
        )
        self.connector = self.destination.connect(equipment)
        try:
            yield
        finally:
            await self.connector.close()
            await http.close()
