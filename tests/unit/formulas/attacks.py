"""What tenants could type to hurt: each a formula and the values of a record, by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from formlane.domain.types import Value
from formlane.formulas.limits import TEXT_CHARACTERS

FULL = "x" * TEXT_CHARACTERS
HUGE = " ab" * 700_000
LAST_MOMENT = dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=14)))

Attack = tuple[str, str, dict[str, Value]]


def _growth(times: int) -> str:
    source = "notes"
    for _ in range(times):
        source = f'SUBSTITUTE({source}, "x", "xxxxxxxx")'
    return source


def _nested(opening: str, times: int, closing: str = "", inner: str = "age") -> str:
    return opening * times + inner + closing * times


LOOPS: list[Attack] = [
    ("endless loop", "WHILE(TRUE, age)", {"age": 1}),
    ("recursion", "LET(f, LAMBDA(x, f(x)), f(1))", {}),
    ("nested map of depth 6", _nested("MAP(topics, ", 6, ")"), {"topics": ("a",) * 30}),
    ("cross join", "SELECT(age, FROM(age, age, age))", {"age": 1}),
    ("self reference", "age(age(age))", {"age": 1}),
]

GROWTH: list[Attack] = [
    ("text doubled 30 times by &", "&".join(["notes"] * 240), {"notes": FULL}),
    ("doubling in parentheses", _nested("(", 6, " & notes & notes & notes)", "notes"), {"notes": FULL}),
    ("growth 8^12 by SUBSTITUTE", _growth(12), {"notes": "x"}),
    ("growth of one SUBSTITUTE", f'SUBSTITUTE(notes, "x", "{"y" * 3000}")', {"notes": FULL}),
    ("growth of a later occurrence", 'SUBSTITUTE(notes, "x", notes, 30000)', {"notes": FULL}),
    ("growth of capitals", "UPPER(notes)", {"notes": "\u0390" * TEXT_CHARACTERS}),
    ("map(v, v+v)", "MAP(topics, topics & topics)", {"topics": ("a",)}),
    ("a list of choices as text", "TEXT(topics) & 1", {"topics": ("x" * 1000,) * 1000}),
    ("one huge repeat", 'REPT("x", 2000000000)', {}),
    ("one huge pad", 'LPAD("x", 2000000000, " ")', {}),
    ("huge count for LEFT", "LEFT(notes, 2000000000)", {"notes": "abc"}),
    ("huge count for RIGHT", "RIGHT(notes, 1000000000000000000)", {"notes": "abc"}),
    ("huge count for MID", "MID(notes, 999999999999999999, 999999999999999999)", {"notes": "abc"}),
    ("huge count from a record", "LEFT(notes, amount)", {"notes": "abc", "amount": Decimal("1E+99")}),
    ("huge occurrence", 'SUBSTITUTE(notes, "x", "y", 999999999999999999)', {"notes": FULL}),
    ("format width", f'TEXT(age, "{"0" * 3000}")', {"age": 1}),
    ("format width in words", 'TEXT(age, "%2000000000d")', {"age": 1}),
    ("f-string width", 'DATE_FORMAT(born, "{0:>2000000000}")', {"born": dt.date(2026, 1, 1)}),
    ("rounding to many places", "ROUND(amount, 999999999)", {"amount": Decimal("1.5")}),
    ("rounding to many hundreds", "ROUND(amount, age)", {"amount": Decimal("1.5"), "age": -(10**17)}),
    ("list of 3*10^8", "SEQUENCE(300000000)", {}),
    ("huge input trimmed", "&".join(["TRIM(notes)"] * 100), {"notes": HUGE}),
    ("huge input searched", 'OR(CONTAINS(notes, "abb"), FIND("abb", notes) > 0)', {"notes": HUGE}),
    ("huge input compared", "notes = last_name", {"notes": HUGE, "last_name": HUGE.upper()}),
]

INTEGERS: list[Attack] = [
    ("9**99999", "9**99999", {}),
    ("9^99999", "9^99999", {}),
    ("chain of squares", _nested("(", 30, ") * age", "age * age"), {"age": 10**9}),
    ("product of many", "*".join(["age"] * 49), {"age": 10**18}),
    ("product of many decimals", "*".join(["amount"] * 49), {"amount": Decimal("9E+99")}),
    ("factorial", "FACT(100000)", {}),
    ("shift", "age << 1000000", {"age": 1}),
    ("long literal", "9" * 3999, {}),
    ("long literal with fraction", "1." + "9" * 3990, {}),
    ("enormous input", "age + 1", {"age": 10**100_000}),
    ("division of tiny numbers", "amount / amount / amount", {"amount": Decimal("1E-99")}),
]

PATTERNS: list[Attack] = [
    ("regex (a+)+$", 'REGEX(notes, "(a+)+$")', {"notes": "a" * 40 + "!"}),
    ("pattern in SUBSTITUTE", 'SUBSTITUTE(notes, "(a+)+$", "")', {"notes": "a" * 32_000 + "!"}),
    (
        "needle almost everywhere",
        "CONTAINS(notes, last_name)",
        {"notes": "a" * 32_000, "last_name": "a" * 999 + "b"},
    ),
    ("quotes in a date pattern", 'DATE_FORMAT(born, "' + "'a" * 900 + '")', {"born": dt.date(2026, 1, 1)}),
    ("letters in a date pattern", 'DATE_FORMAT(born, "' + "M" * 3000 + '")', {"born": dt.date(2026, 1, 1)}),
    ("long number to read", "VALUE(notes)", {"notes": "1" * 32_000 + "x"}),
    ("long sign to read", "VALUE(notes)", {"notes": "-" * 32_000}),
]

SHAPES: list[Attack] = [
    ("20,000 nested parentheses", _nested("(", 20_000, ")"), {"age": 1}),
    ("1,990 nested parentheses", _nested("(", 1_990, ")"), {"age": 1}),
    ("1,990 open parentheses", "(" * 1_990, {}),
    ("3,999 closing parentheses", ")" * 3_999, {}),
    ("20,000 terms joined", "&".join(["age"] * 20_000), {"age": 1}),
    ("1,333 terms joined", "&".join(["12"] * 1_333), {}),
    ("250 terms joined", "&".join(["age"] * 250), {"age": 1}),
    ("250 terms added", "+".join(["age"] * 250), {"age": 1}),
    ("20,000 unary minus", _nested("-", 20_000), {"age": 1}),
    ("3,900 unary minus", _nested("- ", 1_950), {"age": 1}),
    ("49 unary minus", _nested("-", 49), {"age": 1}),
    ("mixed signs and parentheses", _nested("-(", 900, ")"), {"age": 1}),
    ("400 nested calls", _nested("TRIM(", 400, ")"), {"age": 1}),
    ("48 nested calls", _nested("PROPER(", 48, ")", "notes"), {"notes": "ab " * 10_000}),
    ("500 nested IF", _nested("IF(TRUE,", 280, ",1)"), {"age": 1}),
    ("48 nested IF", _nested("IF(age=2,1,", 48, ")"), {"age": 1}),
    ("lookup table of 10^5", "CASE(age," + ",".join(f"{n},{n}" for n in range(100_000)) + ")", {"age": 1}),
    ("lookup table of 240", "CASE(age," + ",".join(f"{n},{n}" for n in range(240)) + ")", {"age": 1}),
    ("255 arguments", "OR(" + ",".join(["age=2"] * 160) + ")", {"age": 1}),
    ("255 arguments to two", "LEFT(" + ",".join(["age"] * 255) + ")", {"age": 1}),
    ("3,900 commas", "COALESCE(" + "," * 3_900 + ")", {}),
    ("1,000 unknown names", " & ".join(f"n{n}" for n in range(240)), {}),
    ("1,000 similar functions", " & ".join(f"TRIMM{n}(1)" for n in range(240)), {}),
    ("120 comparisons of long texts", "OR(" + ",".join(["UPPER(notes)=last_name&1"] * 80) + ")",
     {"notes": "\u03b1\u0392 " * 10_900, "last_name": "\u0391\u03b2 " * 10_900}),
    ("60 comparisons of long texts", "OR(" + ",".join(["notes=last_name"] * 30) + ")",
     {"notes": "\u03b1\u0392 " * 10_900, "last_name": "\u0391\u0392 " * 10_900}),
    ("64 searches", "OR(" + ",".join(["CONTAINS(notes,last_name)"] * 64) + ")",
     {"notes": "ab" * 16_384, "last_name": "ab" * 40 + "aa" + "ab" * 40}),
    ("150 operations on long texts", "OR(" + ",".join(["EXACT(PROPER(notes),email)"] * 124) + ")",
     {"notes": "\U0001f600\u0390 " * 2_700}),
]  # fmt: skip

ESCAPES: list[Attack] = [
    ("dunder name", "__class__", {}),
    ("attribute", "notes.__class__", {"notes": "x"}),
    ("attribute chain", "notes.__class__.__mro__[1].__subclasses__()", {"notes": "x"}),
    ("call of a builtin", '__import__("os")', {}),
    ("call of eval", 'EVAL("1")', {}),
    ("format fields", '"{0.__class__} {values} %s %(x)s"', {}),
    ("format fields in a date", "DATE_FORMAT(born, \"{'0.year'}%s\")", {"born": dt.date(2026, 1, 1)}),
    ("quotes", '"a""b\'c" & \'d""e\'', {}),
    ("triple quotes", '"""""" & "x"', {}),
    ("newline", '"a\nb"', {}),
    ("return within a text", '"\rimport os"', {}),
    ("NUL", '"a\0b"', {}),
    ("NUL between", "age\0", {}),
    ("lone surrogate", '"\ud800"', {}),
    ("lone surrogate in a name", "ag\udce9", {}),
    ("backslash at the end", '"\\"', {}),
    ("backslash and quote", '"\\" & "" + x #"', {}),
    ("escaped unicode", r'"\u0022 + age"', {}),
    ("line separator", '"\u2028x"', {}),
    ("direction override", '"\u202e" & age', {}),
    ("comment", "age # comment", {}),
    ("statement", "age; age", {}),
    ("walrus", "(v1 := age)", {}),
    ("generated variable", "v1", {}),
    ("generated input", "i0 & i1", {}),
    ("runtime function", "too_long()", {}),
    ("lambda", "lambda: 0", {}),
    ("full-width letters", "\uff34\uff32\uff29\uff2d(age)", {}),
    ("byte order mark", "\ufeffage", {}),
]

DATES: list[Attack] = [
    ("year 0", "DATE(0, 1, 1)", {}),
    ("negative year", "DATE(-1, 1, 1)", {}),
    ("year 10000", "DATE(10000, 1, 1)", {}),
    ("huge year", "DATE(999999999999999999, 1, 1)", {}),
    ("9999-12-31 plus one day", "DATE(9999, 12, 31) + 1", {}),
    ("0001-01-01 minus one day", "DATE(1, 1, 1) - 1", {}),
    ("many days", "born + 999999999999999999", {"born": dt.date(2026, 1, 1)}),
    ("30 February", "DATE(2026, 2, 30)", {}),
    ("29 February", 'DATEVALUE("2025-02-29")', {}),
    ("month 13", "DATE(2026, 13, 1)", {}),
    ("leap second", 'DATETIMEVALUE("2016-12-31T23:59:60Z")', {}),
    ("offset +14", 'DATETIMEVALUE("2026-01-01T00:00:00+14:00")', {}),
    ("offset -14", 'DATETIMEVALUE("2026-01-01T00:00:00-14:00")', {}),
    ("offset +24", 'DATETIMEVALUE("2026-01-01T00:00:00+24:00")', {}),
    ("offset beyond the first year", 'DATETIMEVALUE("0001-01-01T00:00:00+14:00")', {}),
    ("offset beyond the last year", 'DATETIMEVALUE("9999-12-31T23:59:59-14:00")', {}),
    ("input beyond the last year", "sent", {"sent": LAST_MOMENT}),
    ("24 o'clock", 'DATETIMEVALUE("2026-01-01T24:00:00Z")', {}),
    ("DST gap", 'DATETIMEVALUE("2026-03-29T02:30:00")', {}),
    ("week date", 'DATEVALUE("2026-W05-6")', {}),
    ("compact date", 'DATEVALUE("20260131")', {}),
    ("full-width date", 'DATEVALUE("\uff12\uff10\uff12\uff16-\uff10\uff11-\uff13\uff11")', {}),
    ("Arabic date", 'DATEVALUE("\u0662\u0660\u0662\u0666-01-31")', {}),
    ("long date", "DATEVALUE(notes)", {"notes": "2026-01-31" * 3000}),
    ("long time", "DATETIMEVALUE(notes)", {"notes": "2026-01-31T00:00:00" + "0" * 30_000}),
]  # fmt: skip

NUMBERS: list[Attack] = [
    ("NaN", "amount + 1", {"amount": Decimal("NaN")}),
    ("signalling NaN", "amount = amount", {"amount": Decimal("sNaN")}),
    ("infinity", "amount - amount", {"amount": Decimal("Infinity")}),
    ("NaN as text", 'VALUE("NaN")', {}),
    ("infinity as text", 'VALUE("-inf")', {}),
    ("minus zero", "TEXT(-amount) & TEXT(amount * -1)", {"amount": Decimal(0)}),
    ("minus zero as input", "amount", {"amount": Decimal("-0")}),
    ("1e308 * 10", "amount * 10", {"amount": Decimal("1E+308")}),
    ("exponent as text", 'VALUE("1e308")', {}),
    ("enormous exponent", "amount + 1", {"amount": Decimal("1E+999999")}),
    ("tiny exponent", "TEXT(amount)", {"amount": Decimal("1E-999999")}),
    ("5,000 digits", "TEXT(amount)", {"amount": Decimal("1" * 60 + "." + "1" * 5000)}),
    ("5,000 digits times", "amount * amount", {"amount": Decimal("0." + "3" * 5000)}),
    ("5,000 digits as text", "VALUE(notes)", {"notes": "1" * 5000}),
    ("locale digits", 'VALUE("1.234,56")', {}),
    ("thousands", 'VALUE("1,234")', {}),
    ("Arabic digits", 'VALUE("\u0661\u0662")', {}),
    ("full-width digits", 'VALUE("\uff11\uff12")', {}),
    ("full-width digits in the source", "\uff11\uff12", {}),
    ("superscript digits", 'VALUE("\u00b2")', {}),
    ("underscores", 'VALUE("1_000")', {}),
    ("float in place of a decimal", "amount + 1", {"amount": 1e308}),
    ("zero by zero", "amount / amount", {"amount": Decimal(0)}),
]

TEXTS: list[Attack] = [
    ("combining mark cut", "LEFT(notes, 1)", {"notes": "e\u0301"}),
    ("emoji cut", "LEFT(notes, 1) & RIGHT(notes, 1) & MID(notes, 2, 1)", {"notes": "\U0001f600\U0001f468"}),
    ("joined emoji cut", "LEFT(notes, 2)", {"notes": "\U0001f468\u200d\U0001f469\u200d\U0001f467"}),
    ("right to left", "PROPER(RIGHT(notes, 3))", {"notes": "\u05e9\u05dc\u05d5\u05dd \u202eabc"}),
    ("zero-width", "TRIM(notes)", {"notes": "\u200b \u200b"}),
    ("lone surrogate in a record", "UPPER(notes) & LEFT(notes, 1)", {"notes": "\ud83d\ude00"}),
]

ATTACKS = [*LOOPS, *GROWTH, *INTEGERS, *PATTERNS, *SHAPES, *ESCAPES, *DATES, *NUMBERS, *TEXTS]
