"""A compiled formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType

from formlane.domain.types import FieldType, Value
from formlane.formulas.checking import check
from formlane.formulas.generation import generate, walk
from formlane.formulas.kinds import FIELD_TYPES
from formlane.formulas.parsing import parse
from formlane.formulas.problems import FormulaError, Span
from formlane.formulas.runtime.calendar import FormulaContext
from formlane.formulas.typed import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula ready to run: pure, free of state, safe to call from any thread.

    `type` is the field type of every result that is not NULL, `inputs` the names it reads. `function`
    is what a call runs, for code that embeds many formulas: the same arguments, the same result, no
    method in between.
    """

    source: str
    type: FieldType
    inputs: frozenset[str]
    function: FunctionType

    @property
    def code(self) -> CodeType:
        """The generated code."""
        return self.function.__code__

    def __call__(self, values: Mapping[str, Value], context: FormulaContext) -> Value:
        """The result for one record; a name missing in `values` is NULL.

        Raises `FormulaFault`, and nothing else, when there is no result.
        """
        result: Value = self.function(values, context)
        return result


def compile_formula(
    source: str, *, inputs: Mapping[str, FieldType], expected: FieldType | None = None
) -> Formula:
    """The formula of a source that reads these inputs and gives the expected type, if one is named.

    A text target takes any scalar (written as TEXT does, NULL stays NULL), a decimal target whole
    numbers; everything else must match. Takes a few milliseconds at most: keep what it gives.
    Raises `FormulaError` with every problem found.
    """
    try:
        typed = check(parse(source), inputs, expected)
        function = generate(typed, source)
    except RecursionError:
        whole = Span(0, len(source))
        raise FormulaError.at(whole, "The formula is nested too deeply to compile here.") from None
    names = frozenset(node.name for node in walk(typed) if isinstance(node, Input))
    return Formula(source=source, type=expected or FIELD_TYPES[typed.kind], inputs=names, function=function)
