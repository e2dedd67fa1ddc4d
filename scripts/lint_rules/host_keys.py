"""No SSH connection without a look at the server's key.

asyncssh takes `known_hosts=None` as "trust whoever answers"; the default, an absent argument, reads the
account's own file, which is another tenant's trust. Both are refused where the product connects.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from scripts.lint_rules.finding import Finding, Source

CONNECTING: Final = frozenset({"connect", "create_connection", "SSHClientConnectionOptions"})


def check(source: Source) -> Iterator[Finding]:
    """Finds calls that switch host-key checking off, or leave it to the account's file."""
    if source.tree is None or source.path.parts[0] != "src":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield from _in_call(source, node)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if _is(key, "known_hosts") and _is(value, None):
                    yield Finding(source, value.lineno, "known_hosts=None trusts every server; pin its key")


def _in_call(source: Source, call: ast.Call) -> Iterator[Finding]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "known_hosts" in given and _is(given["known_hosts"], None):
        yield Finding(source, call.lineno, "known_hosts=None trusts every server; pin its key")
    elif _opens_ssh(call.func) and not given.keys() & {"known_hosts", None, "options"}:
        yield Finding(source, call.lineno, "known_hosts is missing: it would read the account's own file")


def _opens_ssh(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in CONNECTING
        and isinstance(function.value, ast.Name)
        and function.value.id == "asyncssh"
    )


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value
