"""Formulas: a spreadsheet-like language of expressions over the inputs of a flow.

A formula has no loops, no input or output and no access to Python; what it costs is bounded by its
length. `compile_formula` checks one when it is saved, the `Formula` it gives runs on every record.
"""

from __future__ import annotations

from formlane.formulas.formula import Formula, compile_formula
from formlane.formulas.library import FUNCTIONS, Function
from formlane.formulas.patterns import DATE_TOKENS, TIME_TOKENS
from formlane.formulas.problems import FormulaError, FormulaFault, FormulaProblem
from formlane.formulas.runtime.calendar import FormulaContext

__all__ = [
    "DATE_TOKENS",
    "FUNCTIONS",
    "TIME_TOKENS",
    "Formula",
    "FormulaContext",
    "FormulaError",
    "FormulaFault",
    "FormulaProblem",
    "Function",
    "compile_formula",
]
