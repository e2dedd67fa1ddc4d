"""Runs every rule over the files of the repository: `python -m scripts.lint_rules`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.lint_rules import host_keys, sizes, skips, tied_words, vendor_names
from scripts.lint_rules.finding import Finding, Rule, Source

RULES: Final[dict[str, Rule]] = {
    "host-keys": host_keys.check,
    "sizes": sizes.check,
    "skips": skips.check,
    "tied-words": tied_words.check,
    "vendor-names": vendor_names.check,
}


def main() -> int:
    """Prints what was found; 1 if there was anything."""
    found = [
        f"{finding} [{name}]"
        for source in read_sources(Path.cwd())
        for name, rule in RULES.items()
        for finding in rule(source)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in sorted(found)))
    return 1 if found else 0


def read_sources(root: Path) -> Iterator[Source]:
    """Text files that git tracks or would track, but not what others wrote or tools generated."""
    for name in _names(root):
        path = root / name
        if not path.is_file() or path.suffix == ".lock":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not a text
        yield Source.read(name, text)


def _names(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the PATH
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(filter(None, set(listed.stdout.split("\0"))))


__all__ = ["RULES", "Finding", "main", "read_sources"]

if __name__ == "__main__":
    sys.exit(main())
