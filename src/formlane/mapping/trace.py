"""The slow evaluation that explains itself: for previews, and for whatever the compiled one hands over.

Its result is the truth; the compiled function must give the same for every record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from formlane.domain.flows import FieldMapping, LookupSource, SourceKind, SystemValue
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType, Json, Value
from formlane.domain.values import ValueFault, render
from formlane.formulas import Formula, FormulaFault
from formlane.mapping.binding import BoundInput, sought
from formlane.mapping.limits import LineFault
from formlane.mapping.lines import (
    NOTHING_KNOWN,
    SKIP,
    Acceptance,
    Known,
    Line,
    Mapped,
    MappingError,
    Omitted,
    SourceFault,
)
from formlane.mapping.lines import error_of as _error_of
from formlane.mapping.resolve import ResolvedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTrace:
    """How one target field came about.

    `origin` is the name of the input (of a lookup too), step or system value, the formula, or empty for a
    constant; `value` what it gave, as JSON; `result` what is sent for it, unless it is `omitted` or an
    `error`.
    """

    target: str
    kind: SourceKind
    origin: str
    value: Json
    source_type: FieldType
    target_type: FieldType
    lossy: bool
    result: Json = None
    omitted: bool = False
    error: MappingError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTrace:
    """One step on one record. `lines` is empty when the step is skipped or its condition failed."""

    step: str
    skipped: bool = False
    condition_error: MappingError | None = None
    lines: tuple[LineTrace, ...] = ()

    @property
    def outcome(self) -> Mapped:
        """What the compiled step gives for the same record."""
        if self.skipped:
            return SKIP
        if self.condition_error is not None:
            return [self.condition_error]
        errors = [line.error for line in self.lines if line.error is not None]
        return errors or {line.target: line.result for line in self.lines if not line.omitted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One record and what the hub knows of it. `bound` says how inputs are read; others are empty."""

    record: Mapping[str, object]
    acceptance: Acceptance
    row: int
    tracking_key: str
    bound: Mapping[str, BoundInput]
    known: Known = NOTHING_KNOWN

    def input(self, name: str) -> Value:
        """The value of an input. Raises `ValueFault`."""
        source = self.bound.get(name)
        return None if source is None else source.read(self.record.get(source.field))


class _InputFault(SourceFault):
    """An input that a formula or lookup needs cannot be read."""

    def __init__(self, name: str, fault: ValueFault) -> None:
        super().__init__(Reason.CONVERSION_FAILED, f"{_input(name)} {fault.message}")


def trace_step(resolved: ResolvedStep, situation: Situation) -> StepTrace:
    """Every target with its source, value, conversion, and result or error. Never raises."""
    name = resolved.step.name
    met = _condition(resolved, situation)
    if isinstance(met, MappingError):
        return StepTrace(step=name, condition_error=met)
    if not met:
        return StepTrace(step=name, skipped=True)
    return StepTrace(
        step=name, lines=tuple(_trace_line(line, resolved, situation) for line in resolved.lines)
    )


def explain(resolved: ResolvedStep, situation: Situation) -> Mapped:
    """The outcome alone, without the expense of a trace."""
    met = _condition(resolved, situation)
    if isinstance(met, MappingError):
        return [met]
    if not met:
        return SKIP
    errors: list[MappingError] = []
    fields: dict[str, Json] = {}
    for line in resolved.lines:
        _, result = _evaluated(line, resolved, situation)
        if isinstance(result, MappingError):
            errors.append(result)
        elif not isinstance(result, Omitted):
            fields[line.mapping.target] = result
    return errors or fields


def _condition(resolved: ResolvedStep, situation: Situation) -> bool | MappingError:
    if resolved.condition is None:
        return True
    try:
        return _calculate(resolved.condition, situation) is True
    except (FormulaFault, SourceFault) as fault:
        return _source_error("", fault)


def _evaluated(
    line: Line, resolved: ResolvedStep, situation: Situation
) -> tuple[Value, Json | Omitted | MappingError]:
    """The source's value, as far as there is one, and what becomes of it."""
    mapping = line.mapping
    value: Value = None
    try:
        value = _value_of(line, resolved, situation)
        return value, line.fixed if mapping.source.kind is SourceKind.CONSTANT else line.settle(value)
    except (FormulaFault, SourceFault) as fault:
        return value, _source_error(mapping.target, fault)
    except (ValueFault, LineFault) as fault:
        return value, _error_of(mapping.target, fault, what=_what(mapping))


def _trace_line(line: Line, resolved: ResolvedStep, situation: Situation) -> LineTrace:
    mapping = line.mapping
    value, result = _evaluated(line, resolved, situation)
    return LineTrace(
        target=mapping.target,
        kind=mapping.source.kind,
        origin=_origin(mapping),
        value=_shown(line, value),
        source_type=line.source_type,
        target_type=mapping.type,
        lossy=line.conversion.lossy,
        result=None if isinstance(result, Omitted | MappingError) else result,
        omitted=isinstance(result, Omitted),
        error=result if isinstance(result, MappingError) else None,
    )


def _value_of(line: Line, resolved: ResolvedStep, situation: Situation) -> Value:
    source = line.mapping.source
    if source.kind is SourceKind.INPUT and source.input is not None:
        return situation.input(source.input)
    if line.formula is not None:
        return _calculate(line.formula, situation)
    if source.system is not None:
        return system_value(source.system, resolved.version, situation)
    if source.step is not None:
        return situation.known.remote.get(source.step)
    if source.lookup is not None:
        return _looked_up(source.lookup, resolved.inputs[source.lookup.input], situation)
    return source.constant


def system_value(which: SystemValue, version: int, situation: Situation) -> Value:
    """A system value in the type that `SYSTEM_TYPES` states."""
    acceptance = situation.acceptance
    match which:
        case SystemValue.RECORD_ID:
            return f"{acceptance.batch_id}:{situation.row}"
        case SystemValue.BATCH_ID:
            return acceptance.batch_id
        case SystemValue.ROW:
            return situation.row
        case SystemValue.ACCEPTED_AT:
            return acceptance.accepted_at
        case SystemValue.SOURCE:
            return acceptance.source
        case SystemValue.SOURCE_NAME:
            return acceptance.source_name
        case SystemValue.FLOW_VERSION:
            return version
        case SystemValue.TRACKING_KEY:
            return situation.tracking_key


def _looked_up(lookup: LookupSource, kind: FieldType, situation: Situation) -> Value:
    try:
        text = sought(kind, situation.input(lookup.input))
    except ValueFault as fault:
        raise _InputFault(lookup.input, fault) from None
    return None if text is None else situation.known.identity(lookup, text)


def _calculate(formula: Formula, situation: Situation) -> Value:
    values: dict[str, Value] = {}
    for name in sorted(formula.inputs):
        try:
            values[name] = situation.input(name)
        except ValueFault as fault:
            raise _InputFault(name, fault) from None
    return formula(values, situation.acceptance.context)


def _source_error(target: str, fault: FormulaFault | SourceFault) -> MappingError:
    if isinstance(fault, FormulaFault):
        return MappingError(
            target=target,
            reason=Reason.FORMULA_FAILED,
            message=f"{target or 'Condition'}: the formula has no result: {fault.message}",
            position=fault.position,
        )
    return MappingError(
        target=target, reason=fault.reason, message=f"{target or 'Condition'}: {fault.message}."
    )


_GIVEN = {
    SourceKind.FORMULA: "the formula's result",
    SourceKind.STEP: "the earlier step's identity",
    SourceKind.LOOKUP: "the identity that was looked up",
}


def _what(mapping: FieldMapping) -> str:
    if mapping.source.kind is SourceKind.INPUT:
        return _input(mapping.source.input or "")
    return _GIVEN.get(mapping.source.kind, "the value")


def _input(name: str) -> str:
    return f'the input "{name}"'


def _origin(mapping: FieldMapping) -> str:
    source = mapping.source
    named = source.input or source.formula or source.system or source.step
    return named or ("" if source.lookup is None else source.lookup.input)


def _shown(line: Line, value: Value) -> Json:
    try:
        return render(line.source_type, value)
    except ValueFault:
        return None
