"""All places, and what cannot be had at some of them, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.contract.destinations.suite.jira import DataCenterPlace, JiraPlace
from tests.contract.destinations.suite.place import Place, Trouble
from tests.contract.destinations.suite.salesforce import SalesforcePlace
from tests.contract.destinations.suite.servicenow import ServiceNowPlace
from tests.contract.destinations.suite.sfmc import MarketingCloudPlace
from tests.contract.destinations.suite.sftp import SftpPlace
from tests.contract.destinations.suite.webhook import WebhookPlace

PLACES: Mapping[str, Callable[[], Place]] = {
    made().name: made
    for made in (
        SalesforcePlace,
        MarketingCloudPlace,
        ServiceNowPlace,
        JiraPlace,
        DataCenterPlace,
        SftpPlace,
        WebhookPlace,
    )
}

_NO_CALLS = "files are not calls that a server counts"
_NO_STATUS = "a server that is up has no such answer; it is refused or reached"
_NO_FIELDS = "any field may be written, so none can go"
_NO_LOCKS = "no record of one call can be held by somebody else"

NOT_OFFERED: Mapping[tuple[str, Trouble], str] = {
    ("sfmc", Trouble.ONE_LOCKED): "rows that a deadlock hits fail in jobs, which have tests of their own",
    ("servicenow", Trouble.QUOTA): "rate rules count by the hour; there is no limit of a day",
    ("servicenow", Trouble.ONE_LOCKED): _NO_LOCKS,
    ("jira data center", Trouble.QUOTA): "points are counted for OAuth apps in Cloud alone",
    ("sftp", Trouble.LIMIT): _NO_CALLS,
    ("sftp", Trouble.LIMIT_UNTIMED): _NO_CALLS,
    ("sftp", Trouble.QUOTA): _NO_CALLS,
    ("sftp", Trouble.MAINTENANCE): _NO_STATUS,
    ("sftp", Trouble.SERVER_ERROR): _NO_STATUS,
    ("sftp", Trouble.FORBIDDEN): "needs a server without root's rights: `test_sftp_trouble`",
    ("sftp", Trouble.ONE_LOCKED): _NO_LOCKS,
    ("sftp", Trouble.FIELD_GONE): _NO_FIELDS,
    ("webhook", Trouble.ONE_LOCKED): _NO_LOCKS,
    ("webhook", Trouble.FIELD_GONE): _NO_FIELDS,
}
"""What no test of the suite can arm; together with what each place expects, it is everything."""

WITHOUT_RENEWAL: Mapping[str, str] = {
    "jira data center": "a personal token holds until it is revoked",
    "sftp": "keys and passwords hold until they are changed",
}
"""Where no access token ends."""

REPLIES_LATER: Mapping[str, str] = {"salesforce": "Ext__c", "sfmc": "Key"}
"""Who takes large amounts as a job, and the match key that is needed for it."""

GONE_IS_DONE = frozenset({"jira cloud", "jira data center"})
"""Where a record that is not there counts as deleted, so that a deletion may be repeated."""

CHANGED: Mapping[tuple[str, str], str] = {("jira cloud", "carriage returns"): "a\nb\nc"}
"""Texts that are kept otherwise than they were sent: documents know line breaks, not how they are coded."""
