"""Why a runtime function has no result."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - becomes a FormulaFault before anybody else sees it
    """In plain words, without any value of the record."""
