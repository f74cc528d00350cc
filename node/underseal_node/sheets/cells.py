"""From a cell of a sheet to the value of a property.

Nothing is guessed: what can be read in two ways is refused, with the way to write it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from underseal_node.sheets.columns import Column, Kind
from underseal_node.sheets.numbers import number_of_text, text_of_number
from underseal_node.sheets.problems import CellError
from underseal_protocol.carbon import UNITS
from underseal_protocol.criteria import fold
from underseal_protocol.decimals import format_decimal
from underseal_protocol.errors import TimeError, UnitError
from underseal_protocol.rollup.units import aliases_of, unit_of
from underseal_protocol.times import parse_time

__all__ = [
    "Cell",
    "Flaw",
    "Percentage",
    "calendar_time",
    "is_blank",
    "is_empty",
    "seen",
    "text_of_cell",
    "value_of",
]


@dataclass(frozen=True, slots=True)
class Percentage:
    """A number cell that is shown as a percentage: 0.54 is shown as 54 %."""

    value: float


@dataclass(frozen=True, slots=True)
class Flaw:
    """A cell that has no value to go by: a formula without a result, an error, ...

    Attributes:
        message: what is wrong with it.
        hint: what usually helps.
        is_covered: it is merged with another one.
        covered_by: the one of the same column that it is merged with, as people see that one in
            its place; None if it is of another column.
    """

    message: str
    hint: str
    is_covered: bool = False
    covered_by: Cell | None = None


Cell: TypeAlias = str | float | bool | datetime | date | time | timedelta | Percentage | Flaw

_ITEMS = re.compile(r"[|\r\n]+")
_OTHER_SEPARATOR = re.compile(r"[;,]")
_OTHER_SEPARATOR_OF_URNS = re.compile(r"[;,\s]\s*urn:", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_SHORT_YEAR = re.compile(r"([0-9]{1,2}\.[0-9]{1,2}\.)([0-9]{2})(?![0-9])")
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)
_CLOCK = re.compile(r"[ T]+([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2})?)")

_FLAGS = dict.fromkeys(("yes", "true", "ja", "wahr", "igen", "是"), True)
_FLAGS |= dict.fromkeys(("no", "false", "nein", "falsch", "nem", "否"), False)
_UNITS = aliases_of(UNITS)

_EXPONENT = re.compile(r"[0-9][eE]")

# One digit less than what may be in a document: it is divided by 100, or not.
_FRACTION = re.compile(r"-?[0-9]{1,190}/[1-9][0-9]{0,190}")
_WITH_FRACTIONS = (Kind.AMOUNT, Kind.IN_PERCENT)
_IN_PERCENT = Column("", Kind.IN_PERCENT, "")
_ONE_AMOUNT = Column("", Kind.AMOUNT, "")

TIME_HINT = "Write year, month and day: 2025-01-31; or 31.01.2025."


def is_empty(cell: Cell) -> bool:
    """Whether nothing is in it."""
    return isinstance(cell, str) and not cell.strip()


def is_blank(cell: Cell) -> bool:
    """Whether nothing of its own is in it, but perhaps of a cell that it is merged with."""
    return is_empty(cell) or (isinstance(cell, Flaw) and cell.is_covered)


def seen(cell: Cell) -> Cell:
    """What people see in a cell: of cells merged in a column, what is in the first one.

    For texts and dates, which are said once for several rows. A number might be of all the rows
    together.
    """
    if isinstance(cell, Flaw) and cell.covered_by is not None:
        return cell.covered_by
    return cell


def value_of(cell: Cell, column: Column, mark: str | None) -> Any:
    """The value of a property.

    Args:
        cell: not empty.
        column: which property.
        mark: the decimal mark of the sheet, if it is known.

    Raises:
        CellError: it cannot be understood.
    """
    if isinstance(cell, Flaw):
        raise CellError(cell.message, hint=cell.hint)
    if column.kind.is_numeric:
        return _number(cell, column, mark)
    if column.kind is Kind.AMOUNTS:
        return _numbers(cell, column, mark)
    if column.kind is Kind.TIME:
        return _time(cell)
    if column.kind is Kind.FLAG:
        return _flag(cell)
    return _TEXTUAL[column.kind](text_of_cell(cell), column)


def text_of_cell(cell: Cell) -> str:
    """What is written in a cell for texts.

    Raises:
        CellError: it is not a text, and what its text would be is uncertain.
    """
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return text_of_number(cell)
    if isinstance(cell, Flaw):
        raise CellError(cell.message, hint=cell.hint)
    what = {bool: "true or false", Percentage: "a percentage"}.get(type(cell), "a date or time")
    raise CellError(f"the cell holds {what}, expected a text", hint="Format the cell as text.")


def _number(cell: Cell, column: Column, mark: str | None) -> str:
    if column.kind is Kind.SHARE:
        percent = _number(cell, _IN_PERCENT, mark)
        if isinstance(cell, str) and "/" in cell:
            return str(Fraction(percent) / 100)
        has_exponent = isinstance(cell, str) and _EXPONENT.search(cell) is not None
        return _share_of(percent, exactly=has_exponent)
    if isinstance(cell, str) and column.kind in _WITH_FRACTIONS:
        fraction = _FRACTION.fullmatch(cell.strip().removesuffix("%").rstrip())
        if fraction is not None:
            return str(Fraction(fraction[0]))
    return _decimal(cell, column, mark)


def _share_of(percent: str, *, exactly: bool) -> str:
    """4 percent is 0.04, and 50 percent is 0.5; or 0.50 if it has all its digits."""
    share = format_decimal(Decimal(percent).scaleb(-2))
    return share.rstrip("0").rstrip(".") if "." in share and not exactly else share


def _numbers(cell: Cell, column: Column, mark: str | None) -> list[str]:
    parts = _items(cell) if isinstance(cell, str) else [cell]
    return [_number(one, _ONE_AMOUNT, mark) for one in parts]


def _decimal(cell: Cell, column: Column, mark: str | None) -> str:
    if isinstance(cell, Percentage):
        if not column.kind.is_percent:
            raise CellError("the cell is a percentage", hint="Format it as a number.")
        return format_decimal(Decimal(text_of_number(cell.value)).scaleb(2))
    if isinstance(cell, str):
        text = cell.strip()
        if column.kind.is_percent:
            text = text.removesuffix("%")
        return number_of_text(text, mark)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return text_of_number(cell)
    what = "true or false" if isinstance(cell, bool) else "a date or time"
    raise CellError(f"the cell holds {what}, expected a number", hint="Format it as a number.")


def _time(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return f"{cell.isoformat()}Z"
    if isinstance(cell, date):
        return f"{cell.isoformat()}T00:00:00Z"
    if not isinstance(cell, str):
        raise CellError("the cell is not formatted as a date", hint=TIME_HINT)
    text = cell.strip()
    try:
        return parse_time(text).text
    except TimeError:
        pass
    try:
        return parse_time(f"{calendar_time(text)}Z").text
    except TimeError:
        raise CellError(f"{text[:60]!r} is no day of the calendar", hint=TIME_HINT) from None


def calendar_time(text: str) -> str:
    """Date and time as people write them, as `2025-01-31T08:15`; without a zone.

    Whether there is such a day is for the caller to find out.

    Raises:
        CellError: it is no date, or may be one of two.
    """
    short = _SHORT_YEAR.match(text)
    if short is not None:
        raise CellError(
            f"{text[:60]!r} has a year of two digits",
            hint=f"Write all four, such as {short[1]}20{short[2]}.",
        )
    found = _DAY_FIRST.match(text) or _YEAR_FIRST.match(text)
    rest = "" if found is None else text[found.end() :]
    clock = _CLOCK.fullmatch(rest)
    if found is None or (rest and clock is None):
        raise CellError(f"{text[:60]!r} is not a date, or may be one of two", hint=TIME_HINT)
    year, month, day = found.groups() if len(found[1]) == 4 else reversed(found.groups())
    hours = "00:00:00" if clock is None else f"{clock[1]:0>2}{clock[2]}"
    return f"{year}-{month:0>2}-{day:0>2}T{hours}"


def _flag(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    value = _FLAGS.get(cell.strip().casefold()) if isinstance(cell, str) else None
    if value is None:
        shown = repr(cell)[:60] if isinstance(cell, str | float) else "the cell"
        raise CellError(f"{shown} is neither yes nor no", hint="Write yes or no.")
    return value


def _text(text: str, column: Column) -> str:
    return text


def _choice(text: str, column: Column) -> str:
    """The choice that is meant; what is none stays, so that the schema can complain."""
    if column.choices == UNITS and text.lower() in _UNITS:
        return _UNITS[text.lower()]
    return next((one for one in column.choices if fold(one) == fold(text)), text)


def _texts(text: str, column: Column) -> list[str]:
    found = _OTHER_SEPARATOR.search(text)
    if found is not None:
        raise _separator(text)
    return _items(text)


def _urns(text: str, column: Column) -> list[str]:
    items = _items(text)
    if any(_OTHER_SEPARATOR_OF_URNS.search(item) for item in items):
        raise _separator(text)
    return items


def _sources(text: str, column: Column) -> list[dict[str, str]]:
    sources = []
    for item in _items(text):
        name, comma, version = (part.strip() for part in item.rpartition(","))
        if not comma or not name or not version:
            raise CellError(
                f"{item[:60]!r} has no version", hint="Write name, version: ecoinvent, 3.11"
            )
        sources.append({"name": name, "version": version})
    return sources


def _rules(text: str, column: Column) -> list[dict[str, Any]]:
    names: dict[str, list[str]] = {}
    for item in _items(text):
        operator, colon, name = (part.strip() for part in item.partition(":"))
        if not colon or not operator or not name:
            raise CellError(
                f"{item[:60]!r} has no operator", hint="Write operator: rule, as in PEF: Batteries"
            )
        names.setdefault(operator, []).append(name)
    known = {fold(one): one for one in ("PEF", "EPD International")}
    return [
        {"operator": known[fold(operator)], "ruleNames": rules}
        if fold(operator) in known
        else {"operator": "Other", "otherOperatorName": operator, "ruleNames": rules}
        for operator, rules in names.items()
    ]


def _items(text: str) -> list[str]:
    return [item for part in _ITEMS.split(text) if (item := part.strip())]


def _separator(text: str) -> CellError:
    return CellError(
        f"{text[:60]!r} looks like several values", hint="Separate them by |, or by line breaks."
    )


def _unit(text: str, column: Column) -> str:
    try:
        unit_of(text)
    except UnitError as error:
        raise CellError(error.message, hint=error.hint) from error
    return text


def _year(text: str, column: Column) -> int:
    if _YEAR.fullmatch(text) is None:
        raise CellError(f"{text[:60]!r} is no year", hint="Write four digits, such as 2024.")
    return int(text)


_TEXTUAL: dict[Kind, Callable[[str, Column], Any]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.URNS: _urns,
    Kind.CHOICE: _choice,
    Kind.SOURCES: _sources,
    Kind.RULES: _rules,
    Kind.UNIT: _unit,
    Kind.YEAR: _year,
}
