"""The kinds of destination there are. The only module that imports them."""

from __future__ import annotations

from formlane.destinations.base import Destination
from formlane.destinations.jira.connector import JIRA
from formlane.destinations.salesforce.connector import SALESFORCE
from formlane.destinations.servicenow.connector import SERVICENOW
from formlane.destinations.sfmc.connector import SFMC
from formlane.destinations.sftp import SFTP
from formlane.destinations.webhook.connector import WEBHOOK

CATALOGUE: dict[str, Destination] = {
    JIRA.kind: JIRA,
    SALESFORCE.kind: SALESFORCE,
    SERVICENOW.kind: SERVICENOW,
    SFMC.kind: SFMC,
    SFTP.kind: SFTP,
    WEBHOOK.kind: WEBHOOK,
}
"""By kind, in the order to be shown."""
