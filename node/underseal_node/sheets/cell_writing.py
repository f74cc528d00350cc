"""From the value of a property to what is written into a cell; `cells` reads it back.

Negative numbers are numbers. A number is a text if a number cell would not give it back digit for
digit: it has more digits than a spreadsheet keeps, or zeros at its end. Where a text could be read
in two ways, or is a share with zeros at its end, it has an exponent: `1.250` is `1250e-3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell

from underseal_node.sheets.columns import Column, Kind
from underseal_node.sheets.formulas import neutral
from underseal_node.sheets.numbers import MAX_EXPONENT, SIGNIFICANT_DIGITS, text_of_number
from underseal_node.sheets.problems import CellError
from underseal_protocol.decimals import format_decimal

__all__ = ["Written", "set_cell", "written"]

Written: TypeAlias = str | int | float | datetime

MAX_CELL_CHARACTERS = 32_767
BETWEEN = " | "
DATES_FROM = 1901  # before, spreadsheets count days in different ways

_MIDNIGHT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T00:00:00Z")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")  # or three digits after the mark
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def written(value: Any, column: Column) -> Written:
    """What is written into a cell.

    Args:
        value: as JSON has it.
        column: that the cell is in.

    Raises:
        CellError: a workbook cannot hold it.
    """
    kind = column.kind
    if kind is Kind.SHARE:
        return _share(str(value))
    if kind.is_numeric:
        return _number(str(value))
    if kind is Kind.YEAR:
        return int(value)
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if kind is Kind.TIME:
        return _time(str(value))
    if kind is Kind.RULES:
        return _text(BETWEEN.join(_rules(value)))
    if kind is Kind.AMOUNTS:
        return _text(BETWEEN.join(_digits(str(one)) for one in value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _text(BETWEEN.join(map(str, value)))
    return _text(str(value))


def set_cell(cell: Cell, value: Written) -> None:
    """Write into a cell; a text as a text, whatever it looks like."""
    if isinstance(value, str):
        cell.value = _ESCAPE.sub("_x005F_", value)
        cell.data_type = "s"
    else:
        cell.value = value
    if isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd"


def _share(share: str) -> Written:
    """In percent."""
    if "/" in share:
        percent = Fraction(share) * 100
        return neutral(f"{percent.numerator}/{percent.denominator}")
    if "." in share and share.endswith("0") and len(share) <= MAX_EXPONENT:
        return neutral(_with_exponent(share, 2))
    return _number(format_decimal(Decimal(share).scaleb(2)))


def _number(text: str) -> Written:
    if "/" in text:
        return neutral(text)
    number = float(text)
    if abs(number) < 10**SIGNIFICANT_DIGITS and text_of_number(number) == text:
        return number
    return neutral(_digits(text))


def _digits(text: str) -> str:
    """A number as a text that can be read in one way only."""
    return _with_exponent(text) if _THOUSANDS.fullmatch(text) else text


def _with_exponent(text: str, shift: int = 0) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}{fraction}e{shift - len(fraction)}"


def _time(text: str) -> Written:
    found = _MIDNIGHT.fullmatch(text)
    if found is None or int(found[1]) < DATES_FROM:
        return neutral(text)
    return datetime(int(found[1]), int(found[2]), int(found[3]))  # noqa: DTZ001 - sheets know none


def _rules(rules: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for rule in rules:
        operator = rule.get("otherOperatorName") or rule.get("operator")
        for name in rule.get("ruleNames", ()):
            yield f"{operator}: {name}"


def _text(text: str) -> str:
    if ILLEGAL_CHARACTERS_RE.search(text):
        raise CellError(f"{text[:60]!r} has control characters", hint="A workbook has none.")
    text = neutral(text)
    if len(text) > MAX_CELL_CHARACTERS:
        raise CellError(
            f"{text[:60]!r}... has {len(text)} characters",
            hint=f"A cell holds {MAX_CELL_CHARACTERS}.",
        )
    return text
