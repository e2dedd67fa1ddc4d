"""How the command line says that something did not work."""

from __future__ import annotations

from formlane.cli.output import harmless
from formlane.errors import FormlaneError, Problem

LISTED = 20
"""Faults told one by one; the last line says how many more there are."""


class ServerRefused(FormlaneError):  # noqa: N818 - the family is named for what happened
    """The server answered with a problem document (RFC 9457), or with something that is none.

    `retry_after` in seconds, None when the server named no time.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        problems: tuple[Problem, ...] = (),
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.problems = problems
        self.retryable = retryable
        self.retry_after = retry_after


def told(fault: FormlaneError) -> str:
    """The fault for a person: a line, and one more for each place in what was sent."""
    problems: tuple[Problem, ...] = getattr(fault, "problems", ())
    lines = [f"formlane: {harmless(str(fault))}"]
    lines += [f"  {harmless(one.pointer or '(all)')}: {harmless(one.message)}" for one in problems[:LISTED]]
    if len(problems) > LISTED:
        lines.append(f"  … and {len(problems) - LISTED} more.")
    return "\n".join(lines) + "\n"
