"""Tables of the platform itself: metadata, journals, import sets, business rules."""

from __future__ import annotations

from typing import Final

from formlane_sandbox.servicenow.schema import Choice, Column, Table


def reference(
    name: str,
    to: str,
    *,
    label: str = "",
    key: str = "sys_id",
    default: str = "",
    mandatory: bool = False,
    display: bool = False,
) -> Column:
    """A reference column; `key` other than sys_id holds that column of the target, as metadata does."""
    return Column(
        name=name,
        label=label,
        type="reference",
        max_length=32 if key == "sys_id" else 80,
        reference=to,
        key=key,
        default=default,
        mandatory=mandatory,
        display=display,
    )


def _flags(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, type="boolean") for name in names)


def _texts(*names: str, length: int = 255) -> tuple[Column, ...]:
    return tuple(Column(name=name, max_length=length) for name in names)


def _platform(
    name: str, label: str, *columns: Column, metadata: bool = False, parent: str = "", prefix: str = ""
) -> Table:
    return Table(
        name=name,
        label=label,
        parent=parent,
        prefix=prefix,
        metadata=metadata,
        columns={column.name: column for column in columns},
    )


_DICTIONARY: Final = (
    *_texts("name", "element", length=80),
    Column(name="column_label", max_length=80, display=True),
    reference("internal_type", "sys_glide_object", key="name"),
    Column(name="max_length", type="integer"),
    *_flags("mandatory", "read_only", "display", "primary", "unique", "active", "virtual", "array"),
    *_texts("default_value", "dependent_on_field", "comments"),
    reference("reference", "sys_db_object", key="name"),
    Column(
        name="choice",
        type="integer",
        choice=1,
        choices=(
            Choice(value="1", label="Dropdown with -- None --"),
            Choice(value="2", label="Suggestion"),
            Choice(value="3", label="Dropdown without -- None --"),
        ),
    ),
)

STATES: Final = ("pending", "inserted", "updated", "ignored", "skipped", "error")
"""`sys_import_state` of a staging row."""

PLATFORM_TABLES: Final = (
    _platform(
        "sys_db_object",
        "Tables",
        *_texts("name", length=80),
        Column(name="label", max_length=80, display=True),
        reference("super_class", "sys_db_object"),
        *_flags("is_extendable"),
        *_texts("sys_scope", length=32),
        metadata=True,
    ),
    _platform("sys_dictionary", "Dictionary Entry", *_DICTIONARY, metadata=True),
    _platform(
        "sys_dictionary_override",
        "Dictionary Entry Override",
        *_texts("name", "base_table", "element", "default_value", length=80),
        *_flags(
            "mandatory", "mandatory_override", "read_only", "read_only_override", "default_value_override"
        ),
    ),
    _platform(
        "sys_choice",
        "Choice",
        *_texts("name", "element", "value", "dependent_value", "language", length=80),
        Column(name="label", max_length=100, display=True),
        Column(name="sequence", type="integer"),
        *_flags("inactive"),
        metadata=True,
    ),
    _platform("sys_glide_object", "Field class", *_texts("name", "label", length=80), metadata=True),
    _platform(
        "sys_journal_field",
        "Journal Entry",
        *_texts("element_id", "element", "name", length=80),
        Column(name="value", max_length=4000),
    ),
    _platform(
        "sys_script",
        "Business Rule",
        *_texts("name", "when", "message", length=100),
        Column(name="collection", type="table_name", max_length=80),
        Column(name="filter_condition", max_length=4000),
        Column(name="order", type="integer", default="100"),
        *_flags("action_insert", "action_update", "abort_action", "add_message"),
        Column(name="active", type="boolean", default="true"),
    ),
    _platform(
        "sys_import_set",
        "Import Set",
        Column(name="number", display=True, default="javascript:getNextObjNumberPadded();"),
        *_texts("table_name", "state", "mode", "short_description", length=80),
        prefix="ISET",
    ),
    _platform(
        "sys_import_set_run",
        "Transform History",
        reference("set", "sys_import_set"),
        *_texts("state", length=40),
        *(
            Column(name=name, type="integer", default="0")
            for name in ("total", "inserts", "updates", "ignored", "skipped", "errors")
        ),
        Column(name="completed", type="glide_date_time"),
    ),
    _platform(
        "sys_import_set_row",
        "Import Set Row",
        reference("sys_import_set", "sys_import_set", label="Set"),
        Column(name="sys_import_row", label="Row", type="integer"),
        Column(
            name="sys_import_state",
            label="State",
            choice=3,
            choices=tuple(Choice(value=state, label=state.capitalize()) for state in STATES),
        ),
        *_texts("sys_import_state_comment", "sys_row_error", length=1000),
        *_texts("sys_target_sys_id", "sys_target_table", length=80),
        Column(name="sys_class_name", type="sys_class_name", max_length=80),
    ),
)
