"""Values that go wrong in careless hands."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "unicode": "Zoë Łódź Ω 漢字 ไทย",
    "emoji": "👩‍👩‍👧‍👦 👋🏽 🇨🇿",
    "right to left": "שלום عالم \u202b(1)\u202c",
    "combining": "e\u0301 n\u0303 is not é ñ",
    "beyond the first plane": "𝒳 𐍈 🜚",
    "quotes": "\"double\" 'single' \\back\\slash `tick`",
    "newlines": "first\nsecond\n\nfourth",
    "html": "<b>&amp;</b><script>alert(1)</script>",
    "markup": "*bold* {code} [link|https://example.com] h1. !image.png!",
    "template": "{{name}} ${env} %s {0} %%name%%",
    "query": "'; DROP TABLE x; -- AND 1=1 ^ORDERBYx",
    "path": "../../etc/passwd \\\\host\\share",
    "separators": "a,b;c|d\te",
    "word null": "null",
    "word true": "true",
    "digits": "007",
    "large digits": "12345678901234567890",
    "exponent": "1e3",
    "json": '{"a": [1, null]}',
    "date": "2026-02-30",
    "formula": "=1+1",
    "minus": "-5",
    "at": "@SUM(A1)",
    "zero width": "a\u200bb\u2060c",
    "inner spaces": "a  b   c",
    "byte order mark": "\ufeffa",
    "no break space": "a\u00a0b",
    "line separator": "a\u2028b\u2029c",
}
"""Each is one text that any system should keep."""

EDGES: Mapping[str, str] = {
    "outer spaces": "  a  ",
    "carriage returns": "a\r\nb\rc",
    "nul": "a\x00b",
    "control": "a\x01\x1fb",
    "half a surrogate pair": "a\ud800b",
    "not a character": "a\ufffeb",
    "only spaces": "   ",
}
"""Each is a text that many systems change or refuse."""

NUMBERS: Mapping[str, int | float] = {
    "zero": 0,
    "negative": -1,
    "small": 0.01,
    "tenth": 0.1,
    "large": 999,
    "larger": 999.99,
    "too many decimals": 0.123456789,
    "exact limit": 9_007_199_254_740_991,
    "beyond": 1e21,
}
