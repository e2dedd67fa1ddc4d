"""Secrets that do not print, API keys and form keys.

API key: `fl_live_` or `fl_test_`, cell (2), key name (8), secret (32), `_`, checksum (6), all base62.
The 32 characters carry 190 bits, so a plain SHA-256 may stand for them (ASVS 5.0, 6.5.2). The
checksum is CRC32 over everything before its `_`, so a mistyped key is refused without a look-up.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from formlane.domain.ids import MAX_CELL
from formlane.errors import NotAuthenticated, NotFound

MASK: Final = "***"
BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase

_API_KEY: Final = re.compile(
    r"(fl_(live|test)_([0-9A-Za-z]{2})([0-9A-Za-z]{8})([0-9A-Za-z]{32}))_([0-9A-Za-z]{6})"
)
_FORM_KEY: Final = re.compile(r"ff_([0-9A-Za-z]{2})[0-9A-Za-z]{22}")
_LONG_ENOUGH_FOR_A_HINT: Final = 20


class Secret:
    """A text that shows as `***` wherever it is printed, formatted, pickled or written as JSON.

    `reveal()` is the only way out, so a reader can find every place that uses one. A pickled copy
    has lost the text. Two secrets compare in constant time.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself. Never log it, never keep it longer than the call that needs it."""
        return self.__text

    def hint(self) -> str:
        """What a page may show: the last four characters of a long secret, else `***`."""
        return f"{MASK}{self.__text[-4:]}" if len(self.__text) >= _LONG_ENOUGH_FOR_A_HINT else MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self.__text), _bytes(other.__text))

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)


class KeyMode(StrEnum):
    """Whether a key reaches real destinations or the sandbox."""

    LIVE = "live"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key taken apart. `name` is stored in the clear and finds the key, `secret` proves it."""

    mode: KeyMode
    cell: int
    name: str
    secret: Secret

    def text(self) -> Secret:
        """The whole key as it is shown once to its owner."""
        body = f"fl_{self.mode}_{_base62(self.cell, width=2)}{self.name}{self.secret.reveal()}"
        return Secret(f"{body}_{_checksum(body)}")


def new_api_key(mode: KeyMode, cell: int) -> ApiKey:
    """A fresh key born in `cell` (0 to `MAX_CELL`). Store its name and `secret_hash` only."""
    _require_cell(cell)
    return ApiKey(mode=mode, cell=cell, name=_random(8), secret=Secret(_random(32)))


def parse_api_key(text: str) -> ApiKey:
    """The parts of a presented key; raises NotAuthenticated, without echo, if it is malformed."""
    found = _API_KEY.fullmatch(text)
    if found is None:
        raise NotAuthenticated(
            "This is not an API key: one starts with 'fl_live_' or 'fl_test_' and has 57 characters."
        )
    body, mode, cell, name, secret, checksum = found.groups()
    if not hmac.compare_digest(checksum, _checksum(body)):
        raise NotAuthenticated(
            "The API key is mistyped or cut off: its checksum does not fit. Copy it again."
        )
    return ApiKey(mode=KeyMode(mode), cell=_from_base62(cell), name=name, secret=Secret(secret))


def secret_hash(secret: Secret) -> bytes:
    """What is stored of a key's secret: its SHA-256, 32 bytes. Only for secrets made here."""
    return sha256(_bytes(secret.reveal())).digest()


def secret_matches(secret: Secret, stored_hash: bytes) -> bool:
    """Whether the secret has this hash, in constant time."""
    return hmac.compare_digest(secret_hash(secret), stored_hash)


def new_form_key(cell: int) -> str:
    """The public name of a form in its address, `ff_`, cell (2) and 131 random bits (22 base62)."""
    _require_cell(cell)
    return f"ff_{_base62(cell, width=2)}{_random(22)}"


def form_key_cell(form_key: str) -> int:
    """The cell where the form lives; raises NotFound if this cannot be a form key."""
    found = _FORM_KEY.fullmatch(form_key)
    if found is None:
        raise NotFound("There is no form at this address.")
    return _from_base62(found.group(1))


def form_key_hash(form_key: str) -> bytes:
    """By what a form key is looked up: its SHA-256, 32 bytes."""
    return sha256(_bytes(form_key)).digest()


def _require_cell(cell: int) -> None:
    if not 0 <= cell <= MAX_CELL:
        raise ValueError(f"Keys carry cells 0 to {MAX_CELL}, not {cell}.")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), width=6)


def _base62(number: int, *, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits.rjust(width, "0")


def _from_base62(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 62 + BASE62.index(digit)
    return number
