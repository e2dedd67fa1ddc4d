"""Writing a file under its final name, for servers that cannot rename.

Only together with a trigger file: readers may meet half a data file, and must wait for the trigger. The
journal says `renaming` before a trigger is written. If it is gone later together with its data file, the
consumer took both; if only the trigger is missing, it is written again. A consumer that deletes triggers and
leaves the data may therefore see a trigger twice after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass

import asyncssh

from formlane.destinations.base import Journal
from formlane.domain.outcomes import Scope

from .errors import is_answer, outcome_of
from .files import RemoteFiles
from .options import Overwrite
from .publish import Artefact, Progress, Rules
from .state import Part, Phase, State
from .stops import Stopped, collision, explained


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectPublication:
    """One file written in place. Raises like `Publication`. `data` is the path a trigger belongs to."""

    files: RemoteFiles
    journal: Journal
    artefact: Artefact
    rules: Rules
    progress: Progress
    data: str

    async def run(self, state: State | None, *, was_begun: bool) -> None:
        """Write, or finish what `state` tells of."""
        try:
            if self.artefact.part is Part.TRIGGER:
                await self._write_trigger(state)
            else:
                await self._write_data(is_first=state is None and not was_begun)
        except asyncssh.SFTPError as error:
            if not is_answer(error):
                raise
            raise Stopped(
                await explained(error, self.files, self.artefact.directory, self.rules.reach)
            ) from error

    async def _write_data(self, *, is_first: bool) -> None:
        if is_first and self.rules.overwrite is not Overwrite.ALWAYS:
            found = await self.files.sha256(self.artefact.final)
            if found is not None:
                if self.rules.overwrite is Overwrite.NEVER or found != self.artefact.sha256:
                    raise Stopped(collision(self.artefact.final))
                return
        await self._write()

    async def _write_trigger(self, state: State | None) -> None:
        if state is None or state.phase is Phase.UPLOADING:
            await self.journal.save(self._renaming().encode())
            self.progress.is_renaming = True
        elif await self._was_taken():
            return
        await self._write()

    async def _was_taken(self) -> bool:
        return await self.files.size(self.artefact.final) is None and await self.files.size(self.data) is None

    async def _write(self) -> None:
        artefact = self.artefact
        try:
            await self.files.write(artefact.final, artefact.body, mode=self.rules.permissions)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            if not self.rules.create_dirs:
                raise
            await self.files.make_directories(artefact.directory)
            await self.files.write(artefact.final, artefact.body, mode=self.rules.permissions)
        if await self.files.size(artefact.final) not in {len(artefact.body), None, -1}:
            trouble = asyncssh.SFTPFailure("the uploaded file has another size")
            raise Stopped(outcome_of(trouble, reach=Scope.LANE))

    def _renaming(self) -> State:
        artefact = self.artefact
        return State(
            part=artefact.part,
            phase=Phase.RENAMING,
            attempt=1,
            target=self.rules.target,
            directory=artefact.directory,
            name=artefact.name,
            temp="",
            size=len(artefact.body),
            sha256=artefact.sha256,
        )
