"""Creating, changing and deleting records, with the rules that can refuse them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from formlane_sandbox.servicenow.answers import operation_failed
from formlane_sandbox.servicenow.instance import Instance, mint, user_id
from formlane_sandbox.servicenow.rules import refuse_by_policy, refuse_by_rule
from formlane_sandbox.servicenow.schema import (
    JOURNAL_TYPES,
    TEXT_TYPES,
    Column,
    Shape,
)
from formlane_sandbox.servicenow.settings import User
from formlane_sandbox.servicenow.store import Row
from formlane_sandbox.servicenow.values import as_text, from_display, normal, zone_of

SYSTEM: Final = User(name="system", full_name="System")
"""Who transforms import sets (Import Set API: rows run as the user System)."""

_SYS_ID_LENGTH: Final = 32


def insert(
    instance: Instance, shape: Shape, body: Mapping[str, object], user: User, *, display: bool = False
) -> Row:
    """Create a record; ApiError 403 if ACL, policy, rule or a unique column refuses it.

    Unknown columns and system columns are left out. `display`: values are display values
    (`sysparm_input_display_value`).
    """
    values, journal = _accept(instance, shape, body, user, display=display)
    row = shape.template.copy()
    row.update(instance.system_values(_new_id(instance, body), by=user.name))
    for name in shape.by_user:
        row[name] = user_id(user)
    for name in shape.by_time:
        row[name] = row["sys_created_on"]
    row.update(values)
    for name in [name for name, text in values.items() if not text]:
        if shape.columns[name].choice not in (1, 3) or name not in shape.defaults:
            del row[name]
        else:
            row[name] = shape.defaults[name]
    if "sys_class_name" in shape.columns:
        row["sys_class_name"] = shape.name
    if shape.prefix and "number" in shape.columns and "number" not in row:
        row["number"] = instance.next_number(shape)
    refuse_by_policy(instance, shape, row)
    refuse_by_rule(instance, shape, row, inserting=True)
    _refuse_duplicate(instance, shape, row, row, verb="insert")
    instance.store.family(shape.root).add(shape.name, row)
    _write_journal(instance, shape, row, journal, user)
    instance.counts[f"inserted {shape.name}"] += 1
    return row


def update(
    instance: Instance,
    shape: Shape,
    row: Row,
    body: Mapping[str, object],
    user: User,
    *,
    display: bool = False,
) -> bool:
    """Change a record; False when nothing changed. ApiError 403 as `insert`.

    An empty text clears a column, except one with a list of choices, which keeps its value.
    """
    values, journal = _accept(instance, shape, body, user, display=display)
    changes = {name: text for name, text in values.items() if row.get(name, "") != text}
    for name in [name for name, text in changes.items() if not text and shape.columns[name].choice in (1, 3)]:
        del changes[name]
    after = {**row, **changes}
    refuse_by_policy(instance, shape, after)
    refuse_by_rule(instance, shape, after, inserting=False)
    if not changes and not journal:
        return False
    _refuse_duplicate(instance, shape, after, row, verb="update")
    changes["sys_updated_on"] = instance.stamp()
    changes["sys_updated_by"] = user.name
    changes["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
    instance.store.family(shape.root).change(row, changes)
    _write_journal(instance, shape, row, journal, user)
    instance.counts[f"updated {shape.name}"] += 1
    return True


def delete(instance: Instance, shape: Shape, row: Row) -> None:
    """Delete a record."""
    family = instance.store.family(shape.root)
    table = next(name for name, rows in family.members.items() if row["sys_id"] in rows)
    family.remove(table, row["sys_id"])
    instance.counts[f"deleted {table}"] += 1


def _accept(
    instance: Instance, shape: Shape, body: Mapping[str, object], user: User, *, display: bool
) -> tuple[Row, Row]:
    """Values to store and journal entries to append."""
    values: Row = {}
    journal: Row = {}
    for name, sent in body.items():
        column = shape.writable.get(name)
        if column is None:
            continue
        text = sent if isinstance(sent, str) else as_text(sent)
        if column.type == "password2" and not display:
            continue  # encrypted fields are written with display values only
        if display:
            text = _from_display(instance, column, text, user)
        if column.type != "string":
            text = normal(column, text)
        if len(text) > column.max_length:
            text = _fit(instance, shape, column, text)
        if column.type not in JOURNAL_TYPES:
            values[name] = text
        elif text:
            journal[name] = text
    return values, journal


def _fit(instance: Instance, shape: Shape, column: Column, text: str) -> str:
    if column.type not in TEXT_TYPES:
        return text
    if not instance.settings.behaviour.truncate:
        raise operation_failed(f"Error during insert of {shape.name} ({column.shown_label} is too long)")
    return text[: column.max_length]


def _from_display(instance: Instance, column: Column, text: str, user: User) -> str:
    if column.type != "reference" or not text:
        return from_display(column, text, zone_of(user.time_zone))
    target = instance.dictionary.shape(column.reference)
    if target is None:
        return ""
    if instance.find(target, text) is not None:
        return text
    named = instance.store.family(target.root).having(target.display, text)
    return next((key for key in named if instance.find(target, key) is not None), "")


def _new_id(instance: Instance, body: Mapping[str, object]) -> str:
    supplied = body.get("sys_id")
    if (
        instance.settings.behaviour.supplied_sys_id
        and isinstance(supplied, str)
        and len(supplied) == _SYS_ID_LENGTH
    ):
        return supplied
    return mint()


def _refuse_duplicate(instance: Instance, shape: Shape, after: Row, row: Row, *, verb: str) -> None:
    """403 for a sys_id or unique value that another record has; the database's own words stay in its log."""
    family = instance.store.family(shape.root)
    key = row["sys_id"]
    taken = verb == "insert" and key in family.rows
    for name in shape.uniques:
        value = after.get(name, "")
        taken = taken or bool(value and any(other != key for other in family.having(name, value)))
    if taken:
        raise operation_failed(f"Error during {verb} of {shape.name} ({after.get(shape.display, '')})")


def _write_journal(instance: Instance, shape: Shape, row: Row, journal: Row, user: User) -> None:
    for name, text in journal.items():
        entry = {"element_id": row["sys_id"], "element": name, "name": shape.name, "value": text}
        instance.put("sys_journal_field", {**entry, "sys_created_by": user.name, "sys_updated_by": user.name})
