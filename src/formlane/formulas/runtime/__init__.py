"""The functions that generated code calls. They see typed values and raise `Refusal` or a trapped error."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from formlane.formulas.runtime import calendar, numbers, texts

RUNTIME: Mapping[str, Callable[..., object]] = {
    function.__name__: function
    for function in (
        texts.trim,
        texts.left,
        texts.right,
        texts.middle,
        texts.substitute,
        texts.substitute_nth,
        texts.contains,
        texts.includes,
        texts.find,
        texts.same_text,
        texts.too_long,
        texts.input_too_long,
        texts.text_of_boolean,
        texts.text_of_list,
        numbers.integer_input,
        numbers.decimal_input,
        numbers.add_integers,
        numbers.subtract_integers,
        numbers.multiply_integers,
        numbers.add_decimals,
        numbers.subtract_decimals,
        numbers.multiply_decimals,
        numbers.divide,
        numbers.negate_integer,
        numbers.negate_decimal,
        numbers.round_to_integer,
        numbers.round_to_decimal,
        numbers.decimal_of_integer,
        numbers.count_of,
        numbers.whole_of,
        numbers.number_of_text,
        numbers.text_of_integer,
        numbers.text_of_decimal,
        numbers.text_of_pattern,
        calendar.datetime_input,
        calendar.now,
        calendar.today,
        calendar.make_date,
        calendar.date_of_text,
        calendar.date_of_datetime,
        calendar.datetime_of_text,
        calendar.datetime_of_date,
        calendar.add_days,
        calendar.subtract_days,
        calendar.days_between,
        calendar.year_of,
        calendar.month_of,
        calendar.day_of,
        calendar.text_of_date,
        calendar.text_of_datetime,
        calendar.text_of_time,
        calendar.format_moment,
    )
} | {
    "len": len,
    "strip": str.strip,
    "proper": str.title,
    "upper": str.upper,
    "lower": str.lower,
    "fold": str.casefold,
}
"""Everything that generated code can name, besides its own constants: there are no builtins."""
