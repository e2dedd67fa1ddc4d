"""Transform maps: from a staging row to a record, by coalesce fields."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from formlane_sandbox.servicenow.answers import ApiError
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.records import SYSTEM, insert, update
from formlane_sandbox.servicenow.schema import Shape
from formlane_sandbox.servicenow.search import matches
from formlane_sandbox.servicenow.settings import TransformMap
from formlane_sandbox.servicenow.store import Row

UNCHANGED = "No field values changed"


class Outcome(Struct, kw_only=True):
    """What one map made of a row; `status` is inserted, updated, ignored, skipped, error or pending."""

    transform_map: str
    table: str
    status: str
    sys_id: str = ""
    message: str = ""

    def document(self, instance: Instance, origin: str) -> dict[str, str]:
        """As the Import Set API answers it."""
        shown = {"transform_map": self.transform_map, "table": self.table, "status": self.status}
        shape = instance.dictionary.shape(self.table)
        row = instance.find(shape, self.sys_id) if shape and self.sys_id else None
        if shape is not None and row is not None:
            shown["display_name"] = shape.display
            shown["display_value"] = row.get(shape.display, "")
            shown["record_link"] = f"{origin}/api/now/table/{self.table}/{self.sys_id}"
            shown["sys_id"] = self.sys_id
        if self.message:
            shown["error_message" if self.status == "error" else "status_message"] = self.message
        return shown


def transform(instance: Instance, one: TransformMap, staging: Shape, row: Row) -> Outcome:
    """Insert or update the record of a staging row; every refusal is an outcome `error`."""

    def outcome(status: str, sys_id: str = "", message: str = "") -> Outcome:
        return Outcome(
            transform_map=one.name, table=one.target, status=status, sys_id=sys_id, message=message
        )

    if fault := instance.faults.named("import_error", path=f"/api/now/import/{staging.name}"):
        return outcome("error", message=str(fault.detail.get("message", one.error_message)))
    if one.error_when and matches(instance, staging, one.error_when, row):
        return outcome("error", message=one.error_message)
    if one.skip_when and matches(instance, staging, one.skip_when, row):
        return outcome("skipped", message="Row transform skipped by onBefore script")
    shape = instance.dictionary.shape(one.target)
    if shape is None:
        return outcome("error", message="Invalid table")
    values: dict[str, object] = {target: row.get(source, "") for source, target in one.fields.items()}
    try:
        return _written(instance, one, shape, values, outcome)
    except ApiError as error:
        return outcome("error", message=error.detail or error.message)


def _written(
    instance: Instance,
    one: TransformMap,
    shape: Shape,
    values: dict[str, object],
    outcome: Callable[..., Outcome],
) -> Outcome:
    known = _coalesced(instance, one, shape, values)
    if known is None:
        kept = {name: value for name, value in values.items() if value}
        return outcome("inserted", insert(instance, shape, kept, SYSTEM)["sys_id"])
    if update(instance, shape, known, values, SYSTEM):
        return outcome("updated", known["sys_id"])
    return outcome("ignored", known["sys_id"], UNCHANGED)


def _coalesced(instance: Instance, one: TransformMap, shape: Shape, values: dict[str, object]) -> Row | None:
    """The first record that equals the row in all coalesce fields, whatever the case of letters."""
    if not one.coalesce:
        return None
    wanted = {name: str(values.get(name, "")) for name in one.coalesce}
    if not one.coalesce_empty and not all(wanted.values()):
        return None
    first, text = next(iter(wanted.items()))
    family = instance.store.family(shape.root)
    exact = family.having(first, text).values()
    everywhere = instance.store.rows(shape.root, instance.dictionary.family(shape.name))
    for rows in (exact,) if one.case_sensitive else (exact, everywhere):
        for row in rows:
            if _same(row, wanted, one) and instance.find(shape, row["sys_id"]) is row:
                return row
    return None


def _same(row: Row, wanted: dict[str, str], one: TransformMap) -> bool:
    if one.case_sensitive:
        return all(row.get(name, "") == text for name, text in wanted.items())
    return all(row.get(name, "").casefold() == text.casefold() for name, text in wanted.items())
