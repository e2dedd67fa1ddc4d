"""Generates the function of a step from its resolved lines.

The function does the plain cases in line. Whatever it does not expect (a value that cannot be read,
a limit, a formula without result) it hands to `explain` as a whole, so errors have one source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from formlane.domain.flows import LookupSource, SourceKind, SystemValue
from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import READERS, ValueFault
from formlane.formulas import FormulaFault
from formlane.mapping import quasiquote as code
from formlane.mapping.binding import BoundInput, sought
from formlane.mapping.conversions import PLAIN, passage
from formlane.mapping.evident import EVIDENT, GLANCES
from formlane.mapping.limits import CHOOSING, LineFault, counts_digits, digits_test
from formlane.mapping.lines import NOTHING_KNOWN, OMITTED, SKIP, Known, Line, Mapper
from formlane.mapping.remembered import remembering
from formlane.mapping.resolve import ResolvedStep

_PARAMETERS = ("record", "acceptance", "row", "tracking_key", "known")
_EXPLAIN = "return explain(record, acceptance, row, tracking_key, known)"

_SYSTEM = {
    SystemValue.RECORD_ID: "f'{acceptance.batch_id}:{row}'",
    SystemValue.BATCH_ID: "acceptance.batch_id",
    SystemValue.ROW: "row",
    SystemValue.ACCEPTED_AT: "acceptance.accepted_at",
    SystemValue.SOURCE: "acceptance.source",
    SystemValue.SOURCE_NAME: "acceptance.source_name",
    SystemValue.FLOW_VERSION: "version",
    SystemValue.TRACKING_KEY: "tracking_key",
}


def generate_mapper(resolved: ResolvedStep, bound: Mapping[str, BoundInput], explain: Mapper) -> Mapper:
    """The step's function; `explain` is called with the same arguments for what it does not expect."""
    writer = _Writer(resolved, bound)
    writer.bound["explain"] = explain
    body = code.statements(
        f"""
try:
    get = record.get
    H_LOADS
    H_CONDITION
    out = {{}}
    H_LINES
    return out
except FAULTS:
    {_EXPLAIN}
""",
        H_CONDITION=writer.condition(),
        H_LINES=[
            statement for index, line in enumerate(resolved.lines) for statement in writer.line(line, index)
        ],
        H_LOADS=writer.loads(),
    )
    made = code.function("map_step", _PARAMETERS, body, writer.bound, default="NOTHING_KNOWN")
    return cast(Mapper, made)


@dataclass(frozen=True, slots=True)
class _Slot:
    """Names of one line's locals and bound objects."""

    index: int

    def __call__(self, what: str) -> ast.expr:
        return code.name(f"{what}_{self.index}")


class _Writer:
    """Writes the parts of one function and collects what it is bound to."""

    def __init__(self, resolved: ResolvedStep, inputs: Mapping[str, BoundInput]) -> None:
        self.resolved = resolved
        self.inputs = inputs
        self.numbers = {name: index for index, name in enumerate(resolved.inputs)}
        self.bound: dict[str, object] = {
            "FAULTS": (ValueFault, LineFault, FormulaFault),
            "OMITTED": OMITTED,
            "NOTHING_KNOWN": NOTHING_KNOWN,
            "SKIP": SKIP,
            **GLANCES,
            "version": resolved.version,
        }

    def loads(self) -> list[ast.stmt]:
        """Fetches each input that is used once; reads those of formulas into `values`."""
        formulas = [line.formula for line in self.resolved.lines] + [self.resolved.condition]
        calculated = {name for formula in formulas if formula is not None for name in formula.inputs}
        used = calculated | {_input_of(line) for line in self.resolved.lines}
        loads: list[ast.stmt] = []
        for name in self.resolved.inputs:
            if name in used:
                source = self.inputs.get(name)
                fetch = "H_RAW = get(H_NAME)" if source else "H_RAW = None"
                field = code.constant(source.field if source else None)
                loads += code.statements(fetch, H_RAW=self._raw(name), H_NAME=field)
        if any(formula is not None for formula in formulas):
            names = [name for name in self.resolved.inputs if name in calculated]
            values = ast.Dict([code.constant(name) for name in names], [self._typed(name) for name in names])
            loads += code.statements("values = H_VALUES\ncontext = acceptance.context", H_VALUES=values)
        return loads

    def condition(self) -> list[ast.stmt]:
        """Leaves the function when the step is skipped."""
        if self.resolved.condition is None:
            return []
        self.bound["condition"] = self.resolved.condition.function
        return code.statements("if condition(values, context) is not True:\n    return SKIP")

    def line(self, line: Line, index: int) -> list[ast.stmt]:
        """Puts one target into `out`, or leaves it out."""
        slot = _Slot(index)
        source = line.mapping.source
        if source.kind is SourceKind.CONSTANT:
            return [] if line.fixed is OMITTED else self._put(line, self._bind(slot("fixed"), line.fixed))
        if source.kind is SourceKind.INPUT:
            return self._from_input(line, slot, source.input or "")
        if source.system is SystemValue.ACCEPTED_AT and line.mapping.type is FieldType.DATETIME:
            return self._put(line, code.expression("acceptance.accepted_text"))
        return self._from_typed(line, slot, self._typed_source(line, slot))

    def _from_input(self, line: Line, slot: _Slot, name: str) -> list[ast.stmt]:
        bound = self.inputs.get(name)
        if bound is None:
            return self._empty(line, slot)
        if bound.conversion.apply is not None:
            return self._from_typed(line, slot, self._typed(name))
        return self._evident(line, slot, self._raw(name), self._from_raw(line, slot, bound), bound.kind)

    def _evident(
        self, line: Line, slot: _Slot, value: ast.expr, otherwise: list[ast.stmt], source: FieldType
    ) -> list[ast.stmt]:
        """The glance for values that stay as they are, before the full way."""
        kind = line.mapping.type
        if kind not in EVIDENT or not (source is line.source_type is kind or {source, kind} <= PLAIN):
            return otherwise
        tests = [code.expression(EVIDENT[kind], H_FIRST=value, H_V=value)]
        if kind in PLAIN:
            tests.append(code.expression("H_V != ''", H_V=value))
        return code.statements(
            "if H_TEST:\n    H_PUT\nelse:\n    H_OTHERWISE",
            H_TEST=code.all_of([*tests, *self._limits(line, slot, value)]),
            H_PUT=self._put(line, value),
            H_OTHERWISE=otherwise,
        )

    def _from_raw(self, line: Line, slot: _Slot, bound: BoundInput) -> list[ast.stmt]:
        value = slot("value")
        return code.statements(
            f"""
if H_RAW is None or H_RAW == '':
    H_EMPTY
else:
    H_VALUE = H_PASS
    if H_VALUE is None or H_VALUE == '':
        H_EMPTY
    elif H_FITS:
        H_PUT
    else:
        {_EXPLAIN}
""",
            H_RAW=self._raw(line.mapping.source.input or ""),
            H_VALUE=value,
            H_PASS=self._call(
                bound,
                slot("pass_on"),
                passage(bound.kind, line.mapping.type, line.conversion),
                self._raw(line.mapping.source.input or ""),
            ),
            H_EMPTY=self._empty(line, slot),
            H_FITS=code.all_of(self._limits(line, slot, value)),
            H_PUT=self._put(line, value),
        )

    def _from_typed(self, line: Line, slot: _Slot, source: ast.expr) -> list[ast.stmt]:
        value = slot("value")
        full = code.statements(
            """
if H_VALUE is None or H_VALUE == '':
    H_EMPTY
else:
    H_VALUE = H_SETTLE(H_VALUE)
    if H_VALUE is not OMITTED:
        H_PUT
""",
            H_VALUE=value,
            H_EMPTY=self._empty(line, slot),
            H_SETTLE=self._bind(slot("settle"), _settler(line)),
            H_PUT=self._put(line, value),
        )
        return [
            *code.statements("H_VALUE = H_SOURCE", H_VALUE=value, H_SOURCE=source),
            *self._evident(line, slot, value, full, line.source_type),
        ]

    def _typed_source(self, line: Line, slot: _Slot) -> ast.expr:
        if line.formula is not None:
            return code.expression(
                "H_F(values, context)", H_F=self._bind(slot("formula"), line.formula.function)
            )
        source = line.mapping.source
        if source.step is not None:
            return code.expression("known.remote.get(H_STEP)", H_STEP=code.constant(source.step))
        if source.lookup is not None:
            finder = _finder(source.lookup, self.resolved.inputs[source.lookup.input])
            return code.expression(
                "H_FIND(H_TYPED, known)",
                H_FIND=self._bind(slot("find"), finder),
                H_TYPED=self._typed(source.lookup.input),
            )
        assert source.system is not None, "resolved"
        return code.expression(_SYSTEM[source.system])

    def _empty(self, line: Line, slot: _Slot) -> list[ast.stmt]:
        try:
            value = line.settle_empty()
        except LineFault:
            return code.statements(_EXPLAIN)
        if value is OMITTED:
            return code.statements("pass")
        return self._put(line, self._bind(slot("instead"), value))

    def _limits(self, line: Line, slot: _Slot, value: ast.expr) -> list[ast.expr]:
        tests: list[ast.expr] = []
        mapping = line.mapping
        if mapping.max_length is not None and mapping.type in TEXTUAL:
            tests.append(
                code.expression("len(H_V) <= H_MAX", H_V=value, H_MAX=code.constant(mapping.max_length))
            )
        if mapping.choices and mapping.type in CHOOSING:
            choices = self._bind(slot("choices"), frozenset(mapping.choices))
            test = "H_C.issuperset(H_V)" if mapping.type is FieldType.MULTI_ENUM else "H_V in H_C"
            tests.append(code.expression(test, H_C=choices, H_V=value))
        if counts_digits(mapping):
            keeps = self._bind(slot("keeps"), digits_test(mapping))
            tests.append(code.expression("H_KEEPS(H_V)", H_KEEPS=keeps, H_V=value))
        return tests

    def _put(self, line: Line, value: ast.expr) -> list[ast.stmt]:
        return code.statements("out[H_TARGET] = H_V", H_TARGET=code.constant(line.mapping.target), H_V=value)

    def _raw(self, name: str) -> ast.expr:
        return code.name(f"raw_{self.numbers[name]}")

    def _typed(self, name: str) -> ast.expr:
        """An input as formulas take it."""
        bound = self.inputs.get(name)
        if bound is None:
            return code.constant(None)
        raw, stays = self._raw(name), bound.conversion.apply is None
        reader = READERS[bound.kind] if stays else bound.read
        read = self._call(bound, code.name(f"read_{self.numbers[name]}"), reader, raw)
        if not stays:
            return read
        if bound.kind not in EVIDENT or bound.kind is FieldType.DECIMAL:
            return code.expression("None if H_RAW is None else H_READ", H_READ=read, H_RAW=raw)
        test = code.expression(EVIDENT[bound.kind], H_FIRST=raw, H_V=raw)
        return code.expression(
            "H_RAW if H_TEST or H_RAW is None else H_READ", H_RAW=raw, H_TEST=test, H_READ=read
        )

    def _call(
        self, bound: BoundInput, name: ast.expr, function: Callable[..., object], value: ast.expr
    ) -> ast.expr:
        """The call of a function of a raw value."""
        called = self._bind(name, function)
        assert isinstance(called, ast.Name)
        return remembering(bound.kind, called, value, self.bound)

    def _bind(self, target: ast.expr, value: object) -> ast.expr:
        assert isinstance(target, ast.Name)
        self.bound[target.id] = value
        return target


def _settler(line: Line) -> Callable[..., object]:
    """`line.settle` for values that are not empty; the type's reader itself where that is all it does."""
    limited = line.mapping.max_length is not None or line.mapping.choices
    source, kind = line.source_type, line.mapping.type
    is_read = source is not kind and source in TEXTUAL and kind in TEXTUAL - PLAIN
    return READERS[kind] if is_read and not limited else line.settle


def _finder(lookup: LookupSource, kind: FieldType) -> Callable[[Value, Known], str | None]:
    def find(value: Value, known: Known) -> str | None:
        text = sought(kind, value)
        return None if text is None else known.identity(lookup, text)

    return find


def _input_of(line: Line) -> str | None:
    source = line.mapping.source
    return source.input if source.lookup is None else source.lookup.input
