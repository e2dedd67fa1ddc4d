"""Lookups that create what is missing, written out as steps of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from formlane.destinations.base import FieldInfo
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    LookupSource,
    OnMiss,
    Operation,
    Source,
    SourceKind,
    Step,
)
from formlane.domain.types import FieldType
from formlane.formulas import FormulaError, compile_formula
from formlane.mapping.conversions import conversion

Related = Mapping[str, Sequence[FieldInfo]]


def expanded(definition: FlowDefinition, related: Related) -> FlowDefinition:
    """The definition with an upsert before each step whose lookups create, and its identity in their place.

    The upsert is skipped where its step is, and where there is nothing to look up. Steps under one
    condition share it. `related`: fields by object, as far as they are known. Idempotent.
    """
    expansion = _Expansion(definition, related)
    steps = [one for step in definition.steps for one in expansion.steps_for(step)]
    return replace(definition, steps=tuple(steps))


def is_nameable(name: str) -> bool:
    """Whether the condition of a step that a lookup needs can name this input."""
    try:
        return compile_formula(_given(name), inputs={name: FieldType.STRING}).inputs == {name}
    except FormulaError:
        return False


def _given(name: str) -> str:
    return f"NOT(ISBLANK({name}))"


class _Expansion:
    def __init__(self, definition: FlowDefinition, related: Related) -> None:
        self._types = {given.name: given.type for given in definition.inputs}
        self._related = related
        self._taken = {step.name for step in definition.steps}
        self._made: dict[tuple[LookupSource, str | None], Step] = {}

    def steps_for(self, step: Step) -> Iterator[Step]:
        """What must come before a step, and the step."""
        lines = []
        for line in step.mapping:
            lookup = line.source.lookup
            if lookup is None or lookup.on_miss is not OnMiss.CREATE:
                lines.append(line)
                continue
            place = (lookup, step.condition)
            if place not in self._made:
                self._made[place] = self._creating(lookup, step.condition)
                yield self._made[place]
            source = Source(kind=SourceKind.STEP, step=self._made[place].name)
            lines.append(replace(line, source=source))
        yield replace(step, mapping=tuple(lines))

    def _creating(self, lookup: LookupSource, condition: str | None) -> Step:
        is_given = _given(lookup.input)
        line = FieldMapping(
            target=lookup.field,
            source=Source(kind=SourceKind.INPUT, input=lookup.input),
            type=self._type(lookup),
        )
        return Step(
            name=self._name(),
            object=lookup.object,
            operation=Operation.UPSERT,
            match_key=(lookup.field,),
            mapping=(line,),
            condition=is_given if condition is None else f"AND({condition}, {is_given})",
        )

    def _type(self, lookup: LookupSource) -> FieldType:
        """The field's, if it is known and takes the input."""
        given = self._types[lookup.input]
        for info in self._related.get(lookup.object, ()):
            if info.name == lookup.field and conversion(given, info.type) is not None:
                return info.type
        return given

    def _name(self) -> str:
        number = 1
        while f"lookup_{number}" in self._taken:
            number += 1
        self._taken.add(f"lookup_{number}")
        return f"lookup_{number}"
