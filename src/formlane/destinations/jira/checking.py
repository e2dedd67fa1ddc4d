"""What `check` tries, step by step. Leaves nothing behind in Jira."""

from __future__ import annotations

from msgspec import Struct

from formlane.destinations.base import CheckReport, Clock
from formlane.destinations.checks import Found, run_checks
from formlane.domain.outcomes import Reason, Rejected

from .client import JiraClient, Refused
from .config import Deployment, JiraSettings
from .screens import Screens, decoded
from .trace import Trace


class ServerInfo(Struct, rename="camel"):
    """What a site says of itself."""

    deployment_type: str
    version: str = ""


class Myself(Struct, rename="camel"):
    """The account we are."""

    display_name: str = ""
    active: bool = True


class Check:
    """Tries a connection: is it Jira, who are we there, and what may we create."""

    def __init__(self, settings: JiraSettings, client: JiraClient, screens: Screens, clock: Clock) -> None:
        self._settings = settings
        self._client = client
        self._screens = screens
        self._clock = clock

    async def report(self) -> CheckReport:
        """The steps up to the first that fails."""
        tries = (
            ("credentials", self._credentials),
            ("site", self._site),
            ("projects", self._projects),
        )
        return await run_checks(tries, self._clock)

    async def _credentials(self) -> Found:
        answer = await self._client.ask("GET", "myself", Trace(), reads=True)
        me = answer if isinstance(answer, Refused) else decoded(answer, Myself)
        if isinstance(me, Refused):
            return False, _in_words(me)
        if not me.active:
            return False, "This user is not active in Jira. Use another one."
        return True, f"Jira knows us as {me.display_name or 'a user'}."

    async def _site(self) -> Found:
        answer = await self._client.ask("GET", "serverInfo", Trace(), reads=True)
        info = answer if isinstance(answer, Refused) else decoded(answer, ServerInfo)
        if isinstance(info, Refused):
            return False, _in_words(info)
        is_cloud = info.deployment_type == "Cloud"
        kind = Deployment.CLOUD if is_cloud else Deployment.DATA_CENTER
        if is_cloud is not self._settings.is_cloud:
            return False, f"This is Jira of the kind {kind}. Change the deployment of the connection."
        return True, f"The site answers (Jira {info.version})."

    async def _projects(self) -> Found:
        projects = await self._screens.projects(Trace())
        if isinstance(projects, Refused):
            return False, _in_words(projects)
        if not projects:
            return False, "There is no project in which this account may create issues. Grant it."
        return True, f"{len(projects)} projects are offered."


def _in_words(refused: Refused) -> str:
    outcome = refused.outcome
    if isinstance(outcome, Rejected) or outcome.reason is Reason.OBJECT_GONE:
        return f"HTTP {refused.status}: this is not the address of Jira. Correct the address."
    return outcome.message
