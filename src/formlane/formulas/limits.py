"""What one formula may cost. Every bound is checked before the work it bounds."""

from __future__ import annotations

SOURCE_CHARACTERS = 4_000
"""Longest formula that is read at all."""

NODES = 500
"""Most names, literals, function calls and operators of one formula."""

DEPTH = 50
"""Deepest nesting, of parentheses and of the tree alike."""

TEXT_CHARACTERS = 32_768
"""Longest text that a formula makes or works on. A longer input may be passed on, or cut."""

BUSY_TEXT_OPERATIONS = 64
"""A formula with more text operations than this works on inputs up to `BUSY_TEXT_CHARACTERS` only."""

BUSY_TEXT_CHARACTERS = 8_192

LARGEST_INTEGER = 10**18
"""Whole numbers stay within ± this, so that they fit 64 bits everywhere."""

SIGNIFICANT_DIGITS = 34
"""Precision of decimal arithmetic (IEEE 754-2008 decimal128)."""

LARGEST_EXPONENT = 99
"""Decimal numbers stay below 10^100, so that one written out is at most some 140 characters long."""

PROBLEMS = 20
"""Most problems reported for one formula."""
