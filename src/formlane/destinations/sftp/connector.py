"""Files on an SFTP server: each call becomes one CSV or JSON Lines file, put in place exactly once."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Sequence

import orjson

from formlane.destinations.base import (
    Call,
    CallResult,
    CheckReport,
    Destination,
    Equipment,
    Exchange,
    FieldInfo,
    Journal,
    Level,
    Limits,
    ObjectInfo,
    OperationSpec,
    Resend,
    Sealed,
)
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Delivered, Outcome, Reason, Scope

from .check import check_account
from .client import FilesType, Pool
from .config import SETTINGS, read_account, validate
from .content import Content, Rendered, pack
from .csv_format import render_csv
from .direct import DirectPublication
from .errors import EXPECTED
from .files import RemoteFiles
from .json_format import render_jsonl
from .names import Naming, directory_path, file_name, joined
from .options import CSV, JSONL, LABELS, OPTIONS, StepOptions, TempStyle, Trigger, read_options, validate_step
from .publish import Artefact, Progress, Publication, Rules
from .state import Part, Phase, State, decode_state
from .stops import Stopped

MOST_RECORDS = 10_000
MOST_BYTES = 16 * 1024 * 1024
DEADLINE = dt.timedelta(minutes=10)
"""Longer than the limits of all steps of a file of the largest size together."""

RENDERED_ASIDE = 2_000
"""From so many records on, a file is rendered in a thread, so that other lanes go on."""


class SftpConnector:
    """One account on one server. Calls take turns: one file is in flight at a time."""

    def __init__(self, equipment: Equipment, *, files: FilesType = RemoteFiles) -> None:
        self._account = read_account(equipment.settings, equipment.secrets)
        self._reach = equipment.reach
        self._pool = Pool(
            self._account, equipment.guard, equipment.clock, time_scale=equipment.time_scale, files=files
        )

    async def check(self) -> CheckReport:
        """Resolve, connect, compare the host key, log in, look, write a probe file and remove it again."""
        return await check_account(self._account, self._pool)

    async def objects(self) -> Sequence[ObjectInfo]:
        """The formats."""
        return [
            ObjectInfo(name=name, label=label, operations=(Operation.INSERT,), open_fields=True)
            for name, label in LABELS.items()
        ]

    async def fields(self, name: str) -> Sequence[FieldInfo]:
        """None: a file has the columns that the mapping names."""
        return ()

    async def send(self, call: Call, journal: Journal) -> CallResult:
        """Seal the file unless it is, then publish it or finish what an earlier try began."""
        options = read_options(call.options)
        earlier = journal.sealed
        content = await _content(call, options, earlier)
        if not content.rows:
            return CallResult(outcomes=[content.faults[index].outcome() for index in range(content.records)])
        sealed = earlier or await journal.seal(content.encode())
        naming = Naming(
            call=call.id,
            sequence=sealed.sequence,
            sealed_at=sealed.sealed_at,
            rows=content.rows,
            extension=call.object + (".gz" if options.is_gzip else ""),
            names=content.names,
        )
        try:
            data = self._data(options, naming, content)
        except ValueError as fault:
            message = f"The file cannot be named: {fault}. Shorten the file template or the directory."
            blocked = Blocked(scope=Scope.FLOW_OBJECT, reason=Reason.CONFIGURATION, message=message)
            return _result(content, "", blocked)
        trouble = await self._publish(
            [data, *_trigger(data, options, naming, content)], options, journal, was_begun=earlier is not None
        )
        return _result(content, data.name, trouble)

    async def find(self, call: Call) -> CallResult:
        """Not offered: the journal knows."""
        raise NotImplementedError("insert is declared resend_safe")

    async def look_up(self, lookup: Lookup) -> LookupAnswer:
        """Never asked: there is nothing to look at."""
        raise NotImplementedError

    async def close(self) -> None:
        """End the connection."""
        await self._pool.close()

    async def _publish(
        self, artefacts: Sequence[Artefact], options: StepOptions, journal: Journal, *, was_begun: bool
    ) -> Outcome | None:
        """Put all files in place, in order. None, or what became of the records instead."""
        state = decode_state(journal.saved)
        progress = Progress(is_renaming=state is not None and state.phase is Phase.RENAMING)
        rules = Rules(
            overwrite=options.overwrite,
            permissions=options.permissions,
            create_dirs=self._account.create_dirs,
            target=self._account.target,
            reach=Scope.FLOW_OBJECT if options.directory else Scope.CONNECTION,
        )
        try:
            async with self._pool.files() as files:
                for artefact in artefacts:
                    if state is not None and artefact.part is not state.part:
                        continue
                    publication = self._publication(options, files, journal, artefact, rules, progress)
                    await publication.run(state, was_begun=was_begun)
                    state, was_begun = None, False
                    progress.is_renaming = False
                    if artefact is not artefacts[-1]:
                        await journal.save(_first_state(artefacts[-1], rules).encode())
        except Stopped as stop:
            return stop.outcome
        except EXPECTED as error:
            return progress.outcome(error, reach=rules.reach)
        return None

    def _data(self, options: StepOptions, naming: Naming, content: Content) -> Artefact:
        directory = joined(self._account.base_dir, directory_path(options.directory, naming))
        temp_directory = directory
        if options.temp_style is TempStyle.TEMP_DIR:
            temp_directory = joined(self._account.base_dir, directory_path(options.temp_dir, naming))
        return Artefact(
            part=Part.DATA,
            directory=directory,
            name=file_name(options.file_template, naming),
            temp_directory=temp_directory,
            batch8=naming.batch8,
            body=content.body,
            sha256=content.sha256,
        )

    def _publication(
        self,
        options: StepOptions,
        files: RemoteFiles,
        journal: Journal,
        artefact: Artefact,
        rules: Rules,
        progress: Progress,
    ) -> Publication | DirectPublication:
        if options.temp_style is not TempStyle.NONE:
            return Publication(
                files=files,
                journal=journal,
                artefact=artefact,
                rules=rules,
                progress=progress,
                reach=self._reach,
            )
        data = artefact.final.removesuffix(options.trigger_suffix)
        return DirectPublication(
            files=files, journal=journal, artefact=artefact, rules=rules, progress=progress, data=data
        )


async def _content(call: Call, options: StepOptions, earlier: Sealed | None) -> Content:
    """What was sealed, or else the call's records rendered."""
    if earlier is not None:
        content = Content.decode(earlier.content)
        assert content.records == len(call.records), "sealed for other records"
        return content
    if len(call.records) < RENDERED_ASIDE and not options.is_gzip:
        return _render(call, options)
    return await asyncio.to_thread(_render, call, options)


def _render(call: Call, options: StepOptions) -> Content:
    rendered: Rendered
    if call.object == CSV:
        rendered = render_csv(call.records, call.columns, call.types, options.dialect)
    else:
        assert call.object == JSONL, call.object
        rendered = render_jsonl(call.records)
    return pack(rendered, records=len(call.records), names=call.names, compress=options.is_gzip)


def _trigger(data: Artefact, options: StepOptions, naming: Naming, content: Content) -> list[Artefact]:
    if options.trigger is Trigger.NONE:
        return []
    body = b"" if options.trigger is Trigger.EMPTY else _manifest(data, options, naming, content)
    return [
        Artefact(
            part=Part.TRIGGER,
            directory=data.directory,
            name=data.name + options.trigger_suffix,
            temp_directory=data.temp_directory,
            batch8=data.batch8,
            body=body,
            sha256=hashlib.sha256(body).digest(),
        )
    ]


def _manifest(data: Artefact, options: StepOptions, naming: Naming, content: Content) -> bytes:
    return orjson.dumps(
        {
            "file": data.name,
            "rows": content.rows,
            "bytes": len(content.body),
            "sha256": content.sha256.hex(),
            "batch_id": str(naming.call),
            "seq": naming.sequence,
            "sealed_at": naming.values()["ts_ms"],
            "formula_guard": options.dialect.formula_guard,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _first_state(artefact: Artefact, rules: Rules) -> State:
    """That the data file is published and the trigger's first attempt may begin."""
    return State(
        part=artefact.part,
        phase=Phase.UPLOADING,
        attempt=1,
        target=rules.target,
        directory=artefact.directory,
        name=artefact.name,
        temp=artefact.temp(1),
        size=len(artefact.body),
        sha256=artefact.sha256,
    )


def _result(content: Content, name: str, trouble: Outcome | None) -> CallResult:
    """Outcomes in order of the records; the row counts data rows of the file from 1."""
    exchange = Exchange(
        request=f"file {name}, {content.rows} rows, {len(content.body)} bytes",
        response="published" if trouble is None else "not published",
    )
    if trouble is None and not content.faults:
        delivered: list[Outcome] = [
            Delivered(remote_id=f"{name}#{row}") for row in range(1, content.rows + 1)
        ]
        return CallResult(outcomes=delivered, exchange=exchange)
    outcomes: list[Outcome] = []
    row = 0
    for index in range(content.records):
        fault = content.faults.get(index)
        if fault is not None:
            outcomes.append(fault.outcome())
            continue
        row += 1
        outcomes.append(trouble or Delivered(remote_id=f"{name}#{row}"))
    return CallResult(outcomes=outcomes, exchange=exchange)


SFTP = Destination(
    kind="sftp",
    label="SFTP",
    summary="Files (CSV or JSON Lines) on an SFTP server.",
    settings=SETTINGS,
    operations=(
        OperationSpec(
            operation=Operation.INSERT,
            resend=Resend.RESEND_SAFE,
            max_records=MOST_RECORDS,
            max_bytes=MOST_BYTES,
            deadline=DEADLINE,
            keeps_order=True,
        ),
    ),
    connect=SftpConnector,
    validate=validate,
    options=OPTIONS,
    validate_step=validate_step,
    limits=Limits(rate=20.0, burst=20, concurrency=1),
    level=Level.DEPENDABLE,
    one_lane=True,
    file_windows=True,
)
