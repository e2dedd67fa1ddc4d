"""File and directory names: pure functions of what was sealed, never of an attempt."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

DEFAULT_TEMPLATE = "{tenant}_{flow}_{ts}_{seq:08}_{batch8}.{ext}"

LONGEST_NAME = 200
"""Bytes of a final name, so that prefix, attempt and `.part` fit in the usual 255."""

LONGEST_PATH = 900
"""Bytes of a path; keys of S3-backed servers end at 1,024."""

LONGEST_PLAIN_NAME = 40
"""Characters that the name of a tenant, flow or form takes; the rest is cut off."""

VARIABLES = frozenset(
    {"tenant", "flow", "form", "ts", "ts_ms", "date", "hour", "seq", "batch_id", "batch8", "rows", "ext"}
)
UNIQUE = frozenset({"seq", "batch_id", "batch8"})
"""One of these must be in a file name: a time in seconds alone collides."""

_VARIABLE = re.compile(r"\{([a-z_0-9]*)(?::0?([0-9]{1,2}))?\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with or without an extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a name may depend on; fixed when the content is sealed."""

    call: UUID
    sequence: int
    sealed_at: dt.datetime
    rows: int
    extension: str
    names: Mapping[str, str]

    @property
    def batch8(self) -> str:
        """Eight hexadecimal digits of the call's id."""
        return self.call.hex[:8]

    def values(self) -> dict[str, str]:
        """Text of every variable, safe in a file name."""
        at = self.sealed_at.astimezone(dt.UTC)
        plain = {
            name: safe(self.names.get(name, ""))[:LONGEST_PLAIN_NAME] for name in ("tenant", "flow", "form")
        }
        return plain | {
            "ts": at.strftime("%Y%m%dT%H%M%SZ"),
            "ts_ms": at.strftime("%Y%m%dT%H%M%S") + f"{at.microsecond // 1000:03}Z",
            "date": at.strftime("%Y-%m-%d"),
            "hour": at.strftime("%H"),
            "seq": str(self.sequence),
            "batch_id": str(self.call),
            "batch8": self.batch8,
            "rows": str(self.rows),
            "ext": self.extension,
        }


def safe(text: str) -> str:
    """The text with everything but ASCII letters, digits, `.`, `_` and `-` replaced by `_`."""
    return _UNSAFE.sub("_", text)


def file_name(template: str, naming: Naming) -> str:
    """The final name. Raises ValueError when it is longer than servers take."""
    name = safe(_filled(template, naming.values()))
    if name[:1] in {".", "-"}:
        name = "_" + name[1:]
    if _RESERVED.fullmatch(name):
        name = "_" + name
    if name.endswith("."):
        name = name[:-1] + "_"
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the file name would be longer than {LONGEST_NAME} bytes")
    return name


def directory_path(template: str, naming: Naming) -> str:
    """A relative directory, each part safe; empty for none."""
    if not template:
        return ""
    parts = _filled(template, naming.values()).rstrip("/").split("/")
    return "/".join("_" if part in {"", ".", ".."} else part for part in parts)


def temp_name(final: str, batch8: str, attempt: int) -> str:
    """The name of one attempt's upload; known to nobody else, hence evidence."""
    return f".{final}.{batch8}.{attempt}.part"


def joined(*parts: str) -> str:
    """One path of non-empty parts; a leading `/` of the first is kept."""
    kept = [part for part in parts if part not in {"", "."}]
    return "/".join(part.rstrip("/") if part != "/" else "" for part in kept) or "."


def template_faults(template: str) -> list[str]:
    """What is wrong with a file template, in plain words; empty if nothing."""
    faults = _variable_faults(template)
    rest = _VARIABLE.sub("", template)
    if unsafe := _UNSAFE.search(rest):
        faults.append(f"holds {unsafe.group()!r}; letters, digits, '.', '_', '-' and variables are allowed.")
    if not {match.group(1) for match in _VARIABLE.finditer(template)} & UNIQUE:
        faults.append("needs {seq}, {batch_id} or {batch8}, else two files could have one name.")
    if not faults and _longest(template) > LONGEST_NAME:
        faults.append(f"can give names longer than {LONGEST_NAME} bytes; shorten it.")
    return faults


def directory_faults(path: str, *, relative: bool) -> list[str]:
    """What is wrong with a directory or its template, in plain words; empty if nothing."""
    faults = _variable_faults(path) if relative else []
    parts = path.split("/")
    if path.startswith("/"):
        if relative:
            faults.append("must not begin with '/': it is below the connection's directory.")
        parts = parts[1:]
    if path.endswith("/"):
        parts = parts[:-1]
    if any(part in {"", ".."} or (part == "." and len(parts) > 1) for part in parts) and path not in {
        "",
        "/",
        ".",
    }:
        faults.append("must not have empty parts, '.' or '..'.")
    if any(ord(character) < 32 or character == "\x7f" for character in path):
        faults.append("must not hold control characters.")
    if len(path.encode("utf-8", "replace")) > LONGEST_PATH - LONGEST_NAME:
        faults.append(f"must not be longer than {LONGEST_PATH - LONGEST_NAME} bytes.")
    return faults


def _filled(template: str, values: Mapping[str, str]) -> str:
    def text(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        return value.zfill(int(match.group(2))) if match.group(2) else value

    return _VARIABLE.sub(text, template)


def _variable_faults(template: str) -> list[str]:
    faults = []
    for match in _VARIABLE.finditer(template):
        if match.group(1) not in VARIABLES:
            known = ", ".join(sorted(VARIABLES))
            faults.append(f"has the unknown variable {{{match.group(1)}}}; known are {known}.")
        elif match.group(2) and match.group(1) not in {"seq", "rows"}:
            faults.append(f"cannot pad {{{match.group(1)}}} with zeros; only seq and rows can be.")
    if "{" in _VARIABLE.sub("", template) or "}" in _VARIABLE.sub("", template):
        faults.append("has a brace without its partner.")
    return faults


def _longest(template: str) -> int:
    """Bytes of the longest name the template can give."""
    widths = {"ts": 16, "ts_ms": 19, "date": 10, "hour": 2, "seq": 12, "rows": 8, "batch_id": 36, "batch8": 8}
    widths |= {"ext": len("jsonl.gz")} | dict.fromkeys(("tenant", "flow", "form"), LONGEST_PLAIN_NAME)
    total = len(_VARIABLE.sub("", template))
    for match in _VARIABLE.finditer(template):
        total += max(widths.get(match.group(1), 0), int(match.group(2) or 0))
    return total
