"""The table of errors as the docs page shows it."""

from __future__ import annotations

from formlane.destinations.servicenow.errors import LOCAL, ROWS, Doubt, Row, Verdict
from formlane.domain.outcomes import Scope

_SCOPES = {
    Scope.RECORD: "record",
    Scope.LANE: "lane",
    Scope.FLOW_OBJECT: "flow",
    Scope.CONNECTION: "connection",
}
_WHERE = {
    "import_error": "import set: `error`",
    "import_target_not_found": "import set: `error`, “target record not found”",
    "import_invalid_table": "import set: `error`, “invalid (staging) table”",
    "import_skipped": "import set: `ignored`, `skipped`",
    "import_no_map": "import set: no entry",
    "unserviced": "batch: request left unserviced",
    "token_ended": "batch: 401 for some requests, OAuth",
    "batch_closed": "403, 404, 405 or 400 for the batch itself",
}


def error_lines() -> list[str]:
    """One line per row of the table, and one per row that no status tells."""
    return [_line(row, _answer(row)) for row in ROWS] + [_line(LOCAL[code], _WHERE[code]) for code in LOCAL]


def _answer(row: Row) -> str:
    status = str(row.first) if row.first == row.last else f"{row.first}–{row.last}"
    words = f" “{row.words}”" if row.words else ""
    return f"{status}{words}{f', `{row.header}`' if row.header else ''}"


def _line(row: Row, answer: str) -> str:
    outcome = str(row.verdict)
    if row.verdict is not Verdict.REJECTED:
        outcome += f" ({_SCOPES[row.scope]})"
    if row.doubt is not Doubt.NO:
        outcome += ", if nothing was written"
    return f"| {answer} | {outcome}, `{row.reason}` | {row.text} |"
