"""What goes wrong at each vendor for a while: begun, and mended, at the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira import drift as jira
from formlane_sandbox.jira.settings import EMAIL, ApiToken
from formlane_sandbox.jira.settings import Change as JiraChange
from formlane_sandbox.salesforce import changes as salesforce
from formlane_sandbox.salesforce.schema import Field
from formlane_sandbox.salesforce.schema import Kind as FieldKind
from formlane_sandbox.servicenow import schema_changes as servicenow
from formlane_sandbox.servicenow.schema import Column as ServiceNowColumn
from formlane_sandbox.servicenow.settings import DataPolicy
from formlane_sandbox.sfmc import changes as sfmc
from formlane_sandbox.sfmc.columns import Column, FieldType
from formlane_sandbox.sfmc.settings import CLIENT_ID
from tests.e2e.destinations.servicenow import USER

OTHER: Final = "another-secret-of-the-same-account"
SOON: Final = 2
"""Seconds that a vendor asks us to wait."""

Act = Callable[[Any], object]
"""Does something at a simulator; which one it is follows from the kind."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`begin` and `end` of it."""

    begin: Act
    end: Act


def fault(name: str, **given: Any) -> Trouble:
    """A fault by name, until it is cleared."""
    armed = Fault(kind=Kind.NAMED, name=name, **given)
    return Trouble(lambda sim: sim.faults.arm(armed), lambda sim: sim.faults.clear())


def setting(begin: Mapping[str, Any], end: Mapping[str, Any]) -> Trouble:
    """A setting, and what it is set back to."""
    return Trouble(
        lambda sim: sim.configure(orjson.dumps(begin)), lambda sim: sim.configure(orjson.dumps(end))
    )


def nothing(_simulator: Any) -> None:
    """Mended elsewhere."""


def _servicenow_password(simulator: Any) -> None:
    users = tuple(
        msgspec.structs.replace(user, password=OTHER) if user.name == USER else user
        for user in simulator.instance.settings.users
    )
    simulator.take(msgspec.structs.replace(simulator.instance.settings, users=users))


def _salesforce_secret(simulator: Any) -> None:
    simulator.configure(orjson.dumps({"consumer_secret": OTHER}))
    simulator.revoke_all()


DROPPED: Final[Mapping[str, Trouble]] = {
    "salesforce": Trouble(
        lambda sim: sim.change_schema(salesforce.DropField(object="Contact", name="Score__c")),
        lambda sim: sim.change_schema(
            salesforce.AddField(
                object="Contact",
                field=Field(name="Score__c", kind=FieldKind.DOUBLE, label="Score", precision=5, scale=2),
            )
        ),
    ),
    "sfmc": Trouble(
        lambda sim: sim.change(sfmc.DropField(object="submissions", field="Amount")),
        lambda sim: sim.change(
            sfmc.AddField(
                object="submissions", field=Column(name="Amount", type=FieldType.DECIMAL, length=10, scale=2)
            )
        ),
    ),
    "servicenow": Trouble(
        lambda sim: sim.change(servicenow.DropField(table="u_form_submission", name="u_amount")),
        lambda sim: sim.change(
            servicenow.AddField(
                table="u_form_submission",
                field=ServiceNowColumn(name="u_amount", type="decimal", max_length=15),
            )
        ),
    ),
    "jira": Trouble(
        lambda sim: sim.alter(jira.PlaceField(field="customfield_10206", create=False, edit=False)),
        lambda sim: sim.alter(jira.PlaceField(field="customfield_10206", create=True, edit=True)),
    ),
}
"""A field that the flow writes goes away, and comes back."""

REQUIRED: Final[Mapping[str, Trouble]] = {
    "salesforce": Trouble(
        lambda sim: sim.change_schema(
            salesforce.AlterField(object="Contact", name="Department", required=True)
        ),
        lambda sim: sim.change_schema(
            salesforce.AlterField(object="Contact", name="Department", required=False)
        ),
    ),
    "sfmc": Trouble(
        lambda sim: sim.change(
            sfmc.AddField(object="submissions", field=Column(name="Region", length=20, nullable=False))
        ),
        lambda sim: sim.change(sfmc.DropField(object="submissions", field="Region")),
    ),
    "servicenow": Trouble(
        lambda sim: sim.take(
            msgspec.structs.replace(
                sim.instance.settings,
                data_policies=(DataPolicy(table="u_form_submission", mandatory=("u_phone",)),),
            )
        ),
        lambda sim: sim.take(msgspec.structs.replace(sim.instance.settings, data_policies=())),
    ),
    "jira": Trouble(
        lambda sim: sim.alter(jira.PlaceField(field="customfield_10218", required=True)),
        lambda sim: sim.alter(jira.PlaceField(field="customfield_10218", required=False)),
    ),
}
"""A field that the flow does not write becomes required, and is not any more."""

WANTED: Final[Mapping[str, str]] = {
    "salesforce": "Department",
    "sfmc": "Region",
    "servicenow": "Phone",
    "jira": "customfield_10218",
}
"""What the vendor calls that field when it misses it."""

REVOKED: Final[Mapping[str, Trouble]] = {
    "salesforce": Trouble(_salesforce_secret, nothing),
    "sfmc": Trouble(
        lambda sim: sim.configure(orjson.dumps({"clients": {CLIENT_ID: {"secret": OTHER}}})), nothing
    ),
    "servicenow": Trouble(_servicenow_password, nothing),
    "jira": Trouble(
        lambda sim: sim.change(JiraChange(tokens=(ApiToken(email=EMAIL, token=OTHER),))), nothing
    ),
}
"""The account gets another secret; a person has to enter it."""

SECRETS: Final[Mapping[str, str]] = {
    "salesforce": "client_secret",
    "sfmc": "client_secret",
    "servicenow": "password",
    "jira": "token",
}
"""What the secret is called."""

LIMITED: Final[Mapping[str, Trouble]] = {
    "salesforce": fault("total_requests"),
    "sfmc": fault("daily_limit"),
    "servicenow": fault("rate_limit", retry_after=SOON),
    "jira": fault("rate_limit", detail={"reason": "jira-quota-global-based", "retry_after": SOON}),
}
"""The allowance of the day, or of the hour where the vendor has none of the day, is used up."""

MAINTAINED: Final[Mapping[str, Trouble]] = {
    "salesforce": setting({"maintenance": True}, {"maintenance": False}),
    "sfmc": fault("maintenance"),
    "servicenow": fault("maintenance"),
    "jira": fault("maintenance", detail={"retry_after": SOON}),
}
"""The vendor is closed for a while."""
