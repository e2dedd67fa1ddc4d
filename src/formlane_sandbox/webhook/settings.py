"""Settings of the webhook receiver, as the control API takes and shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

KEEP_DEFAULT = 1000
RECORD_ID_DEFAULT = ("record_id", "id", "ExternalId__c")


class HookSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one hook asks of its senders.

    `secrets` (`whsec_…`, Standard Webhooks `v1`) and `public_keys` (`whpk_…`, `v1a`): with any of them set,
    a request needs a signature that fits one; several serve rotation. `require_headers`: name to exact value,
    else 401. `record_id`: names of the field that identifies a record; the first
    one that a message's first record has counts for that message.
    """

    secrets: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    require_headers: dict[str, str] = {}
    record_id: tuple[str, ...] = RECORD_ID_DEFAULT


class ReceiverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`default` holds for every hook that `hooks` does not name; `keep` newest arrivals stay in memory."""

    default: HookSettings = HookSettings()
    hooks: dict[str, HookSettings] = {}
    keep: Annotated[int, Meta(ge=1, le=10_000_000)] = KEEP_DEFAULT

    def of(self, hook: str) -> HookSettings:
        """The settings of one hook."""
        return self.hooks.get(hook, self.default)


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the settings: what it does not name stays, a hook set to null takes the default again."""

    default: HookSettings | msgspec.UnsetType = msgspec.UNSET
    hooks: dict[str, HookSettings | None] = {}
    keep: Annotated[int, Meta(ge=1, le=10_000_000)] | msgspec.UnsetType = msgspec.UNSET

    def applied(self, settings: ReceiverSettings) -> ReceiverSettings:
        """The settings after this change."""
        hooks = {**settings.hooks, **self.hooks}
        return ReceiverSettings(
            default=settings.default if self.default is msgspec.UNSET else self.default,
            hooks={name: hook for name, hook in hooks.items() if hook is not None},
            keep=settings.keep if self.keep is msgspec.UNSET else self.keep,
        )
