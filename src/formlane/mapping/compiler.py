"""Compiles a flow version into one function per step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from formlane.domain.flows import FlowDefinition, Step
from formlane.domain.forms import Binding
from formlane.domain.types import FieldType
from formlane.formulas import compile_formula
from formlane.mapping.generation import generate_mapper
from formlane.mapping.lines import Acceptance, FormulaCompiler, Mapped, Mapper
from formlane.mapping.resolve import ResolvedStep, resolve
from formlane.mapping.trace import Situation, StepTrace, trace_step


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """One step, executable. `map` never raises and is safe to call from any thread.

    `columns` are the targets in the mapping's order, `types` their types. `fields` names the record's
    field of each input, for records of a form.
    """

    step: Step
    columns: tuple[str, ...]
    types: tuple[FieldType, ...]
    map: Mapper
    resolved: ResolvedStep
    fields: Mapping[str, str]

    def trace(
        self, record: Mapping[str, object], acceptance: Acceptance, *, row: int, tracking_key: str
    ) -> StepTrace:
        """The same result as `map`, with every source, value and conversion; about twenty times slower."""
        situation = Situation(
            record=record, acceptance=acceptance, row=row, tracking_key=tracking_key, fields=self.fields
        )
        return trace_step(self.resolved, situation)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFlow:
    """A flow version, executable: immutable, free of state, to be kept for as long as it is used.

    Records are keyed by input name, or by the fields of a form after `bind`.
    """

    definition: FlowDefinition
    version: int
    steps: tuple[CompiledStep, ...]
    fields: Mapping[str, str] = field(default_factory=dict)

    def bind(self, bindings: Iterable[Binding]) -> CompiledFlow:
        """The same flow for the records of a form. Unbound inputs are taken from fields of their own name."""
        fields = {binding.input: binding.field for binding in bindings}
        steps = tuple(_compiled(step.resolved, fields) for step in self.steps)
        return replace(self, steps=steps, fields=fields)

    def inputs(self, record: Mapping[str, object]) -> dict[str, object]:
        """The record's values keyed by input name, as they came, for an engine that maps by itself.

        Inputs that the record does not hold are left out.
        """
        named = ((given.name, self.fields.get(given.name, given.name)) for given in self.definition.inputs)
        return {name: record[source] for name, source in named if source in record}


def compile_flow(
    definition: FlowDefinition, version: int, *, formulas: FormulaCompiler = compile_formula
) -> CompiledFlow:
    """The executable form of a flow version. Takes milliseconds: keep what it gives.

    Raises `InvalidInput` with a problem per line that cannot work: unknown inputs, formulas that do
    not compile, constants or defaults that their field cannot take, impossible conversions.
    """
    steps = tuple(_compiled(step, {}) for step in resolve(definition, version, formulas=formulas))
    return CompiledFlow(definition=definition, version=version, steps=steps)


def _compiled(resolved: ResolvedStep, fields: Mapping[str, str]) -> CompiledStep:
    def explain(record: Mapping[str, object], acceptance: Acceptance, row: int, tracking_key: str) -> Mapped:
        situation = Situation(
            record=record, acceptance=acceptance, row=row, tracking_key=tracking_key, fields=fields
        )
        return trace_step(resolved, situation).outcome

    return CompiledStep(
        step=resolved.step,
        columns=tuple(line.mapping.target for line in resolved.lines),
        types=tuple(line.mapping.type for line in resolved.lines),
        map=generate_mapper(resolved, fields, explain),
        resolved=resolved,
        fields=fields,
    )
