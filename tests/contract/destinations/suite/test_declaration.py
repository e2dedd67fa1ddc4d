"""What each kind declares: settings, operations, and a page that names them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from formlane.destinations.base import Destination, OperationSpec, Resend, Setting, SettingType
from formlane.destinations.catalogue import CATALOGUE

DOCS = Path(__file__).parents[4] / "docs/destinations"
SECRET_WORDS = re.compile(r"(secret|password|passphrase|token|private_key|api_key)$")
NOT_SECRET = frozenset({"null_token"})
"""How an empty value is written in a file."""

kinds = pytest.mark.parametrize("kind", CATALOGUE.values(), ids=list(CATALOGUE))


@kinds
def test_settings_are_declared(kind: Destination) -> None:
    for settings in (kind.settings, kind.options):
        assert len({one.name for one in settings}) == len(settings)
        for one in settings:
            assert_well_declared(one)
    assert kind.settings
    assert any(one.secret for one in kind.settings)
    assert not any(one.secret for one in kind.options)
    assert kind.label
    assert kind.summary.endswith(".")


def assert_well_declared(one: Setting) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", one.name)
    assert one.label[:1].isupper() or one.label[:1].isdigit()
    assert not one.help or one.help.rstrip().endswith((".", "?")), one.name
    assert (one.type is SettingType.CHOICE) is bool(one.choices), one.name
    assert not one.choices or one.default is None or one.default in one.choices
    assert one.minimum is None or one.maximum is None or one.minimum <= one.maximum
    if one.secret:
        assert one.default is None
        assert one.type in {SettingType.TEXT, SettingType.LONG_TEXT}
    else:
        assert one.name in NOT_SECRET or not SECRET_WORDS.search(one.name), one.name


@kinds
def test_operations_have_limits(kind: Destination) -> None:
    assert len({one.operation for one in kind.operations}) == len(kind.operations) > 0
    for spec in kind.operations:
        assert_bounded(spec)
    assert kind.limits.rate > 0
    assert kind.limits.burst > 0
    assert kind.limits.concurrency > 0


def assert_bounded(spec: OperationSpec) -> None:
    assert spec.max_records > 0
    assert spec.max_bytes >= 64 * 1024
    assert spec.deadline.total_seconds() > 0
    assert spec.quiet.total_seconds() >= 0
    assert spec.resend in Resend
    if spec.bulk is not None:
        assert spec.bulk.operation is spec.operation
        assert 0 < spec.bulk.least <= spec.bulk.max_records
        assert spec.bulk.max_records > spec.max_records
        assert_bounded(spec.bulk)


@kinds
def test_the_page_names_everything(kind: Destination) -> None:
    page = (DOCS / f"{kind.kind}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", page))
    lacking = {one.name for one in (*kind.settings, *kind.options)} - named
    assert lacking == set()
    assert f"Level: {kind.level}." in page
    for title in ("Settings", "Limits"):
        assert re.search(rf"^## .*{title}", page, re.MULTILINE | re.IGNORECASE), title
