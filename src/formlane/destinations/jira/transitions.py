"""Moving an issue along its workflow.

Source: Jira Cloud platform REST API v3, "Get transitions", "Transition issue". A status
is never set as a field.
"""

from __future__ import annotations

from msgspec import Struct

from formlane.domain.outcomes import Outcome, Reason, Rejected
from formlane.domain.types import Json

from .client import Refused
from .run import Run, encode
from .screens import decoded


class Status(Struct):
    """A state of a workflow."""

    id: str
    name: str


class Transition(Struct):
    """A way to another state."""

    id: str | int
    name: str
    to: Status | None = None

    def is_meant(self, wanted: str) -> bool:
        """Whether a setting means this one: by its number, its name, or the state it leads to."""
        names = {str(self.id), self.name.casefold(), "" if self.to is None else self.to.name.casefold()}
        return wanted.casefold() in names


class Transitions(Struct):
    """The ways that lead from where an issue is."""

    transitions: list[Transition]


class StatusFields(Struct):
    """The state an issue is in."""

    status: Status


class StatusOf(Struct):
    """An issue, reduced to its state."""

    fields: StatusFields


async def move(run: Run, key: str, wanted: str) -> Outcome | Refused | None:
    """Takes the transition that is meant, unless the issue is there already; None when all is well.

    Looking first makes it harmless to do it again.
    """
    answer = await run.client.ask("GET", f"issue/{key}", run.trace, query={"fields": "status"}, reads=True)
    issue = answer if isinstance(answer, Refused) else decoded(answer, StatusOf)
    if isinstance(issue, Refused):
        return issue
    if issue.fields.status.name.casefold() == wanted.casefold():
        return None
    answer = await run.client.ask("GET", f"issue/{key}/transitions", run.trace, reads=True)
    offered = answer if isinstance(answer, Refused) else decoded(answer, Transitions)
    if isinstance(offered, Refused):
        return offered
    chosen = next((one for one in offered.transitions if one.is_meant(wanted)), None)
    if chosen is None:
        return Rejected(
            reason=Reason.REFUSED,
            message=f"{key} was updated, but {wanted!r} is not offered from its status "
            f"{issue.fields.status.name!r}. Move it in Jira, or change the step's transition.",
        )
    if chosen.to is not None and chosen.to.id == issue.fields.status.id:
        return None
    body: dict[str, Json] = {"transition": {"id": str(chosen.id)}}
    moved = await run.client.ask(
        "POST", f"issue/{key}/transitions", run.trace, body=encode(body), attempt=run.call.attempt
    )
    return moved if isinstance(moved, Refused) else None
