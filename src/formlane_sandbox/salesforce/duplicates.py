"""Duplicate rules: records that agree in the rule's fields are refused, unless the request allows them."""

from __future__ import annotations

from formlane_sandbox.salesforce.errors import RecordError
from formlane_sandbox.salesforce.schema import DuplicateRule
from formlane_sandbox.salesforce.table import Table, index_key
from formlane_sandbox.salesforce.values import Row

_MESSAGE = "Use one of these records?"


def check_duplicates(table: Table, row: Row, allowed: bool, version: float) -> None:
    """Raises DUPLICATES_DETECTED; `allowed` (the request's header) passes a rule that only alerts."""
    rule = table.kind.duplicate_rule
    if rule is None or (allowed and not rule.block):
        return
    matches = _matches(table, rule, row)
    if matches:
        details = _details(table, rule, matches, version)
        raise RecordError("DUPLICATES_DETECTED", _MESSAGE, extra={"duplicateResut": details})


def _matches(table: Table, rule: DuplicateRule, row: Row) -> list[str]:
    fields = [field for field in (table.field(name) for name in rule.fields) if field is not None]
    if not fields or any(row.get(field.name) is None for field in fields):
        return []
    found = table.find(fields[0], row[fields[0].name])
    return [
        known
        for known in found
        if all(
            index_key(field, table.rows[known].get(field.name)) == index_key(field, row[field.name])
            for field in fields[1:]
        )
    ]


def _details(table: Table, rule: DuplicateRule, matches: list[str], version: float) -> dict[str, object]:
    """REST API Developer Guide, duplicate rule errors; the caller's key is misspelt on the wire."""
    name = table.kind.name
    url = f"/services/data/v{version:.1f}/sobjects/{name}/"
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": name, "url": url + known}, "Id": known},
        }
        for known in matches
    ]
    result = {
        "entityType": name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": rule.name.replace("Duplicate", "Match"),
        "size": len(matches),
        "success": True,
    }
    return {
        "allowSave": not rule.block,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": name,
        "errorMessage": _MESSAGE,
        "matchResults": [result],
    }
