"""Resolves a step: formulas compiled, constants and defaults settled, conversions chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from formlane.domain.flows import FieldMapping, FlowDefinition, LookupSource, SourceKind, Step
from formlane.domain.types import TEXTUAL, FieldType, Json
from formlane.domain.values import ValueFault, read
from formlane.errors import InvalidInput
from formlane.formulas import Formula, FormulaError
from formlane.mapping.conversions import conversion
from formlane.mapping.findings import Finding, error, formula_findings, meant
from formlane.mapping.limits import LineFault
from formlane.mapping.lines import OMITTED, SYSTEM_TYPES, FormulaCompiler, Line, Omitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedStep:
    """A step ready to be executed or explained. `inputs` are the flow's inputs with their types."""

    step: Step
    version: int
    inputs: Mapping[str, FieldType]
    lines: tuple[Line, ...]
    condition: Formula | None = None


def resolve(
    definition: FlowDefinition, version: int, *, formulas: FormulaCompiler
) -> tuple[ResolvedStep, ...]:
    """The steps of a definition in order. Raises `InvalidInput` with a problem per line that cannot work."""
    inputs = {given.name: given.type for given in definition.inputs}
    resolver = Resolver(inputs, version, formulas=formulas)
    steps = tuple(resolver.step(step, f"/steps/{index}") for index, step in enumerate(definition.steps))
    if resolver.findings:
        problems = [finding.as_problem() for finding in resolver.findings]
        raise InvalidInput("The flow's mapping cannot work as it is.", problems)
    return steps


class Resolver:
    """Resolves steps in order and collects an error per fault in `findings`, so that all are told at once."""

    def __init__(self, inputs: Mapping[str, FieldType], version: int, *, formulas: FormulaCompiler) -> None:
        self.inputs = inputs
        self.version = version
        self.formulas = formulas
        self.earlier: list[str] = []
        self.findings: list[Finding] = []

    def step(self, step: Step, at: str) -> ResolvedStep:
        """The step without the lines that have a fault. `at` points to the step in the definition."""
        lines = [self._line(mapping, f"{at}/mapping/{index}") for index, mapping in enumerate(step.mapping)]
        condition = None
        if step.condition:
            condition = self._formula(step.condition, FieldType.BOOLEAN, f"{at}/condition")
        self.earlier.append(step.name)
        return ResolvedStep(
            step=step,
            version=self.version,
            inputs=self.inputs,
            lines=tuple(line for line in lines if line is not None),
            condition=condition,
        )

    def _line(self, mapping: FieldMapping, at: str) -> Line | None:
        source = mapping.source
        formula = None
        if source.kind is SourceKind.FORMULA:
            formula = self._formula(source.formula or "", mapping.type, f"{at}/source/formula")
            if formula is None:
                return None
        source_type = self._source_type(mapping, at)
        if source_type is None:
            return None
        way = conversion(source_type, mapping.type)
        if way is None:
            message = f"{mapping.target}: there is no conversion from {source_type} to {mapping.type}."
            self._refuse(f"{at}/type", "no_conversion", message)
            return None
        line = Line(mapping=mapping, source_type=source_type, conversion=way, formula=formula)
        return self._with_fixed_values(line, at)

    def _source_type(self, mapping: FieldMapping, at: str) -> FieldType | None:
        source = mapping.source
        match source.kind:
            case SourceKind.INPUT:
                return self._of_input(mapping, source.input or "", f"{at}/source/input")
            case SourceKind.SYSTEM if source.system is not None:
                return SYSTEM_TYPES[source.system]
            case SourceKind.SYSTEM:
                self._refuse(f"{at}/source/system", "required", f"{mapping.target}: name the system value.")
                return None
            case SourceKind.FORMULA:
                return FieldType.STRING if mapping.type in TEXTUAL else mapping.type
            case SourceKind.CONSTANT:
                return mapping.type
            case SourceKind.STEP:
                return self._of_step(mapping, source.step or "", f"{at}/source/step")
            case SourceKind.LOOKUP:
                return self._of_lookup(mapping, source.lookup, f"{at}/source/lookup")

    def _of_input(self, mapping: FieldMapping, name: str, at: str) -> FieldType | None:
        if name not in self.inputs:
            message = f"{mapping.target}: the flow has no input {name!r}."
            self.findings.append(error(at, "unknown_input", message, meant(name, self.inputs)))
        return self.inputs.get(name)

    def _of_step(self, mapping: FieldMapping, name: str, at: str) -> FieldType | None:
        if name in self.earlier:
            return FieldType.REFERENCE
        message = f"{mapping.target}: no earlier step of the flow is named {name!r}."
        self.findings.append(error(at, "unknown_step", message, meant(name, self.earlier)))
        return None

    def _of_lookup(self, mapping: FieldMapping, lookup: LookupSource | None, at: str) -> FieldType | None:
        if lookup is None:
            self._refuse(at, "required", f"{mapping.target}: say what is looked up.")
            return None
        return self._of_input(mapping, lookup.input, f"{at}/input") and FieldType.REFERENCE

    def _with_fixed_values(self, line: Line, at: str) -> Line | None:
        """The line with its default and constant settled; both are written in the target's type."""
        mapping = line.mapping
        instead = self._settled(line, mapping.default, f"{at}/default", required=False)
        line = replace(line, instead=None if isinstance(instead, Omitted) else instead)
        if mapping.default == "" and mapping.type in TEXTUAL:
            line = replace(line, instead="")
        if mapping.source.kind is not SourceKind.CONSTANT:
            return line
        fixed = self._settled(
            line, mapping.source.constant, f"{at}/source/constant", required=mapping.required
        )
        return replace(line, fixed=fixed)

    def _settled(self, line: Line, value: Json, at: str, *, required: bool) -> Json | Omitted:
        mapping = replace(line.mapping, required=required)
        plain = conversion(mapping.type, mapping.type)
        assert plain is not None
        try:
            return replace(line, mapping=mapping, conversion=plain).settle(read(mapping.type, value))
        except (ValueFault, LineFault) as fault:
            code = fault.code if isinstance(fault, ValueFault) else str(fault.reason)
            self._refuse(at, code, f"{mapping.target}: the value {fault.message}.")
            return OMITTED

    def _formula(self, source: str, expected: FieldType, at: str) -> Formula | None:
        try:
            return self.formulas(source, inputs=self.inputs, expected=expected)
        except FormulaError as fault:
            self.findings.extend(formula_findings(fault, at))
            return None

    def _refuse(self, pointer: str, code: str, message: str) -> None:
        self.findings.append(error(pointer, code, message))
