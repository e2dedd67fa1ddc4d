"""Ids of 15 and 18 characters."""

from __future__ import annotations

import pytest

from formlane_sandbox.salesforce.identifiers import Minter, canonical, lengthen


@pytest.mark.parametrize(
    ("fifteen", "eighteen"),
    [
        ("003ak00000luKU1", "003ak00000luKU1AAM"),
        ("00DB0000000TfcR", "00DB0000000TfcRMAS"),
        ("005B0000005Bk90", "005B0000005Bk90IAC"),
    ],
)
def test_the_checksum_is_the_vendors(fifteen: str, eighteen: str) -> None:
    assert lengthen(fifteen) == eighteen
    assert canonical(fifteen) == canonical(eighteen) == eighteen


@pytest.mark.parametrize(
    "text", ["", "003ak00000luKU", "003ak00000luKU1AAA", "003ak00000luKU1AAMM", "é" * 15]
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert canonical(text) is None


def test_minted_ids_are_new_and_valid() -> None:
    minter = Minter()
    minted = [minter.mint("003") for _ in range(5_000)]

    assert len(set(minted)) == len({text.lower() for text in minted}) == 5_000
    assert all(canonical(text) == text for text in minted)
