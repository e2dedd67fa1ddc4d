"""Record ids: 15 case-sensitive characters, or 18 with a checksum that survives a change of case."""

from __future__ import annotations

import string
from functools import lru_cache
from itertools import count

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_CHARACTERS = frozenset(_ALPHABET)
_POD = "ak00000"


class Minter:
    """Ids that are new in this org: key prefix, pod, number."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def mint(self, prefix: str) -> str:
        """The next id, 18 characters."""
        rest, last = divmod(next(self._numbers), len(_ALPHABET))
        return lengthen(prefix + _POD + _four(rest) + _ALPHABET[last])


@lru_cache(1_024)
def _four(number: int) -> str:
    digits = ""
    for _ in range(4):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits


def lengthen(fifteen: str) -> str:
    """The 18-character form: for each five characters, one that tells which of them are capitals."""
    return fifteen + _capitals(fifteen[:5]) + _capitals(fifteen[5:10]) + _capitals(fifteen[10:])


def canonical(text: str) -> str | None:
    """The 18-character form of an id of 15 or 18 characters; None if it is no id."""
    if not _CHARACTERS.issuperset(text):
        return None
    if len(text) == 15:
        return lengthen(text)
    return text if len(text) == 18 and lengthen(text[:15]) == text else None


@lru_cache(65_536)
def _capitals(five: str) -> str:
    return _SUFFIX[sum(1 << place for place, letter in enumerate(five) if "A" <= letter <= "Z")]
