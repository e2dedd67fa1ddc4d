"""What is sent in these tests, and how it is compared with what arrived."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

Submission: TypeAlias = Mapping[str, Any]
"""As pushed: JSON with these inputs."""

Held: TypeAlias = Mapping[str, Any]
"""As a destination holds it: the same names; amounts as Decimal, days as text, what is empty as None."""

INPUTS: Final[Mapping[str, str]] = {
    "id": "string",
    "email": "email",
    "name": "string",
    "amount": "decimal",
    "day": "date",
    "consent": "boolean",
    "message": "text",
}

SIZE: Final = int(os.environ.get("FORMLANE_DESTINATION_RECORDS", "1000"))
"""Records per destination."""

_NAMES = ("Zoë O'Brien", "Łukasz Żak", 'Ann "A." Lee', "李小龍", "Søren & Sons", "Müller-Lüdenscheidt")
_MESSAGES = (
    "Plain words.",
    "“Quotes”, ‘others’ – and… ünïcödé ÅÆØ ß",
    '<script>alert("x")</script> & &amp; </p>',
    'semi;colon, comma, "quoted, twice"',
    "first line\nsecond line\n\nfourth line",
    "=1+1",
    "日本語 😀 👩‍👩‍👧 é",
    "'; DROP TABLE contact; --",
    r"back\slash \n %41 {{x}} ${y} ^caret",
    "עברית ﷺ",
    "0012",
    "null",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Ids of records that are not there, there more than once, of nobody, or with other values."""

    lost: Sequence[str] = ()
    twice: Sequence[str] = ()
    foreign: Sequence[str] = ()
    altered: Sequence[tuple[Held, Held]] = ()


NONE: Final = Difference()


def submissions(number: int, *, keys: int | None = None, round_: str = "") -> list[Submission]:
    """So many submissions; with `keys`, over so many ids in turn, each time with other values."""
    return [_submission(n, n % keys if keys else n, round_) for n in range(number)]


def last_of_each(sent: Iterable[Submission]) -> list[Submission]:
    """The last submission of every id."""
    return list({one["id"]: one for one in sent}.values())


def difference(sent: Iterable[Submission], held: Sequence[Held]) -> Difference:
    """What is different between submissions of distinct ids and what is held."""
    wanted = {one["id"]: _expected(one) for one in sent}
    counts = Counter(one["id"] for one in held)
    return Difference(
        lost=tuple(id_ for id_ in wanted if id_ not in counts),
        twice=tuple(id_ for id_, count in counts.items() if count > 1),
        foreign=tuple(id_ for id_ in counts if id_ not in wanted),
        altered=tuple(
            (wanted[one["id"]], one) for one in held if one["id"] in wanted and wanted[one["id"]] != one
        ),
    )


def tell(*words: object) -> None:
    """Writes figures, which a campaign's report shows."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def _submission(number: int, key: int, round_: str) -> Submission:
    return {
        "id": f"s-{key:06}",
        "email": f"person{number}@example.com",
        "name": f"{_NAMES[number % len(_NAMES)]} {number}{round_}",
        "amount": None if number % 10 == 9 else number % 900 + 0.25,
        "day": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
        "consent": number % 3 == 0,
        "message": _MESSAGES[number % len(_MESSAGES)],
    }


def _expected(one: Submission) -> Held:
    amount = one["amount"]
    return {**one, "amount": None if amount is None else Decimal(repr(amount))}
