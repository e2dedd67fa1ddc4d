"""Synchronous writes: `/hub/v1/dataevents/{reference}/rowset` and `…/rows/{key}`.

Source: Marketing Cloud REST reference, "Upsert Data Extension Rows Synchronously", "Upsert Row by Key".
Errors hold for the whole request: rows before the first bad one are stored, it and all after it are not.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from formlane_sandbox.sfmc import lookup
from formlane_sandbox.sfmc.answers import (
    AGGREGATE,
    GENERIC,
    MESSAGE_FORMAT,
    Answer,
    RefusedError,
    document,
    problem,
    refused,
)
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.extensions import DataExtension, Row, RowRefusedError
from formlane_sandbox.sfmc.settings import Behaviour
from formlane_sandbox.sfmc.state import State

NO_FIELD = "At least one existing field is required in the values property"
_Item = tuple[dict[str, object], dict[str, object]]


class Rowsets:
    """The handlers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def upsert(self, call: Call, reference: str) -> Answer:
        """A bare array of `{keys, values}`; answers what was stored, in the order given."""
        limits = self._state.settings.limits
        extension = lookup.named(self._state.extensions, call, reference)
        if len(call.body) > limits.rowset_bytes:
            raise refused(413, "Request Entity Too Large", None)
        content = call.content()
        if not isinstance(content, list):
            raise refused(400, "Unable to parse the request body: an array is expected", MESSAGE_FORMAT)
        if len(content) > limits.sync_rows:
            self._state.counts["oversized_rowsets"] += 1
            if limits.sync_rows_hard:
                raise refused(400, f"No more than {limits.sync_rows} rows are allowed.", GENERIC)
        items = [_item(extension, item) for item in content]
        if self._named(call, "rowset_unsaved"):
            raise RefusedError(self._unsaved(extension, [], len(items)))
        self._store(extension, items)
        if self._state.settings.behaviour.rowset_answer == "empty" or self._named(call, "rowset_empty"):
            return Answer(rows=len(items))
        echo = [{"keys": keys, "values": values} for keys, values in items]
        return document(echo, rows=len(items))

    def upsert_one(self, call: Call, reference: str, keys: str) -> Answer:
        """One row, its key in the path: `name:value`, several separated by commas."""
        extension = lookup.named(self._state.extensions, call, reference)
        content = call.content()
        pairs = (part.partition(":") for part in keys.replace("%3A", ":").replace("%3a", ":").split(","))
        named = {unquote(name): unquote(value) for name, _, value in pairs}
        values = content.get("values") if isinstance(content, dict) else None
        item = _item(extension, {"keys": named, "values": values})
        self._store(extension, [item])
        return document({"keys": item[0], "values": item[1]}, rows=1)

    def _store(self, extension: DataExtension, items: list[_Item]) -> None:
        all_or_nothing = self._state.settings.behaviour.rowset_failure == "nothing"
        before = dict(extension.rows) if all_or_nothing else {}
        texts: dict[str, None] = {}
        stored = 0
        for keys, values in items:
            try:
                row = _checked(extension, keys, values, self._state.settings.behaviour)
                if not texts:
                    extension.upsert(row)
                    stored += 1
            except RowRefusedError as refusal:
                texts.update(dict.fromkeys(_texts(extension, refusal)))
        if texts and all_or_nothing:
            extension.rows, stored = before, 0
        self._state.counts["rows_written"] += stored
        if texts:
            raise RefusedError(self._unsaved(extension, list(texts), len(items)))

    def _named(self, call: Call, name: str) -> bool:
        faults = self._state.faults
        return bool(faults) and faults.named(name, method=call.method, path=call.path) is not None

    def _unsaved(self, extension: DataExtension, texts: list[str], rows: int) -> Answer:
        """10006 with merged and shuffled reasons; without any it is the vendor's transient failure."""
        self._state.chance.shuffle(texts)
        texts.sort(key=lambda text: text != NO_FIELD)
        text = f"Unable to save rows for data extension ID {extension.id}"
        return replace(problem(400, text, AGGREGATE, additional=texts, link=""), rows=rows)


def _item(extension: DataExtension, item: object) -> _Item:
    """Keys and values of one element; RefusedError if the keys are not the primary key's columns."""
    keys = item.get("keys") if isinstance(item, dict) else None
    values = item.get("values") if isinstance(item, dict) else None
    if not isinstance(keys, dict) or not isinstance(values, dict | None):
        raise refused(400, "Unable to parse the request body: keys and values are expected", MESSAGE_FORMAT)
    given = [name.lower() for name in keys]
    if sorted(given) != sorted(extension.primary) or not given:
        wrong = [*(set(given) - set(extension.primary)), *(set(extension.primary) - set(given)), ""]
        raise refused(400, f"Primary key '{wrong[0]}' does not exist.", GENERIC)
    return keys, values or {}


def _checked(
    extension: DataExtension, keys: dict[str, object], values: dict[str, object], behaviour: Behaviour
) -> Row:
    others = len(extension.columns) > len(extension.primary)
    if others and not any(name.lower() in extension.by_slot for name in values):
        raise RowRefusedError([], NO_FIELD)
    return extension.checked({**values, **keys}, behaviour)


def _texts(extension: DataExtension, refusal: RowRefusedError) -> list[str]:
    if not refusal.problems:
        return [str(refusal)]
    names = {slot: column.name for slot, column in extension.by_slot.items()}
    return [f"{names.get(one.slot, one.slot)}: {one.text}" for one in refusal.problems]
