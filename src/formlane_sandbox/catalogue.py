"""The simulators there are: one line each.

`build` is a function whose typer-annotated parameters are the command's options; all have defaults, and
`host`, `port`, `state` and `time_scale` are among them. It gives the simulator, not started.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from formlane_sandbox.jira import options as jira
from formlane_sandbox.salesforce import options as salesforce
from formlane_sandbox.server import Simulator
from formlane_sandbox.servicenow import options as servicenow
from formlane_sandbox.sfmc import options as sfmc
from formlane_sandbox.sftp import options as sftp
from formlane_sandbox.webhook import options as webhook


@dataclass(frozen=True, slots=True)
class Entry:
    """A simulator by name, its usual port, and how it is built from options."""

    name: str
    port: int
    build: Callable[..., Simulator]


CATALOGUE = (
    Entry("webhook", 8700, webhook.build),
    Entry("salesforce", 8711, salesforce.build),
    Entry("servicenow", 8713, servicenow.build),
    Entry("jira", 8714, jira.build),
    Entry("jira-dc", 8715, jira.build_data_center),
    Entry("sftp", 8722, sftp.build),
    Entry("sfmc", 8712, sfmc.build),
)
