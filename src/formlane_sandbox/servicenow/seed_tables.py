"""Tables that a fresh instance has: the task family, people and places, staging tables, one custom table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from formlane_sandbox.servicenow.schema import Choice, Column, Table
from formlane_sandbox.servicenow.seed_platform import PLATFORM_TABLES, reference


def _picked(
    name: str, choices: Iterable[tuple[str, str]], *, default: str = "", kind: str = "integer"
) -> Column:
    return Column(
        name=name,
        type=kind,
        choice=3 if default else 1,
        default=default,
        choices=tuple(Choice(value=value, label=label) for value, label in choices),
    )


_THREE: Final = (("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low"))
_FIVE: Final = (
    ("1", "1 - Critical"),
    ("2", "2 - High"),
    ("3", "3 - Moderate"),
    ("4", "4 - Low"),
    ("5", "5 - Planning"),
)

_TASK: Final = (
    Column(name="number", display=True, default="javascript:getNextObjNumberPadded();"),
    Column(name="short_description", label="Short description", max_length=160),
    Column(name="description", max_length=4000),
    Column(name="active", type="boolean", default="true"),
    _picked(
        "state",
        (("-5", "Pending"), ("1", "Open"), ("2", "Work in Progress"), ("3", "Closed Complete")),
        default="1",
    ),
    _picked("priority", _FIVE, default="4"),
    _picked("impact", _THREE, default="3"),
    _picked("urgency", _THREE, default="3"),
    reference("assigned_to", "sys_user"),
    reference("assignment_group", "sys_user_group"),
    reference("opened_by", "sys_user", default="javascript:gs.getUserID();"),
    Column(name="opened_at", label="Opened", type="glide_date_time", default="javascript:gs.nowDateTime();"),
    reference("closed_by", "sys_user"),
    Column(name="closed_at", label="Closed", type="glide_date_time"),
    Column(name="due_date", type="due_date"),
    reference("company", "core_company"),
    reference("location", "cmn_location"),
    reference("cmdb_ci", "cmdb_ci", label="Configuration item"),
    reference("parent", "task"),
    Column(name="correlation_id", label="Correlation ID", max_length=100),
    Column(name="correlation_display", max_length=100),
    Column(
        name="contact_type",
        label="Channel",
        choice=1,
        choices=(
            Choice(value="email", label="Email"),
            Choice(value="phone", label="Phone"),
            Choice(value="self-service", label="Self-service"),
            Choice(value="walk-in", label="Walk-in"),
        ),
    ),
    Column(name="comments", label="Additional comments", type="journal_input", max_length=4000),
    Column(name="work_notes", type="journal_input", max_length=4000),
    Column(name="watch_list", type="glide_list", max_length=4000, reference="sys_user"),
    Column(name="time_worked", type="glide_duration"),
    Column(name="sys_class_name", label="Task type", type="sys_class_name", max_length=80),
    reference("sys_domain", "sys_user_group", label="Domain", default="global"),
)

_INCIDENT: Final = (
    reference("caller_id", "sys_user", label="Caller", mandatory=True),
    _picked(
        "state",
        (
            ("1", "New"),
            ("2", "In Progress"),
            ("3", "On Hold"),
            ("6", "Resolved"),
            ("7", "Closed"),
            ("8", "Canceled"),
        ),
        default="1",
    ),
    _picked(
        "category",
        (
            ("inquiry", "Inquiry / Help"),
            ("software", "Software"),
            ("hardware", "Hardware"),
            ("network", "Network"),
        ),
        default="inquiry",
        kind="string",
    ),
    Column(
        name="subcategory",
        choice=1,
        choices=(
            Choice(value="antivirus", label="Antivirus", dependent_value="inquiry"),
            Choice(value="email", label="Email", dependent_value="software"),
            Choice(value="keyboard", label="Keyboard", dependent_value="hardware"),
            Choice(value="vpn", label="VPN", dependent_value="network"),
        ),
    ),
    _picked(
        "close_code",
        (("Solved (Permanently)", "Solved (Permanently)"), ("Not Solved", "Not Solved")),
        kind="string",
    ),
    Column(name="close_notes", max_length=4000),
    reference("problem_id", "problem", label="Problem"),
    Column(name="business_duration", type="glide_duration"),
    Column(name="reopen_count", type="integer", default="0"),
)

_CASE: Final = (
    reference("account", "customer_account"),
    reference("contact", "customer_contact"),
    reference("consumer", "csm_consumer"),
    _picked("category", (("0", "Question"), ("1", "Issue"), ("2", "Feature")), kind="string"),
)

_USER: Final = (
    Column(name="user_name", label="User ID", unique=True),
    Column(name="name", max_length=151, display=True),
    Column(name="first_name", max_length=50),
    Column(name="last_name", max_length=50),
    Column(name="email", type="email", max_length=100),
    Column(name="phone", label="Business phone", type="phone_number_e164"),
    Column(name="mobile_phone", type="phone_number_e164"),
    Column(name="title", max_length=60),
    Column(name="user_password", label="Password", type="password"),
    Column(name="active", type="boolean", default="true"),
    Column(name="locked_out", type="boolean", default="false"),
    Column(name="time_zone"),
    Column(name="employee_number"),
    reference("department", "cmn_department"),
    reference("company", "core_company"),
    reference("location", "cmn_location"),
    reference("manager", "sys_user"),
    Column(name="roles", type="user_roles", max_length=255),
    Column(name="sys_class_name", label="Class", type="sys_class_name", max_length=80),
)
_NAMED: Final = (Column(name="name", max_length=100, display=True),)
_ADDRESS: Final = (
    Column(name="street", type="multi_two_lines", max_length=255),
    Column(name="city", max_length=50),
    Column(name="zip"),
    Column(name="country"),
)

_SUBMISSION: Final = (
    Column(name="u_external_id", label="External ID", max_length=100, unique=True),
    Column(name="u_name", max_length=100, display=True),
    Column(name="u_email", type="email", max_length=100),
    Column(name="u_phone", type="phone_number_e164"),
    Column(name="u_website", type="url", max_length=1024),
    Column(name="u_message", max_length=4000),
    Column(name="u_message_html", label="Message HTML", type="html", max_length=65_536),
    Column(name="u_consent", type="boolean", default="false"),
    Column(name="u_quantity", type="integer"),
    Column(name="u_amount", type="decimal", max_length=15),
    Column(name="u_score", type="float"),
    Column(name="u_price", type="currency", max_length=20),
    Column(name="u_birthday", type="glide_date"),
    Column(name="u_submitted_at", label="Submitted at", type="glide_date_time"),
    Column(name="u_call_time", type="glide_time"),
    Column(name="u_time_spent", type="glide_duration"),
    Column(
        name="u_topic",
        choice=1,
        choices=(
            Choice(value="sales", label="Sales"),
            Choice(value="support", label="Support"),
            Choice(value="other", label="Other"),
        ),
    ),
    Column(name="u_interests", type="glide_list", max_length=1024),
    reference("u_owner", "sys_user", label="Owner"),
    reference("u_incident", "incident", label="Incident"),
    Column(name="u_payload", type="json", max_length=65_536),
    Column(name="u_secret", type="password2", max_length=255),
)

_STAGED_USER: Final = tuple(
    Column(name=f"u_{name}", label=name.replace("_", " ").capitalize(), max_length=100)
    for name in ("user_id", "first_name", "last_name", "email", "title")
)
_STAGED_SUBMISSION: Final = (
    Column(name="u_external_id", label="External ID", max_length=100),
    Column(name="u_short_description", label="Short description", max_length=160),
    Column(name="u_description", label="Description", max_length=4000),
    Column(name="u_caller", label="Caller", max_length=100),
)


def _table(name: str, label: str, columns: Iterable[Column], *, parent: str = "", prefix: str = "") -> Table:
    return Table(
        name=name,
        label=label,
        parent=parent,
        prefix=prefix,
        columns={column.name: column for column in columns},
    )


SEED_TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        *PLATFORM_TABLES,
        _table(
            "core_company",
            "Company",
            (*_NAMED, *_ADDRESS, Column(name="website", type="url", max_length=1024)),
        ),
        _table("customer_account", "Account", (Column(name="number"),), parent="core_company", prefix="ACCT"),
        _table("cmn_location", "Location", (*_NAMED, *_ADDRESS)),
        _table("cmn_department", "Department", (*_NAMED, reference("dept_head", "sys_user"))),
        _table(
            "cmdb_ci",
            "Configuration Item",
            (*_NAMED, Column(name="sys_class_name", type="sys_class_name", max_length=80)),
        ),
        _table("sys_user", "User", _USER),
        _table("customer_contact", "Contact", (reference("account", "customer_account"),), parent="sys_user"),
        _table("csm_consumer", "Consumer", (*_NAMED, Column(name="number"), *_USER[2:7]), prefix="CNSMR"),
        _table(
            "sys_user_group",
            "Group",
            (
                *_NAMED,
                Column(name="description", max_length=1000),
                reference("manager", "sys_user"),
                Column(name="active", type="boolean", default="true"),
            ),
        ),
        _table("task", "Task", _TASK, prefix="TASK"),
        _table("incident", "Incident", _INCIDENT, parent="task", prefix="INC"),
        _table(
            "problem",
            "Problem",
            (Column(name="known_error", type="boolean", default="false"),),
            parent="task",
            prefix="PRB",
        ),
        _table(
            "change_request",
            "Change Request",
            (
                _picked(
                    "type",
                    (("normal", "Normal"), ("standard", "Standard"), ("emergency", "Emergency")),
                    default="normal",
                    kind="string",
                ),
            ),
            parent="task",
            prefix="CHG",
        ),
        _table(
            "sc_request", "Request", (reference("requested_for", "sys_user"),), parent="task", prefix="REQ"
        ),
        _table(
            "sc_req_item",
            "Requested Item",
            (reference("request", "sc_request"),),
            parent="task",
            prefix="RITM",
        ),
        _table(
            "sc_task",
            "Catalog Task",
            (reference("request_item", "sc_req_item"),),
            parent="task",
            prefix="SCTASK",
        ),
        _table("sn_customerservice_case", "Case", _CASE, parent="task", prefix="CS"),
        _table("u_form_submission", "Form Submission", _SUBMISSION),
        _table("imp_user", "User Import", _STAGED_USER, parent="sys_import_set_row"),
        _table(
            "u_imp_form_submission", "Form Submission Import", _STAGED_SUBMISSION, parent="sys_import_set_row"
        ),
    )
}
