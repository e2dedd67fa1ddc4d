"""Compiles a flow version into one function per step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from formlane.domain.flows import FlowDefinition, LookupSource, Step
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.types import FieldType
from formlane.domain.values import ValueFault
from formlane.formulas import compile_formula
from formlane.mapping.binding import BoundInput, bound_by_name, bound_to_form, sought
from formlane.mapping.generation import generate_mapper
from formlane.mapping.lines import NOTHING_KNOWN, Acceptance, FormulaCompiler, Known, Mapped, Mapper
from formlane.mapping.resolve import ResolvedStep, resolve
from formlane.mapping.trace import Situation, StepTrace, explain, trace_step


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """One step, executable. `map` never raises and is safe to call from any thread.

    `columns` are the targets in the mapping's order, `types` their types.
    """

    step: Step
    columns: tuple[str, ...]
    types: tuple[FieldType, ...]
    map: Mapper
    resolved: ResolvedStep
    bound: Mapping[str, BoundInput]

    def trace(
        self,
        record: Mapping[str, object],
        acceptance: Acceptance,
        *,
        row: int,
        tracking_key: str,
        known: Known = NOTHING_KNOWN,
    ) -> StepTrace:
        """The same result as `map`, with every source, value and conversion; about twenty times slower."""
        situation = Situation(
            record=record,
            acceptance=acceptance,
            row=row,
            tracking_key=tracking_key,
            bound=self.bound,
            known=known,
        )
        return trace_step(self.resolved, situation)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFlow:
    """A flow version, executable: immutable, free of state, to be kept for as long as it is used.

    Records are keyed by input name, or by the fields of a form after `bind`. `lookups` are those of all
    steps, each once, in order.
    """

    definition: FlowDefinition
    version: int
    steps: tuple[CompiledStep, ...]
    bound: Mapping[str, BoundInput]
    lookups: tuple[LookupSource, ...] = ()

    def bind(self, form: FormDefinition, bindings: Iterable[Binding]) -> CompiledFlow:
        """The same flow for the records of a form. Inputs without a binding are always empty.

        A value is read by the field's type, then converted to the input's. Raises `InvalidInput` for
        names that do not exist and types that have no conversion.
        """
        bound = bound_to_form(self.definition, form, bindings)
        steps = tuple(_compiled(step.resolved, bound) for step in self.steps)
        return replace(self, steps=steps, bound=bound)

    def inputs(self, record: Mapping[str, object]) -> dict[str, object]:
        """The record's values keyed by input name, as they came, for an engine that maps by itself.

        Inputs that the record does not hold are left out.
        """
        return {name: record[source.field] for name, source in self.bound.items() if source.field in record}

    def lookup_texts(self, record: Mapping[str, object]) -> Iterator[tuple[LookupSource, str]]:
        """What has to be looked up before the record's steps are mapped, whether or not they are skipped.

        Nothing for an input that is empty, or that cannot be read: mapping tells of it.
        """
        for lookup in self.lookups:
            source = self.bound.get(lookup.input)
            if source is None:
                continue
            try:
                text = sought(
                    self.steps[0].resolved.inputs[lookup.input], source.read(record.get(source.field))
                )
            except ValueFault:
                continue
            if text is not None:
                yield lookup, text


def compile_flow(
    definition: FlowDefinition, version: int, *, formulas: FormulaCompiler = compile_formula
) -> CompiledFlow:
    """The executable form of a flow version. Takes milliseconds: keep what it gives.

    Raises `InvalidInput` with a problem per line that cannot work: unknown inputs, formulas that do
    not compile, constants or defaults that their field cannot take, impossible conversions.
    """
    bound = bound_by_name(definition)
    steps = tuple(_compiled(step, bound) for step in resolve(definition, version, formulas=formulas))
    sources = [mapping.source.lookup for step in definition.steps for mapping in step.mapping]
    lookups = tuple(dict.fromkeys(lookup for lookup in sources if lookup is not None))
    return CompiledFlow(definition=definition, version=version, steps=steps, bound=bound, lookups=lookups)


def _compiled(resolved: ResolvedStep, bound: Mapping[str, BoundInput]) -> CompiledStep:
    def hand_over(
        record: Mapping[str, object],
        acceptance: Acceptance,
        row: int,
        tracking_key: str,
        known: Known = NOTHING_KNOWN,
        /,
    ) -> Mapped:
        situation = Situation(
            record=record,
            acceptance=acceptance,
            row=row,
            tracking_key=tracking_key,
            bound=bound,
            known=known,
        )
        return explain(resolved, situation)

    return CompiledStep(
        step=resolved.step,
        columns=tuple(line.mapping.target for line in resolved.lines),
        types=tuple(line.mapping.type for line in resolved.lines),
        map=generate_mapper(resolved, bound, hand_over),
        resolved=resolved,
        bound=bound,
    )
