"""The functions of the language, by name."""

from __future__ import annotations

from collections.abc import Mapping

from formlane.formulas.library.calendar import CALENDAR_FUNCTIONS
from formlane.formulas.library.function import CallSite, Function
from formlane.formulas.library.logic import LOGIC_FUNCTIONS
from formlane.formulas.library.numbers import NUMBER_FUNCTIONS
from formlane.formulas.library.texts import TEXT_FUNCTIONS

__all__ = ["ELSEWHERE", "FUNCTIONS", "CallSite", "Function"]

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (*TEXT_FUNCTIONS, *LOGIC_FUNCTIONS, *NUMBER_FUNCTIONS, *CALENDAR_FUNCTIONS)
}
"""In the order of the reference: texts, logic, numbers, dates."""

ELSEWHERE: Mapping[str, str] = {
    "BLANKVALUE": "Use COALESCE(…).",
    "CONCAT": "Join texts with &.",
    "CONCATENATE": "Join texts with &.",
    "IFERROR": "A record whose formula fails is reported; test the value with IF first.",
    "IFNULL": "Use COALESCE(…).",
    "IFS": "Use CASE(…) or IF within IF.",
    "INCLUDES": "Use CONTAINS(…).",
    "INITCAP": "Use PROPER(…).",
    "ISNULL": "Use ISBLANK(…).",
    "ISPICKVAL": "Compare with =.",
    "LENGTH": "Use LEN(…).",
    "NVL": "Use COALESCE(…).",
    "REPLACE": "Use SUBSTITUTE(…).",
    "SEARCH": "Use FIND(…).",
    "STRING": "Use TEXT(…).",
    "SUBSTR": "Use MID(…).",
    "SUBSTRING": "Use MID(…).",
    "SWITCH": "Use CASE(…).",
    "TITLE": "Use PROPER(…).",
    "TOLOWER": "Use LOWER(…).",
    "TOUPPER": "Use UPPER(…).",
}
"""What to write instead of functions that other tools have."""
