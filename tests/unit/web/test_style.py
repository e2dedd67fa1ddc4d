"""Colours of the pages keep the contrast that WCAG 2.2 AA asks for."""

from __future__ import annotations

import re

import pytest

from formlane.web.app import STATIC

CSS = (STATIC / "form.css").read_text(encoding="utf-8")


def colour(name: str) -> tuple[float, float, float]:
    found = re.search(rf"--{name}: #([0-9a-f]{{6}});", CSS)
    assert found, name
    red, green, blue = (int(found[1][index : index + 2], 16) / 255 for index in (0, 2, 4))
    return red, green, blue


def luminance(name: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour(name)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("quiet", "paper"),
        ("wrong", "paper"),
        ("wrong", "wrong-paper"),
        ("ink", "wrong-paper"),
        ("paper", "accent"),
        ("paper", "accent-dark"),
        ("accent", "paper"),
    ],
)
def test_text_has_a_contrast_of_at_least_four_and_a_half(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("line", ["line", "wrong", "focus"])
def test_borders_and_focus_have_a_contrast_of_at_least_three(line: str) -> None:
    assert contrast(line, "paper") >= 3
    assert contrast(line, "ground") >= 3


def test_focus_is_visible_and_targets_are_large_enough() -> None:
    assert ":focus-visible" in CSS
    assert "outline: none" not in CSS
    assert CSS.count("min-height: 2.75rem") == 3
