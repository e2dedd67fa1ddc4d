"""The Import Set API: `/api/now/import/{staging}[/{sys_id}|/insertMultiple]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from msgspec import Struct

from formlane_sandbox.servicenow.answers import Answer, ApiError, no_record, no_resource
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.instance import Instance, mint
from formlane_sandbox.servicenow.schema import NOT_WRITABLE, Shape
from formlane_sandbox.servicenow.settings import TransformMap, User
from formlane_sandbox.servicenow.store import Row
from formlane_sandbox.servicenow.table_api import read_body
from formlane_sandbox.servicenow.transform import Outcome, transform
from formlane_sandbox.servicenow.values import as_text

STAGING_ROOT = "sys_import_set_row"


class _Pending(Struct):
    """An import set that waits for its transform."""

    due: float
    staging: str
    set_id: str
    run_id: str
    rows: list[Row]


class ImportApi:
    """Stores staging rows and transforms them by the maps of the settings."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._pending: list[_Pending] = []

    def handle(self, call: Call, user: User, staging: str, rest: Sequence[str]) -> Answer:
        """Answer a call."""
        shape = self._staging(staging)
        if call.method == "POST" and not rest:
            return self._one(call, user, shape)
        if call.method == "POST" and list(rest) == ["insertMultiple"]:
            return self._many(call, user, shape)
        if call.method == "GET" and len(rest) == 1:
            return self._read(call, shape, rest[0])
        if len(rest) < 2:
            raise ApiError(405, "Method not allowed", None, headers={"Allow": "GET" if rest else "POST"})
        raise no_resource()

    def run_due(self) -> None:
        """Transform the import sets whose time has come."""
        now = self._instance.clock.time()
        due = [one for one in self._pending if one.due <= now]
        if due:
            self._pending = [one for one in self._pending if one.due > now]
        for one in due:
            self._run(one)

    def forget(self) -> None:
        """Drop what waits."""
        self._pending.clear()

    def _staging(self, name: str) -> Shape:
        shape = self._instance.dictionary.shape(name)
        if shape is None or STAGING_ROOT not in shape.chain[1:]:
            raise ApiError(400, f"Invalid staging table {name}")
        return shape

    def _one(self, call: Call, user: User, shape: Shape) -> Answer:
        body = read_body(call)
        values = {name: _flat(value) for name, value in body.items() if name in shape.columns}
        set_row = self._new_set(shape.name, "processed")
        row = self._stage(shape, values, user, set_row["sys_id"], 0)
        outcomes = self._transform(shape, row)
        return self._outcomes(call, shape, set_row["number"], outcomes, 201)

    def _many(self, call: Call, user: User, shape: Shape) -> Answer:
        body = read_body(call)
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise ApiError(400, "Invalid request", "records is missing")
        by_name = shape.name in self._instance.settings.behaviour.import_by_name
        columns = {(name if by_name else column.shown_label): name for name, column in shape.columns.items()}
        set_row = self._new_set(shape.name, "loaded")
        rows = [
            self._stage(
                shape,
                {columns[key]: _flat(value) for key, value in record.items() if key in columns},
                user,
                set_row["sys_id"],
                position,
            )
            for position, record in enumerate(records)
        ]
        run = self._instance.put(
            "sys_import_set_run", {"set": set_row["sys_id"], "state": "pending", "total": str(len(rows))}
        )
        limits, clock = self._instance.settings.limits, self._instance.clock
        wait = 0.0 if by_name else clock.lag(limits.transform_seconds)  # by name is synchronous as well
        pending = _Pending(clock.time() + wait, shape.name, set_row["sys_id"], run["sys_id"], rows)
        self._pending.append(pending)
        self.run_due()
        multi = call.parameters.get("multi_import_set_id") or mint()
        return Answer(201, orjson.dumps({"import_set_id": set_row["sys_id"], "multi_import_set_id": multi}))

    def _read(self, call: Call, shape: Shape, key: str) -> Answer:
        row = self._instance.find(shape, key)
        if row is None:
            raise no_record()
        set_row = self._instance.store.family("sys_import_set").rows.get(row.get("sys_import_set", ""), {})
        outcomes = [
            Outcome(
                transform_map=one.name,
                table=row.get("sys_target_table", one.target),
                status=row.get("sys_import_state", "pending"),
                sys_id=row.get("sys_target_sys_id", ""),
                message=row.get("sys_row_error") or row.get("sys_import_state_comment", ""),
            )
            for one in self._maps(shape.name)
        ]
        return self._outcomes(call, shape, set_row.get("number", ""), outcomes, 200)

    def _stage(self, shape: Shape, values: Mapping[str, str], user: User, set_id: str, position: int) -> Row:
        kept = {
            name: text[: shape.columns[name].max_length]
            for name, text in values.items()
            if name not in NOT_WRITABLE
        }
        self._instance.counts[f"inserted {shape.name}"] += 1
        return self._instance.put(
            shape.name,
            {
                **kept,
                "sys_import_set": set_id,
                "sys_import_row": str(position),
                "sys_import_state": "pending",
                "sys_created_by": user.name,
            },
        )

    def _transform(self, shape: Shape, row: Row) -> list[Outcome]:
        outcomes = [transform(self._instance, one, shape, row) for one in self._maps(shape.name)]
        if outcomes:
            last = outcomes[-1]
            error = last.status == "error"
            self._instance.store.family(shape.root).change(
                row,
                {
                    "sys_import_state": last.status,
                    "sys_import_state_comment": "" if error else last.message,
                    "sys_row_error": last.message if error else "",
                    "sys_target_sys_id": last.sys_id,
                    "sys_target_table": last.table,
                },
            )
        return outcomes

    def _run(self, pending: _Pending) -> None:
        shape = self._instance.dictionary.shape(pending.staging)
        if shape is None:
            return  # the table was dropped meanwhile
        states = [one.status for row in pending.rows for one in self._transform(shape, row)[-1:]]
        names = {
            "inserts": "inserted",
            "updates": "updated",
            "ignored": "ignored",
            "skipped": "skipped",
            "errors": "error",
        }
        totals = {column: str(states.count(state)) for column, state in names.items()}
        run = self._instance.store.family("sys_import_set_run").rows[pending.run_id]
        done = {"state": "complete", "completed": self._instance.stamp(), **totals}
        self._instance.store.family("sys_import_set_run").change(run, done)
        sets = self._instance.store.family("sys_import_set")
        sets.change(sets.rows[pending.set_id], {"state": "processed"})

    def _maps(self, staging: str) -> list[TransformMap]:
        return [one for one in self._instance.settings.transform_maps if one.staging == staging]

    def _new_set(self, staging: str, state: str) -> Row:
        return self._instance.put(
            "sys_import_set", {"table_name": staging, "state": state, "mode": "asynchronous"}
        )

    def _outcomes(
        self, call: Call, shape: Shape, number: str, outcomes: Sequence[Outcome], status: int
    ) -> Answer:
        shown = [one.document(self._instance, call.origin) for one in outcomes]
        document = {"import_set": number, "staging_table": shape.name, "result": shown}
        return Answer(status, orjson.dumps(document))


def _flat(value: object) -> str:
    """Strings only; nested objects are flattened with `=` in place of `:` (Import Set API)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_flat(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return as_text(value)
