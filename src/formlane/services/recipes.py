"""Recipes: a release of a flow, compiled and ready to be executed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from formlane.destinations.base import OperationSpec
from formlane.domain.flows import FieldMapping, SourceKind, Step, SystemValue
from formlane.domain.ids import RecordId, record_to_text, to_text
from formlane.domain.outcomes import Outcome, Reason, Skipped
from formlane.domain.types import FieldType, Json
from formlane.engines.base import Account
from formlane.mapping.compiler import CompiledFlow
from formlane.mapping.lines import SKIP, Acceptance, rejection

BoundMapper: TypeAlias = Callable[[Mapping[str, Json], int, str], dict[str, Json] | Outcome]
"""(record, row, tracking key) → the fields to send, or what was decided before sending."""

_WEIGH_ABOVE = 4
"""Records are weighed one by one only if a full call of them may reach a quarter of the byte limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One release of a flow. Immutable, and the same for every try of a window that is bound to it.

    `flows` holds the compiled flow per origin: bound to a form's fields, or as it is for the flow's own
    PUSH API. `source_names` are for templates and system values. `weighs`: calls are cut by bytes too;
    `tracks`: tracking keys are written.
    """

    flow: UUID
    release: int
    version: int
    step: Step
    spec: OperationSpec
    account: Account
    compiled: CompiledFlow
    flows: Mapping[UUID, CompiledFlow]
    source_names: Mapping[UUID, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    weighs: bool = False
    tracks: bool = field(init=False)

    def __post_init__(self) -> None:
        tracks = self.step.tracking_field is not None or any(map(_is_tracking, self.step.mapping))
        object.__setattr__(self, "tracks", tracks)

    @property
    def columns(self) -> tuple[str, ...]:
        """Target fields in the mapping's order."""
        return self.compiled.steps[0].columns

    @property
    def types(self) -> tuple[FieldType, ...]:
        """Their types."""
        return self.compiled.steps[0].types

    def mapper(self, origin: UUID, batch: UUID, accepted_at: dt.datetime) -> BoundMapper:
        """The mapper for the records of one batch."""
        compiled = self.flows.get(origin, self.compiled)
        map_record = compiled.steps[0].map
        acceptance = Acceptance(
            batch_id=to_text("batch", batch),
            accepted_at=accepted_at,
            source=to_text("flow" if origin == self.flow else "form", origin),
            source_name=self.source_names.get(origin, ""),
        )

        def bound(record: Mapping[str, Json], row: int, tracking_key: str) -> dict[str, Json] | Outcome:
            mapped = map_record(record, acceptance, row, tracking_key)
            if isinstance(mapped, dict):
                return mapped
            if mapped is SKIP:
                return Skipped(reason=Reason.CONDITION_FALSE)
            return rejection(mapped)

        return bound

    def tracking_key(self, record: RecordId, as_new: UUID | None) -> str:
        """The identity written with a record: a function of record, flow and step (and of the replay,
        if it is sent as new). Empty when neither the step nor its mapping uses it.
        """
        if not self.tracks:
            return ""
        name = f"{record_to_text(record)}|{self.flow.hex}|0|{as_new.hex if as_new else ''}"
        return "fl" + hashlib.sha256(name.encode()).hexdigest()[:30]


def _is_tracking(line: FieldMapping) -> bool:
    return line.source.kind is SourceKind.SYSTEM and line.source.system is SystemValue.TRACKING_KEY


def weighs(spec: OperationSpec, average_bytes: float) -> bool:
    """Whether calls of this operation must be cut by bytes too."""
    return average_bytes * spec.max_records * _WEIGH_ABOVE > spec.max_bytes
