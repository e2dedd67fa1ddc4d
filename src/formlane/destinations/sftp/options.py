"""Options of a step that writes files, checked when the flow is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.settings import read_settings
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

from .csv_format import DELIMITERS, NEWLINES, CsvDialect
from .names import DEFAULT_TEMPLATE, directory_faults, template_faults

CSV, JSONL = "csv", "jsonl"
LABELS = {CSV: "CSV file", JSONL: "JSON Lines file"}


class Overwrite(StrEnum):
    """What is done about a file that is there already under the final name."""

    SAME_CONTENT = "same_content"
    ALWAYS = "always"
    NEVER = "never"


class TempStyle(StrEnum):
    """Where a file is while it is written: hidden beside its place, elsewhere, or in its place."""

    DOT_PART = "dot_part"
    TEMP_DIR = "temp_dir"
    NONE = "none"


class Trigger(StrEnum):
    """A second file that tells the consumer that the first is complete."""

    NONE = "none"
    EMPTY = "empty"
    JSON = "json"


OPTIONS: tuple[Setting, ...] = (
    Setting(
        name="file_template",
        label="File name",
        default=DEFAULT_TEMPLATE,
        maximum=200,
        help="Variables: tenant, flow, form, ts, ts_ms, date, hour, seq, batch_id, batch8, rows, ext.",
    ),
    Setting(
        name="directory",
        label="Directory",
        default="",
        maximum=700,
        help="Below the connection's directory. The same variables may be used.",
    ),
    Setting(name="header", label="Header row (CSV)", type=SettingType.BOOLEAN, default=True),
    Setting(
        name="delimiter",
        label="Delimiter (CSV)",
        type=SettingType.CHOICE,
        choices=tuple(DELIMITERS),
        default="comma",
    ),
    Setting(
        name="newline",
        label="Line ending (CSV)",
        type=SettingType.CHOICE,
        choices=tuple(NEWLINES),
        default="crlf",
    ),
    Setting(
        name="quoting",
        label="Quotes (CSV)",
        type=SettingType.CHOICE,
        choices=("minimal", "all", "non_numeric"),
        default="minimal",
    ),
    Setting(
        name="encoding",
        label="Encoding (CSV)",
        type=SettingType.CHOICE,
        choices=("utf-8", "utf-8-sig"),
        default="utf-8",
        help="utf-8-sig begins with a byte order mark, for Excel.",
    ),
    Setting(
        name="null_token",
        label="Empty value (CSV)",
        default="",
        maximum=20,
        pattern=r"[A-Za-z0-9\\_.<>-]*",
        help="Written without quotes; an empty text is two quotes. Letters, digits and \\_.<>- only.",
    ),
    Setting(
        name="formula_guard",
        label="Spreadsheet formulas (CSV)",
        type=SettingType.CHOICE,
        choices=("off", "prefix", "reject"),
        default="off",
        help="Values that begin like a formula: leave, put a quote mark before them, or reject the record.",
    ),
    Setting(
        name="overwrite",
        label="If the file exists",
        type=SettingType.CHOICE,
        choices=tuple(Overwrite),
        default=Overwrite.SAME_CONTENT.value,
        help="same_content: fine if it is the same, else stop and ask. never: always stop. always: replace.",
    ),
    Setting(
        name="temp_style",
        label="While writing",
        type=SettingType.CHOICE,
        choices=tuple(TempStyle),
        default=TempStyle.DOT_PART.value,
        help="none is for servers that cannot rename, and needs a trigger file.",
    ),
    Setting(
        name="temp_dir",
        label="Directory while writing",
        default="",
        maximum=700,
        help="Below the connection's directory, on the same file system; for temp_dir.",
    ),
    Setting(
        name="permissions",
        label="Permissions",
        pattern="[0-7]{3,4}",
        help="Octal, such as 0640. Left empty, the server decides.",
    ),
    Setting(name="gzip", label="Compress with gzip", type=SettingType.BOOLEAN, default=False),
    Setting(
        name="trigger",
        label="Trigger file",
        type=SettingType.CHOICE,
        choices=tuple(Trigger),
        default=Trigger.NONE.value,
    ),
    Setting(
        name="trigger_suffix",
        label="Suffix of the trigger file",
        default=".done",
        maximum=16,
        pattern=r"\.[A-Za-z0-9]+",
        help="A dot and letters or digits.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """A step's options, read."""

    file_template: str
    directory: str
    dialect: CsvDialect
    overwrite: Overwrite
    temp_style: TempStyle
    temp_dir: str
    permissions: int | None
    is_gzip: bool
    trigger: Trigger
    trigger_suffix: str


def read_options(options: Mapping[str, Json]) -> StepOptions:
    """Options of a saved step. They passed `validate_step` when it was saved."""
    values = read_settings(OPTIONS, options, at="/options")
    text = {name: "" if value is None else str(value) for name, value in values.items()}
    return StepOptions(
        file_template=text["file_template"],
        directory=text["directory"],
        dialect=CsvDialect(
            header=values["header"] is True,
            delimiter=DELIMITERS[text["delimiter"]],
            newline=NEWLINES[text["newline"]],
            quoting=text["quoting"],
            bom=text["encoding"] == "utf-8-sig",
            null_token=text["null_token"],
            formula_guard=text["formula_guard"],
        ),
        overwrite=Overwrite(text["overwrite"]),
        temp_style=TempStyle(text["temp_style"]),
        temp_dir=text["temp_dir"],
        permissions=int(text["permissions"], 8) if text["permissions"] else None,
        is_gzip=values["gzip"] is True,
        trigger=Trigger(text["trigger"]),
        trigger_suffix=text["trigger_suffix"],
    )


def validate_step(object_name: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
    """All options with defaults filled in, or `InvalidInput`."""
    if object_name not in LABELS:
        text = f"There is no object {object_name!r} on SFTP. Known: {', '.join(LABELS)}."
        raise InvalidInput("The step cannot be saved.", [Problem("/object", "unknown", text)])
    values = read_settings(OPTIONS, options, at="/options")
    problems = [
        Problem("/options/file_template", "invalid", f"File name: {fault}")
        for fault in template_faults(str(values["file_template"]))
    ]
    for name in ("directory", "temp_dir"):
        problems += [
            Problem(f"/options/{name}", "invalid", f"{name}: {fault}")
            for fault in directory_faults(str(values[name]), relative=True)
        ]
    problems += _style_problems(values)
    if problems:
        raise InvalidInput("The step cannot be saved.", problems)
    return values


def _style_problems(values: Mapping[str, Json]) -> list[Problem]:
    problems = []
    if values["temp_style"] == TempStyle.NONE and values["trigger"] == Trigger.NONE:
        text = "Without a temporary name a reader can meet half a file: choose a trigger file too."
        problems.append(Problem("/options/trigger", "required", text))
    if values["temp_style"] == TempStyle.TEMP_DIR and not values["temp_dir"]:
        problems.append(Problem("/options/temp_dir", "required", "Directory while writing is required."))
    return problems
