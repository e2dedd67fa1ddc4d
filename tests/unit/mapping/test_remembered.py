"""Results of short texts, kept."""

from __future__ import annotations

import pytest

from formlane.mapping.remembered import LONGEST, MOST, Remembered


def test_a_text_is_worked_out_once() -> None:
    asked: list[object] = []

    def read(raw: object) -> object:
        asked.append(raw)
        return f"<{raw}>"

    known = Remembered(read)
    assert [known["a"], known["a"], known["b"]] == ["<a>", "<a>", "<b>"]
    assert asked == ["a", "b"]


def test_what_is_raised_is_not_kept_and_long_texts_are_not() -> None:
    def read(raw: object) -> int:
        return int(str(raw))

    known = Remembered(read)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            known["x"]
    long = "0" * LONGEST + "7"
    assert known[long] == 7
    assert dict(known) == {}


def test_it_keeps_a_bounded_number() -> None:
    known = Remembered(str)
    for number in range(MOST + 100):
        assert known[str(number)] == str(number)
    assert len(known) == MOST
