from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from formlane.domain.ids import ConnectionId, TenantId, new_id
from formlane.domain.sealing import SecretOpened
from formlane.errors import Unavailable
from formlane.memory.keys import MemoryKeys
from formlane.vault.keyring import SEALS_PER_KEY, Keyring
from formlane.vault.keyservice import KeyService
from formlane.vault.local import LocalKeys
from formlane.vault.rotation import KeyRotation
from formlane.vault.vault import Vault

ALICE = TenantId(new_id(1))
CHARLIE = TenantId(new_id(1))
CONNECTION = ConnectionId(new_id(1))
MASTER = {bytes(16): bytes(32)}


class HandClock:
    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
        self.elapsed = 0.0

    def now(self) -> dt.datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)
        self.elapsed += seconds


class SwitchableKeys:
    """Master keys that count their unwraps and can be away."""

    def __init__(self, keys: KeyService) -> None:
        self.keys = keys
        self.away = False
        self.unwraps = 0

    async def wrap(self, key: bytes, context: Mapping[str, str]) -> bytes:
        return await self.keys.wrap(key, context)

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        if self.away:
            raise Unavailable("The key service does not answer.")
        self.unwraps += 1
        return await self.keys.unwrap(wrapped, context)


@dataclass
class Process:
    """One process with its own caches over a key store that it shares."""

    store: MemoryKeys = field(default_factory=MemoryKeys)
    clock: HandClock = field(default_factory=HandClock)
    master: KeyService = field(default_factory=lambda: LocalKeys(MASTER))
    environment: str = "test"
    seals_per_key: int = SEALS_PER_KEY

    def __post_init__(self) -> None:
        self.opened: list[SecretOpened] = []
        self.audit_fails = False
        self.keys = SwitchableKeys(self.master)
        self.keyring = Keyring(
            keys=self.keys,
            store=self.store,
            clock=self.clock,
            environment=self.environment,
            cell=1,
            seals_per_key=self.seals_per_key,
        )
        self.vault = Vault(self.keyring, audit=self._note)
        self.rotation = KeyRotation(self.keyring)

    def sibling(self) -> Process:
        return Process(
            store=self.store,
            clock=self.clock,
            master=self.master,
            environment=self.environment,
            seals_per_key=self.seals_per_key,
        )

    async def _note(self, opened: SecretOpened) -> None:
        if self.audit_fails:
            raise Unavailable("The audit log does not answer.")
        self.opened.append(opened)
