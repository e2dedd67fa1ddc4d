from __future__ import annotations

from decimal import Decimal

import pytest

from formlane.domain.flows import FieldMapping, Source, SourceKind
from formlane.domain.outcomes import Reason
from formlane.domain.types import FieldType
from formlane.mapping.limits import LineFault, check_limits, digits_test


def line(digits: int | None, decimals: int | None, kind: FieldType = FieldType.DECIMAL) -> FieldMapping:
    source = Source(kind=SourceKind.INPUT, input="price")
    return FieldMapping(target="Price", source=source, type=kind, digits=digits, decimals=decimals)


@pytest.mark.parametrize(
    ("digits", "decimals", "value"),
    [
        (5, 2, "999.99"),
        (5, 2, "-999.990000"),
        (5, None, "0.12345"),
        (5, None, "12345"),
        (None, 0, "7.000"),
        (None, 2, "99999999999999999999999999999999999.25"),
        (2, 2, "0.25"),
    ],
)
def test_numbers_within_their_digits_pass(digits: int | None, decimals: int | None, value: str) -> None:
    check_limits(line(digits, decimals), Decimal(value))
    with pytest.raises(LineFault):
        check_limits(line(digits, decimals), Decimal(f"{10**37}.125"))


@pytest.mark.parametrize(
    ("digits", "decimals", "value", "words"),
    [
        (
            5,
            2,
            "1.125",
            "has 3 decimal places, the destination keeps 2; round it, for instance with ROUND(…, 2)",
        ),
        (5, 2, "1000", "has 4 digits before the point, the destination takes 3"),
        (5, None, "-1234.56", "has 6 digits, the destination takes 5"),
        (2, 2, "1", "has 1 digits before the point, the destination takes 0"),
        (None, 0, "0.0000000000000000000000000000000000001", "has 37 decimal places"),
    ],
)
def test_numbers_beyond_their_digits_are_told_and_not_rounded(
    digits: int | None, decimals: int | None, value: str, words: str
) -> None:
    with pytest.raises(LineFault) as fault:
        check_limits(line(digits, decimals), Decimal(value))
    assert words in fault.value.message
    assert fault.value.reason is Reason.INVALID_VALUE


def test_whole_numbers_count_too_and_text_does_not() -> None:
    with pytest.raises(LineFault, match="has 4 digits"):
        check_limits(line(3, None, FieldType.INTEGER), 1234)
    check_limits(line(3, 1, FieldType.STRING), "1234.56")


@pytest.mark.parametrize(("value", "kept"), [(12.5, True), (1234.5, False), (12345, False), ("0.5", True)])
def test_the_quick_test_counts_digits_alone_too(value: float | str, *, kept: bool) -> None:
    assert digits_test(line(4, None))(value) is kept
