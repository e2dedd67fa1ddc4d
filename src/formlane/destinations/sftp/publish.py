"""Putting one file in place so that readers see it whole, under one name, once, whatever breaks.

A file is written under a temporary name that nobody else knows, then renamed. The journal says `renaming`
before the rename is sent, so the temporary name's presence later tells whether it happened:

state      temporary   final             then
uploading  any         any               remove the temporary file, start over with a new name
renaming   present     absent            the rename did not happen: rename that same file
renaming   absent      same size         it happened
renaming   absent      absent            it happened, and the consumer took the file: never upload again
renaming   present     same content      an older try had published: remove the temporary file
renaming   any         something else    somebody else's file: a person is needed

The temporary file is also the fence: of two workers that rename it, one gets "no such file".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import asyncssh
import msgspec

from formlane.destinations.base import Journal
from formlane.domain.outcomes import Outcome, Scope

from .errors import ANSWER_LOST, EXPECTED, Verdict, is_answer, outcome_of, row_for
from .files import RemoteFiles
from .names import joined, temp_name
from .options import Overwrite
from .state import Part, Phase, State
from .stops import Stopped, broken_word, collision, explained, moved

LOOKS = 4
"""Times the table is consulted in one try; the second can only follow a server that broke its word."""

SIZE_LOOKS = 3
SIZE_WAIT = 0.7
"""Looks at a size, and seconds between: some S3-backed servers report it late."""

SWEPT = 10
"""Earlier attempts whose temporary names are removed after success."""


@dataclass(slots=True)
class Progress:
    """Whether a rename may have been sent; decides how a broken connection is judged."""

    is_renaming: bool = False

    def outcome(self, error: BaseException, *, reach: Scope) -> Outcome:
        """What an error of server or network means at this point."""
        if self.is_renaming and row_for(error).verdict is Verdict.DEFER:
            return ANSWER_LOST
        return outcome_of(error, reach=reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file: its bytes, its place, and where it is while it is written."""

    part: Part
    directory: str
    name: str
    temp_directory: str
    batch8: str
    body: bytes
    sha256: bytes

    @property
    def final(self) -> str:
        """Path of the published file."""
        return joined(self.directory, self.name)

    def temp(self, attempt: int) -> str:
        """Path of one attempt's temporary file."""
        return joined(self.temp_directory, temp_name(self.name, self.batch8, attempt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings say about publishing. `reach`: how far trouble with the directory goes."""

    overwrite: Overwrite
    permissions: int | None
    create_dirs: bool
    target: str
    reach: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One file on its way.

    Returns when it is published; else raises `Stopped`, `LeaseLost`, or the trouble of server and network as
    the library raises it. `reach` is told `renamed` once the server acknowledged the rename, before anything
    of ours knows of it.
    """

    files: RemoteFiles
    journal: Journal
    artefact: Artefact
    rules: Rules
    progress: Progress
    reach: Callable[[str], None] = lambda _name: None

    async def run(self, state: State | None, *, was_begun: bool) -> None:
        """Publish, or finish what `state` tells of.

        `was_begun`: an earlier try may have used attempt 1 without saving a state, since sealing stands for
        that.
        """
        if state is not None and state.phase is Phase.RENAMING:
            await self._look_and_finish(state)
            return
        attempt = 1
        if state is not None:
            await self.files.remove(state.temp)
            attempt = state.attempt + 1
        elif was_begun:
            await self.files.remove(self.artefact.temp(1))
            attempt = 2
        await self._upload_and_rename(attempt)

    async def _upload_and_rename(self, attempt: int) -> None:
        state = self._state(Phase.UPLOADING, attempt)
        if attempt > 1:
            await self.journal.save(state.encode())
        try:
            is_there = await self._upload(state)
        except asyncssh.SFTPError as error:
            if not is_answer(error):
                raise
            raise Stopped(await self._explained(error, state.temp)) from error
        if not is_there:
            state = self._state(Phase.RENAMING, attempt)
            await self.journal.save(state.encode())
            self.progress.is_renaming = True
            if not await self._rename(state):
                await self._look_and_finish(state)
                return
        await self._sweep(attempt)

    async def _upload(self, state: State) -> bool:
        """The temporary file, written and checked. True if the same content is published already."""
        artefact = self.artefact
        await self._write(state.temp)
        temp_size, final_size = await self._sizes(state.temp, artefact.final)
        if not _fits(temp_size, state.size) and not await self._reaches(state.temp, state.size):
            await self._discard(state.temp)
            raise Stopped(
                outcome_of(asyncssh.SFTPFailure("the uploaded file has another size"), reach=Scope.LANE)
            )
        if final_size is None or self.rules.overwrite is Overwrite.ALWAYS:
            return False
        found = await self.files.sha256(artefact.final) if _fits(final_size, state.size) else b""
        if found is None:
            return False
        is_same = self.rules.overwrite is Overwrite.SAME_CONTENT and found == state.sha256
        await self.files.remove(state.temp)
        if not is_same:
            raise Stopped(collision(artefact.final))
        return True

    async def _write(self, path: str) -> None:
        try:
            await self.files.write(path, self.artefact.body, mode=self.rules.permissions)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            if not self.rules.create_dirs:
                raise
            for directory in {self.artefact.directory, self.artefact.temp_directory}:
                await self.files.make_directories(directory)
            await self.files.write(path, self.artefact.body, mode=self.rules.permissions)

    async def _look_and_finish(self, state: State) -> None:
        """Apply the table to what is there now."""
        for _ in range(LOOKS):
            temp_size, final_size = await self._sizes(state.temp, _final(state))
            if temp_size is None:
                await self._judge_without_temp(state, final_size)
                break
            if final_size is not None and self.rules.overwrite is not Overwrite.ALWAYS:
                await self._judge_both(state, final_size)
                break
            if not _fits(temp_size, state.size) and not await self._reaches(state.temp, state.size):
                await self._start_over(state)
                return
            if await self._rename(state):
                break
        else:
            raise Stopped(broken_word(_final(state)))
        await self._sweep(state.attempt)

    async def _rename(self, state: State) -> bool:
        """Rename and confirm. False: look again."""
        try:
            await self._move(state.temp, _final(state))
        except asyncssh.SFTPError as error:
            if not is_answer(error):
                raise
            return await self._judge_refusal(state, error)
        self.reach("renamed")
        return await self._confirm(state)

    async def _move(self, temp: str, final: str) -> None:
        if self.files.replaces:
            try:
                await self.files.replace(temp, final)
            except asyncssh.SFTPOpUnsupported:
                pass
            else:
                return
        await self.files.rename(temp, final)

    async def _judge_refusal(self, state: State, error: asyncssh.SFTPError) -> bool:
        temp_size, final_size = await self._sizes(state.temp, _final(state))
        if temp_size is None:
            await self._judge_without_temp(state, final_size)
            return True
        if final_size is not None and self.rules.overwrite is not Overwrite.ALWAYS:
            await self._judge_both(state, final_size)
            return True
        if self.files.replaces:
            self.files.replaces = False  # some servers refuse posix-rename with a bare failure
            return False
        if final_size is not None:
            await self.files.remove(_final(state))
            return False
        raise Stopped(await self._explained(error, None)) from error

    async def _confirm(self, state: State) -> bool:
        """After an acknowledged rename. False: the server said yes and did nothing."""
        final = _final(state)
        final_size = await self.files.size(final)
        if final_size is None:
            if await self.files.size(state.temp) is None:
                return True  # the consumer was quick
            self.files.replaces = False
            return False
        if _fits(final_size, state.size) or await self._reaches(final, state.size):
            return True
        raise Stopped(collision(final))

    async def _judge_without_temp(self, state: State, final_size: int | None) -> None:
        if final_size is not None:
            if not _fits(final_size, state.size):
                raise Stopped(collision(_final(state)))
            return
        if state.target != self.rules.target or not await self.files.is_directory(state.directory):
            raise Stopped(moved(state))

    async def _judge_both(self, state: State, final_size: int) -> None:
        if not await self._is_ours(state, final_size):
            raise Stopped(collision(_final(state)))
        await self.files.remove(state.temp)

    async def _start_over(self, state: State) -> None:
        """The temporary file is not what was uploaded: back to uploading, saved before it is removed."""
        await self.journal.save(msgspec.structs.replace(state, phase=Phase.UPLOADING).encode())
        self.progress.is_renaming = False
        await self.files.remove(state.temp)
        await self._upload_and_rename(state.attempt + 1)

    async def _is_ours(self, state: State, final_size: int) -> bool:
        """Whether the file under the final name has the sealed content; read back, unless just taken away."""
        return _fits(final_size, state.size) and await self.files.sha256(_final(state)) in {
            state.sha256,
            None,
        }

    async def _sizes(self, temp: str, final: str) -> tuple[int | None, int | None]:
        # Asked in this order: a rename in between makes both seem to be there, never none of them.
        temp_size, final_size = await asyncio.gather(self.files.size(temp), self.files.size(final))
        return temp_size, final_size

    async def _reaches(self, path: str, size: int) -> bool:
        for _ in range(SIZE_LOOKS):
            await self.files.clock.sleep(SIZE_WAIT)
            seen = await self.files.size(path)
            if seen is None or _fits(seen, size):
                return seen is not None
        return False

    async def _explained(self, error: asyncssh.SFTPError, temp: str | None) -> Outcome:
        """The outcome of a refusal; looks at the disk before `temp` is removed from it."""
        outcome = await explained(error, self.files, self.artefact.directory, self.rules.reach)
        if temp is not None:
            await self._discard(temp)
        return outcome

    async def _discard(self, temp: str) -> None:
        with suppress(*EXPECTED):
            await self.files.remove(temp)

    async def _sweep(self, attempt: int) -> None:
        """Remove what earlier attempts may have left; they can never be renamed any more."""
        for earlier in range(max(1, attempt - SWEPT), attempt):
            await self._discard(self.artefact.temp(earlier))

    def _state(self, phase: Phase, attempt: int) -> State:
        artefact = self.artefact
        return State(
            part=artefact.part,
            phase=phase,
            attempt=attempt,
            target=self.rules.target,
            directory=artefact.directory,
            name=artefact.name,
            temp=artefact.temp(attempt),
            size=len(artefact.body),
            sha256=artefact.sha256,
        )


def _final(state: State) -> str:
    return joined(state.directory, state.name)


def _fits(seen: int | None, size: int) -> bool:
    return seen in {size, -1}
