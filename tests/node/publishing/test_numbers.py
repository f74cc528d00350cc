"""A number in a sheet is what a person sees in the cell, or it is refused."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.sheets.numbers import decimal_mark, number_of_text, text_of_number
from underseal_node.sheets.problems import CellError
from underseal_protocol.decimals import format_decimal, parse_decimal

CERTAIN = [
    ("12", "12"),
    ("-3", "-3"),
    ("+3", "3"),
    ("12.5", "12.5"),
    ("12,5", "12.5"),
    ("0.412", "0.412"),
    ("0,412", "0.412"),
    ("-0,412", "-0.412"),
    ("1.2340", "1.2340"),
    ("1,23", "1.23"),
    ("1234,567", "1234.567"),
    ("1.234,5", "1234.5"),
    ("1,234.567", "1234.567"),
    ("1.234.567", "1234567"),
    ("1,234,567", "1234567"),
    ("1,234,567.89", "1234567.89"),
    ("1 234,5", "1234.5"),
    ("1\N{NO-BREAK SPACE}234.5", "1234.5"),
    ("1\N{NARROW NO-BREAK SPACE}234", "1234"),
    ("1'234'567.5", "1234567.5"),
    (" 7 ", "7"),
    (".5", "0.5"),
    ("\N{MINUS SIGN}4.34", "-4.34"),
    ("１２．５", "12.5"),
    ("1.2E-05", "0.000012"),
    ("1e3", "1000"),
    ("1234567890123456789012345678901234567.890", "1234567890123456789012345678901234567.890"),
]
NEITHER = ["1,234", "1.234", "12.345", "999,999", "-1,234", "1.234e2"]
NOT_NUMBERS = [
    "",
    "kg",
    "12 kg",
    "12.5.3",
    "1,2,3",
    "1.234,567.8",
    "1,234.567,8",
    "1.234.567.8",
    "12.",
    ",",
    "1 2",
    "1 2345",
    "--1",
    "1e999",
    "1e-51",
    "NaN",
    "Infinity",
    "0x10",
    "½",
    "12.5%",
    "٣",
]


@pytest.mark.parametrize(("text", "number"), CERTAIN)
def test_what_can_be_read_in_one_way_only_is_read(text: str, number: str) -> None:
    assert number_of_text(text, None) == number


@pytest.mark.parametrize("text", ["12,5", "0,412", "1.234,5", "1234,567"])
def test_that_is_so_whatever_the_mark_of_the_sheet(text: str) -> None:
    assert number_of_text(text, ".") == number_of_text(text, ",") == number_of_text(text, None)


@pytest.mark.parametrize("text", NEITHER)
def test_what_can_be_read_in_two_ways_is_refused_with_both(text: str) -> None:
    with pytest.raises(CellError, match=r"may be .* or ") as caught:
        number_of_text(text, None)
    assert caught.value.hint is not None
    # What the hint proposes is understood.
    assert number_of_text(caught.value.hint.split('"')[1], None)
    assert number_of_text(caught.value.hint.split('"')[3], None)


def test_the_mark_of_the_sheet_decides() -> None:
    assert number_of_text("1,234", ",") == "1.234"
    assert number_of_text("1.234", ".") == "1.234"


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("2.600", ",", "2600"),
        ("1,234", ".", "1234"),
        ("-999.999", ",", "-999999"),
        ("1.234e2", ",", "123400"),
    ],
)
def test_the_other_mark_separates_thousands(text: str, mark: str, number: str) -> None:
    assert number_of_text(text, mark) == number


@pytest.mark.parametrize(("text", "mark"), [("1.234.567", "."), ("1,234,567", ",")])
def test_thousands_are_not_separated_by_the_decimal_mark(text: str, mark: str) -> None:
    with pytest.raises(CellError, match="is not a number"):
        number_of_text(text, mark)


@pytest.mark.parametrize("text", NOT_NUMBERS)
@pytest.mark.parametrize("mark", [None, ",", "."])
def test_what_is_no_number_is_refused(text: str, mark: str | None) -> None:
    with pytest.raises(CellError, match="is not a number"):
        number_of_text(text, mark)


@pytest.mark.parametrize(
    ("texts", "separator", "mark"),
    [
        (["1", "2,5"], ";", ","),
        (["1,234", "0.5"], ";", "."),
        (["1,234", "1.234"], ";", None),
        (["0,5", "0.5"], "\t", None),
        (["1.234,5"], None, ","),
        (["1,234,567.8"], None, "."),
        (["1.234.567"], None, None),
        ([], ";", None),
        (["x", "kg 1,5"], ";", None),
        (["1.234"], ",", "."),
        (["1,234"], ",", None),
        (["1,234", "0.5"], ",", "."),
        (["1,5"], ",", None),
        (["1,5", "0.5"], ",", None),
    ],
)
def test_the_mark_is_what_the_certain_numbers_show(
    texts: list[str], separator: str | None, mark: str | None
) -> None:
    assert decimal_mark(texts, separator=separator) == mark


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (0.30000000000000004, "0.3"),
        (2.675, "2.675"),
        (1.1 * 3, "3.3"),
        (1e-7, "0.0000001"),
        (123456789012345.0, "123456789012345"),
        (4712345060507.0, "4712345060507"),
        (-0.0, "0"),
        (0, "0"),
        (7, "7"),
        (-12.5, "-12.5"),
        (1 / 3, "0.333333333333333"),
    ],
)
def test_a_number_cell_is_what_the_spreadsheet_shows(value: float, text: str) -> None:
    assert text_of_number(value) == text


@pytest.mark.parametrize("value", [1e15, -1e15, 1.5e300, float("inf"), float("nan"), 10**20])
def test_a_number_cell_with_lost_digits_is_refused(value: float) -> None:
    with pytest.raises(CellError, match="more digits"):
        text_of_number(value)


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_what_fits_into_15_digits_survives_a_number_cell(value: Decimal) -> None:
    assert Decimal(text_of_number(float(value))) == value


@given(st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: abs(d.adjusted()) < 40))
def test_the_text_of_a_decimal_survives_where_the_point_is_the_mark(value: Decimal) -> None:
    text = format_decimal(value)
    assert parse_decimal(number_of_text(text, ".")) == value


@given(st.text())
def test_any_text_is_a_decimal_or_refused(text: str) -> None:
    for mark in (None, ",", "."):
        with suppress(CellError):
            parse_decimal(number_of_text(text, mark))
