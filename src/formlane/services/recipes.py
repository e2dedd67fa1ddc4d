"""Recipes: a release of a flow, compiled and ready to be executed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from uuid import UUID

from formlane.destinations.base import Destination, OperationSpec
from formlane.domain.flows import FieldMapping, SourceKind, Step, SystemValue
from formlane.domain.forms import Binding
from formlane.domain.ids import RecordId, record_to_text, to_text
from formlane.domain.outcomes import Outcome, Reason, Skipped
from formlane.engines.base import Account
from formlane.errors import InvalidInput
from formlane.mapping.compiler import CompiledFlow, compile_flow
from formlane.mapping.lines import Acceptance, Mapper, MappingError, Skip, rejection
from formlane.services.accounts import Accounts
from formlane.services.ports.store import Store
from formlane.services.releases import as_definition, limits_of, specs_of

BoundMapper: TypeAlias = tuple[Mapper, Acceptance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One release of a flow. Immutable, and the same for every try of a window that is bound to it.

    `flows` holds the compiled flow per origin: bound to a form's fields, or as it is for the flow's own
    PUSH API. `source_names` are for templates and system values. `specs`:
    limits and promises per step, `limits` what a range keeps to that runs through all of them. `tracks`:
    whether a step writes tracking keys.
    """

    flow: UUID
    release: int
    version: int
    specs: tuple[OperationSpec, ...]
    account: Account
    compiled: CompiledFlow
    flows: Mapping[UUID, CompiledFlow]
    source_names: Mapping[UUID, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    tracks: tuple[bool, ...] = field(init=False)
    limits: OperationSpec = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tracks", tuple(map(_tracks, self.steps)))
        object.__setattr__(self, "limits", limits_of(self.specs))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The flow's steps, in order."""
        return self.compiled.definition.steps

    def spec(self, step: int, *, bulk: bool = False) -> OperationSpec:
        """Limits and promises of a step, or of its interface for large amounts."""
        spec = self.specs[step]
        return spec.bulk if bulk and spec.bulk is not None else spec

    def bound_to(self, origin: UUID) -> CompiledFlow:
        """The compiled flow for records of a form, or of the flow's own PUSH API."""
        return self.flows.get(origin, self.compiled)

    def mapper(self, origin: UUID, batch: UUID, accepted_at: dt.datetime, step: int = 0) -> BoundMapper:
        """The mapper of a step for the records of one batch, and what it has to know of the batch."""
        acceptance = Acceptance(
            batch_id=to_text("batch", batch),
            accepted_at=accepted_at,
            source=to_text("flow" if origin == self.flow else "form", origin),
            source_name=self.source_names.get(origin, ""),
        )
        return self.bound_to(origin).steps[step].map, acceptance

    def tracking_key(self, record: RecordId, as_new: UUID | None, step: int = 0) -> str:
        """The identity written with a record: a function of record, flow and step (and of the replay,
        if it is sent as new). Empty when neither the step nor its mapping uses it.
        """
        if not self.tracks[step]:
            return ""
        name = f"{record_to_text(record)}|{self.flow.hex}|{step}|{as_new.hex if as_new else ''}"
        return "fl" + hashlib.sha256(name.encode()).hexdigest()[:30]


def decided(mapped: Skip | list[MappingError]) -> Outcome:
    """The outcome of a record that is not sent: its condition is false, or it cannot be mapped."""
    return Skipped(reason=Reason.CONDITION_FALSE) if isinstance(mapped, Skip) else rejection(mapped)


def _tracks(step: Step) -> bool:
    return step.tracking_field is not None or any(map(_is_tracking, step.mapping))


def _is_tracking(line: FieldMapping) -> bool:
    return line.source.kind is SourceKind.SYSTEM and line.source.system is SystemValue.TRACKING_KEY


class Recipes:
    """Gives releases, compiled; keeps those asked for last. Connections are read anew every few seconds."""

    def __init__(
        self, *, store: Store, accounts: Accounts, destinations: Iterable[Destination], most: int = 1000
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._destinations = {one.kind: one for one in destinations}
        self._most = most
        self._kept: OrderedDict[tuple[UUID, UUID, int], Recipe] = OrderedDict()

    async def get(self, tenant: UUID, flow: UUID, release: int) -> Recipe:
        """The recipe of a release. Its account is at most a few seconds old.

        Raises `InvalidInput` for one that cannot be executed, `NotFound`, `Unavailable`.
        """
        place = (tenant, flow, release)
        recipe = self._kept.get(place)
        if recipe is None:
            recipe = await self._load(tenant, flow, release)
        else:
            account = await self._accounts.get(tenant, recipe.account.connection)
            if account is not recipe.account:
                recipe = replace(recipe, account=account, specs=self._specs(recipe.compiled, account))
        self._kept[place] = recipe
        self._kept.move_to_end(place)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return recipe

    async def _load(self, tenant: UUID, flow: UUID, number: int) -> Recipe:
        async with self._store.tenant(tenant) as unit:
            found = await unit.flows.get(flow)
            release = await unit.flows.release(flow, number)
            version = await unit.flows.version(flow, release.version)
            owner = await unit.own_tenant()
        account = await self._accounts.get(tenant, found.connection)
        compiled = compile_flow(version.definition, version.version)
        flows = {
            form: compiled.bind(
                as_definition(bound),
                [Binding(input=name, field=field) for name, field in bound.inputs.items()],
            )
            for form, bound in release.forms.items()
        }
        only = list(release.forms.values())
        return Recipe(
            flow=flow,
            release=number,
            version=version.version,
            specs=self._specs(compiled, account),
            account=account,
            compiled=compiled,
            flows=flows,
            source_names={flow: found.name} | {form: bound.name for form, bound in release.forms.items()},
            names={"tenant": owner.name, "flow": found.name, "form": only[0].name if len(only) == 1 else ""},
        )

    def _specs(self, compiled: CompiledFlow, account: Account) -> tuple[OperationSpec, ...]:
        destination = self._destinations.get(account.kind)
        if destination is None:
            raise InvalidInput(f"There is no destination of kind {account.kind!r}.")
        return specs_of(compiled.definition, destination, account.settings)
