"""Names of files and directories."""

from __future__ import annotations

import dataclasses
import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.destinations.sftp.names import (
    DEFAULT_TEMPLATE,
    LONGEST_NAME,
    Naming,
    directory_faults,
    directory_path,
    file_name,
    joined,
    temp_name,
    template_faults,
)

NAMING = Naming(
    call=UUID("0123abcd-0000-5000-8000-000000000000"),
    sequence=42,
    sealed_at=dt.datetime(2026, 3, 29, 1, 59, 59, 7_000, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    rows=9,
    extension="csv",
    names={"tenant": "Müller & Söhne", "flow": "../../etc", "form": ""},
)


def test_default_name() -> None:
    expected = "M_ller___S_hne_.._.._etc_20260328T235959Z_00000042_0123abcd.csv"
    assert file_name(DEFAULT_TEMPLATE, NAMING) == expected


def test_every_variable() -> None:
    assert file_name("{ts_ms}-{date}-{hour}-{seq}-{batch_id}-{rows:03}", NAMING) == (
        "20260328T235959007Z-2026-03-28-23-42-0123abcd-0000-5000-8000-000000000000-009"
    )


@pytest.mark.parametrize(
    ("template", "name"),
    [("{form}.{seq}", "_42"), ("-{seq}", "_42"), ("{form}-{seq}.", "_42_"), ("con.{seq}", "_con.42")],
)
def test_awkward_names_are_made_safe(template: str, name: str) -> None:
    assert file_name(template, NAMING) == name


@given(names=st.dictionaries(st.sampled_from(["tenant", "flow", "form"]), st.text(max_size=200)))
def test_names_stay_inside_their_directory(names: dict[str, str]) -> None:
    naming = dataclasses.replace(NAMING, names=names)
    name = file_name("{form}{tenant}_{flow}_{seq:08}.{ext}", naming)
    assert "/" not in name
    assert not name.startswith((".", "-"))
    assert len(temp_name(name, naming.batch8, 10**9).encode()) <= 255
    assert ".." not in directory_path("out/{date}", naming).split("/")


@pytest.mark.parametrize("template", [DEFAULT_TEMPLATE, "{batch8}", "a-{seq}.txt", "{batch_id}.{ext}"])
def test_good_templates(template: str) -> None:
    assert template_faults(template) == []


@pytest.mark.parametrize(
    "template",
    [
        "{ts}.{ext}",
        "{seq}/{ts}",
        "{seq}{worker}",
        "{seq",
        "seq}",
        "{seq} x",
        "{batch8:04}",
        "",
        "x" * 198 + "{seq}",
    ],
)
def test_bad_templates_are_explained(template: str) -> None:
    assert template_faults(template)


def test_name_that_grows_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match=str(LONGEST_NAME)):
        file_name("{seq:99}{seq:99}{seq:99}", NAMING)


@pytest.mark.parametrize("path", ["", "a", "a/b", "a/{date}", "{tenant}/{flow}"])
def test_good_directories(path: str) -> None:
    assert directory_faults(path, relative=True) == []


@pytest.mark.parametrize("path", ["/a", "../a", "a/../b", "a//b", "a/./b", "a\x00", "{nope}", "x" * 701])
def test_bad_directories_are_explained(path: str) -> None:
    assert directory_faults(path, relative=True)


@pytest.mark.parametrize("path", [".", "/", "/upload", "/upload/", "in/box"])
def test_good_base_directories(path: str) -> None:
    assert directory_faults(path, relative=False) == []


def test_directory_of_a_variable_that_is_dots_goes_nowhere() -> None:
    naming = dataclasses.replace(NAMING, names={"tenant": "..", "flow": ".", "form": ""})
    parts = directory_path("{tenant}/{flow}/{form}/x", naming).split("/")
    assert not {"..", ".", ""} & set(parts)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((".", "", "f"), "f"),
        (("/", "f"), "/f"),
        (("/up/", "a", "f"), "/up/a/f"),
        ((".",), "."),
        (("a", ".t"), "a/.t"),
    ],
)
def test_joined(parts: tuple[str, ...], path: str) -> None:
    assert joined(*parts) == path
