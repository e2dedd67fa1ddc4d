"""The table of publishing, line by line: what is there, and what is done about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import asyncssh
import pytest

from formlane.destinations.sftp.direct import DirectPublication
from formlane.destinations.sftp.options import Overwrite
from formlane.destinations.sftp.publish import Artefact, Progress, Publication, Rules
from formlane.destinations.sftp.state import Part, Phase, State
from formlane.destinations.sftp.stops import Stopped
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope
from tests.unit.destinations_sftp.disk import Disk
from tests.unit.destinations_sftp.fakes import FakeJournal

BODY, OTHER = b"a\r\n1\r\n", b"somebody else's"
FINAL, TRIGGER = "/in/f.csv", "/in/f.csv.done"
ARTEFACT = Artefact(
    part=Part.DATA,
    directory="/in",
    name="f.csv",
    temp_directory="/in",
    batch8="0" * 8,
    body=BODY,
    sha256=hashlib.sha256(BODY).digest(),
)
TEMP = ARTEFACT.temp(1)
RENAMING = State(
    part=Part.DATA,
    phase=Phase.RENAMING,
    attempt=1,
    target="t",
    directory="/in",
    name="f.csv",
    temp=TEMP,
    size=len(BODY),
    sha256=ARTEFACT.sha256,
)


def rules(overwrite: Overwrite = Overwrite.SAME_CONTENT, *, create_dirs: bool = False) -> Rules:
    return Rules(
        overwrite=overwrite, permissions=None, create_dirs=create_dirs, target="t", reach=Scope.CONNECTION
    )


def publication(
    disk: Disk, journal: FakeJournal | None = None, overwrite: Overwrite = Overwrite.SAME_CONTENT
) -> Publication:
    return Publication(
        files=disk.files,
        journal=journal or FakeJournal(),
        artefact=ARTEFACT,
        rules=rules(overwrite),
        progress=Progress(),
    )


async def stopped(disk: Disk, state: State | None = RENAMING) -> Blocked | Deferred:
    with pytest.raises(Stopped) as stop:
        await publication(disk).run(state, was_begun=False)
    outcome = stop.value.outcome
    assert isinstance(outcome, Blocked | Deferred)
    return outcome


async def test_a_new_file_is_published() -> None:
    disk, journal = Disk(), FakeJournal()
    await publication(disk, journal).run(None, was_begun=False)
    assert disk.held == {FINAL: BODY}
    assert journal.writes == 1


async def test_the_same_content_that_is_there_already_is_left_alone() -> None:
    disk = Disk({FINAL: BODY})
    await publication(disk).run(None, was_begun=False)
    assert disk.held == {FINAL: BODY}


async def test_a_file_that_is_taken_while_it_is_compared_is_published_anew() -> None:
    disk = Disk({FINAL: BODY})

    def take() -> None:
        disk.held.pop(FINAL, None)

    disk.hashing = take
    await publication(disk).run(None, was_begun=False)
    assert disk.held == {FINAL: BODY}


@pytest.mark.parametrize("there", [BODY, None], ids=["at the final name", "taken by the consumer"])
async def test_a_rename_that_happened_is_done(there: bytes | None) -> None:
    disk = Disk({} if there is None else {FINAL: there})
    await publication(disk).run(RENAMING, was_begun=True)
    assert disk.held == ({} if there is None else {FINAL: there})


async def test_a_rename_that_did_not_happen_is_made_with_the_same_file() -> None:
    disk = Disk({TEMP: BODY})
    await publication(disk).run(RENAMING, was_begun=True)
    assert disk.held == {FINAL: BODY}


async def test_an_older_try_had_published() -> None:
    disk = Disk({TEMP: BODY, FINAL: BODY})
    await publication(disk).run(RENAMING, was_begun=True)
    assert disk.held == {FINAL: BODY}


@pytest.mark.parametrize("temp", [True, False], ids=["with our file", "without"])
async def test_somebody_elses_file_needs_a_person(temp: bool) -> None:
    disk = Disk({FINAL: OTHER, **({TEMP: BODY} if temp else {})})
    outcome = await stopped(disk)
    assert outcome.reason is Reason.NAME_COLLISION
    assert disk.held[FINAL] == OTHER


async def test_a_temporary_file_that_was_cut_is_uploaded_again() -> None:
    disk, journal = Disk({TEMP: BODY[:2]}), FakeJournal()
    await publication(disk, journal).run(RENAMING, was_begun=True)
    assert disk.held == {FINAL: BODY}
    assert journal.writes == 3


async def test_a_temporary_file_whose_size_comes_late_is_used() -> None:
    disk = Disk({TEMP: BODY})
    told = iter([2, None, 2, len(BODY)])
    disk.sizes = lambda path: next(told, len(disk.held.get(path, b"")))
    await publication(disk).run(RENAMING, was_begun=True)
    assert disk.held == {FINAL: BODY}


async def test_a_temporary_file_that_goes_while_it_is_looked_at_is_uploaded_again() -> None:
    disk = Disk({TEMP: BODY[:2]})
    told: list[int | None] = [2, None, None]

    def size(path: str) -> int | None:
        return told.pop(0) if told else (len(disk.held[path]) if path in disk.held else None)

    disk.sizes = size
    await publication(disk).run(RENAMING, was_begun=True)
    assert disk.held == {FINAL: BODY}


async def test_a_broken_line_under_the_rename_is_not_taken_for_an_answer() -> None:
    def breaks(_old: str, _new: str) -> None:
        raise asyncssh.SFTPConnectionLost("cut")

    with pytest.raises(asyncssh.SFTPConnectionLost):
        await publication(Disk(replacing=breaks)).run(None, was_begun=False)


def refusing(disk: Disk, then: Callable[[str, str], None]) -> Disk:
    def refuse(old: str, new: str) -> None:
        then(old, new)
        raise asyncssh.SFTPFailure("no")

    disk.replacing = refuse
    return disk


async def test_a_refused_rename_over_the_same_content_is_done() -> None:
    disk = Disk()
    refusing(disk, lambda _old, new: disk.held.update({new: BODY}))
    await publication(disk).run(None, was_begun=False)
    assert disk.held == {FINAL: BODY}


async def test_a_refused_rename_of_a_file_that_is_gone_is_done_where_it_arrived() -> None:
    disk = Disk()
    refusing(disk, lambda old, new: disk.held.update({new: disk.held.pop(old)}))
    await publication(disk).run(None, was_begun=False)
    assert disk.held == {FINAL: BODY}


async def test_a_plain_rename_that_is_refused_makes_room_where_that_is_wished() -> None:
    disk = Disk({FINAL: OTHER}, replaces=False)
    calls: list[str] = []

    class Stubborn(Disk):
        async def rename(self, old: str, new: str) -> None:
            calls.append(new)
            if new in self.held:
                raise asyncssh.SFTPFailure("taken")
            await super().rename(old, new)

    stubborn = Stubborn(disk.held, replaces=False)
    await publication(stubborn, overwrite=Overwrite.ALWAYS).run(None, was_begun=False)
    assert stubborn.held == {FINAL: BODY}
    assert calls == [FINAL, FINAL]


async def test_an_acknowledged_rename_that_shows_another_size_needs_a_person() -> None:
    disk = Disk()
    disk.sizes = lambda path: None if path not in disk.held else 99 if path == FINAL else len(BODY)
    outcome = await stopped(disk, None)
    assert outcome.reason is Reason.NAME_COLLISION


def direct(
    disk: Disk,
    *,
    part: Part = Part.DATA,
    overwrite: Overwrite = Overwrite.SAME_CONTENT,
    create_dirs: bool = False,
) -> DirectPublication:
    name, body = ("f.csv", BODY) if part is Part.DATA else ("f.csv.done", b"")
    return DirectPublication(
        files=disk.files,
        journal=FakeJournal(),
        artefact=Artefact(
            part=part,
            directory="/in",
            name=name,
            temp_directory="/in",
            batch8="0" * 8,
            body=body,
            sha256=hashlib.sha256(body).digest(),
        ),
        rules=rules(overwrite, create_dirs=create_dirs),
        progress=Progress(),
        data=FINAL,
    )


@pytest.mark.parametrize("overwrite", Overwrite)
@pytest.mark.parametrize("there", [BODY, OTHER, None], ids=["same", "other", "nothing"])
async def test_in_place_somebody_elses_file_is_kept_unless_wished(
    overwrite: Overwrite, there: bytes | None
) -> None:
    disk = Disk({} if there is None else {FINAL: there})
    same = there == BODY and overwrite is not Overwrite.NEVER
    if there is None or same or overwrite is Overwrite.ALWAYS:
        await direct(disk, overwrite=overwrite).run(None, was_begun=False)
        assert disk.held == {FINAL: BODY}
        return
    with pytest.raises(Stopped) as stop:
        await direct(disk, overwrite=overwrite).run(None, was_begun=False)
    assert isinstance(stop.value.outcome, Blocked)
    assert disk.held == {FINAL: there}


async def test_in_place_an_earlier_try_is_written_over() -> None:
    disk = Disk({FINAL: BODY[:2]})
    await direct(disk).run(None, was_begun=True)
    assert disk.held == {FINAL: BODY}


@pytest.mark.parametrize("creates", [True, False])
async def test_in_place_a_missing_directory_is_made_if_that_is_wished(creates: bool) -> None:
    disk = Disk(directories=set())
    if creates:
        await direct(disk, create_dirs=True).run(None, was_begun=False)
        assert disk.held == {FINAL: BODY}
        return
    with pytest.raises(Stopped) as stop:
        await direct(disk).run(None, was_begun=False)
    assert isinstance(stop.value.outcome, Blocked)


async def test_in_place_a_file_of_another_size_is_tried_again() -> None:
    disk = Disk(sizes=lambda _path: 99)
    with pytest.raises(Stopped) as stop:
        await direct(disk).run(None, was_begun=True)
    assert isinstance(stop.value.outcome, Deferred)


async def test_in_place_a_broken_line_is_no_answer() -> None:
    def breaks(_path: str) -> int | None:
        raise asyncssh.SFTPConnectionLost("cut")

    with pytest.raises(asyncssh.SFTPConnectionLost):
        await direct(Disk(sizes=breaks)).run(None, was_begun=True)


@pytest.mark.parametrize(
    ("there", "writes"),
    [({}, False), ({FINAL: BODY}, True), ({FINAL: BODY, TRIGGER: b""}, True)],
    ids=["both taken", "trigger missing", "both there"],
)
async def test_a_trigger_is_written_again_unless_both_files_were_taken(
    there: dict[str, bytes], writes: bool
) -> None:
    disk = Disk(dict(there))
    await direct(disk, part=Part.TRIGGER).run(RENAMING, was_begun=True)
    assert (TRIGGER in disk.held) is writes


async def test_a_trigger_is_noted_before_it_is_written() -> None:
    disk = Disk({FINAL: BODY})
    made = direct(disk, part=Part.TRIGGER)
    await made.run(None, was_begun=False)
    assert made.progress.is_renaming
    assert made.journal.saved is not None
    assert TRIGGER in disk.held
