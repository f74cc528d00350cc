"""Numbers in a sheet: what a person sees in the cell, as decimal text; never a guess.

A number cell holds a double. What the spreadsheet shows of it are at most 15 significant digits, so
these are the number: 0.30000000000000004 is 0.3.

In text, a comma may be a decimal mark or separate thousands, and so may a point. `0,412`, `12,5`
and `1.234,5` can be read in one way only; `1,234` cannot. Such a cell is understood only if the
other cells of the sheet show which mark is the decimal one, or if the columns are separated by
commas and no number has one, so that only the point is left. Then the other mark separates
thousands: among numbers such as `12,5`, `2.600` is two thousand six hundred.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from underseal_node.sheets.problems import CellError
from underseal_protocol.decimals import format_decimal

__all__ = ["decimal_mark", "number_of_text", "text_of_number"]

SIGNIFICANT_DIGITS = 15  # of a number in a spreadsheet
MAX_EXPONENT = 50
SHOWN_CHARACTERS = 60

_SPACES = (
    "[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'\N{RIGHT SINGLE QUOTATION MARK}]"
)
_SPACED = re.compile(rf"[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}})+(?:[.,][0-9]+)?")
_ANY_SPACE = re.compile(_SPACES)
_NUMBER = re.compile(r"([+-]?)([0-9.,]*[0-9])(?:[eE]([+-]?[0-9]{1,3}))?")
_ONE_MARK = re.compile(r"([0-9]*)([.,])([0-9]+)")
_GROUPED = re.compile(r"([0-9]{1,3})((?:\.[0-9]{3})+|(?:,[0-9]{3})+)(?:([.,])([0-9]+))?")


def text_of_number(value: float) -> str:
    """What a spreadsheet shows of a number, with all digits and without exponent.

    Raises:
        CellError: it has more digits than a spreadsheet keeps.
    """
    if value == 0:
        return "0"
    if not abs(value) < 10**SIGNIFICANT_DIGITS:  # nor is NaN
        raise CellError(
            f"{value!r} has more digits than the {SIGNIFICANT_DIGITS} that a spreadsheet keeps",
            hint="Format the cell as text and type it again.",
        )
    return format_decimal(Decimal(format(value, f".{SIGNIFICANT_DIGITS}g")))


def decimal_mark(texts: Iterable[str], *, separator: str | None = None) -> str | None:
    """The decimal mark of a sheet: the one that its unambiguous numbers have.

    Args:
        texts: of cells that should be numbers.
        separator: between the columns, if the sheet is a text.

    Returns:
        a point or a comma; None if nothing shows it, or both are used.
    """
    marks: set[str] = set()
    has_comma = False
    for text in texts:
        found = _NUMBER.fullmatch(_plain(text))
        if found is not None:
            has_comma = has_comma or "," in found[2]
            marks.update(_certain_mark(found[2]) or ())
    if separator == "," and "." not in marks:
        # Where columns are separated by commas, a number with one was put into quotes.
        return None if has_comma else "."
    return marks.pop() if len(marks) == 1 else None


def number_of_text(text: str, mark: str | None) -> str:
    """A number that was written as text.

    Args:
        text: of the cell.
        mark: the decimal mark of the sheet, as `decimal_mark` found it.

    Raises:
        CellError: it is no number, or can be read as two different ones.
    """
    found = _NUMBER.fullmatch(_plain(text))
    if found is None:
        raise _no_number(text)
    sign, digits, exponent = found.groups()
    plain = ("-" if sign == "-" else "") + _without_groups(digits, text, mark)
    if exponent is None:
        return plain
    if abs(int(exponent)) > MAX_EXPONENT:
        raise _no_number(text)
    return format_decimal(Decimal(f"{plain}e{exponent}"))


def _plain(text: str) -> str:
    """Without spaces between thousands; digits, signs and marks of other scripts as ASCII."""
    text = text.strip()
    if not text.isascii():
        text = "".join(
            one if _ANY_SPACE.fullmatch(one) else unicodedata.normalize("NFKC", one) for one in text
        ).replace("\N{MINUS SIGN}", "-")
    unsigned = text.lstrip("+-")
    return _ANY_SPACE.sub("", text) if _SPACED.fullmatch(unsigned) else text


def _certain_mark(digits: str) -> str | None:
    """The decimal mark, if these digits can be read in one way only and have one."""
    single = _ONE_MARK.fullmatch(digits)
    if single is not None:
        return None if _may_be_thousands(single[1], single[3]) else single[2]
    grouped = _GROUPED.fullmatch(digits)
    if grouped is None or grouped[3] in (None, grouped[2][0]):
        return None
    return grouped[3]


def _without_groups(digits: str, text: str, mark: str | None) -> str:
    """Digits with a point as the only mark."""
    if digits.isdecimal():
        return digits
    single = _ONE_MARK.fullmatch(digits)
    if single is not None:
        whole, own_mark, fraction = single.groups()
        if own_mark != mark and _may_be_thousands(whole, fraction):
            if mark is None:
                raise _ambiguous(text, whole, fraction)
            return whole + fraction
        return f"{whole or '0'}.{fraction}"
    grouped = _GROUPED.fullmatch(digits)
    if grouped is None or grouped[3] == grouped[2][0]:
        raise _no_number(text)
    whole, groups, own_mark, fraction = grouped.groups()
    if own_mark is None and mark == groups[0]:  # 1.234.567 among numbers such as 0.5
        raise _no_number(text)
    return whole + groups.replace(groups[0], "") + (f".{fraction}" if own_mark else "")


def _may_be_thousands(whole: str, fraction: str) -> bool:
    return len(fraction) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"


def _ambiguous(text: str, whole: str, fraction: str) -> CellError:
    return CellError(
        f"{text.strip()!r} may be {whole}.{fraction} or {whole}{fraction}",
        hint=f'Write "{whole}{fraction}", or "{whole}.{fraction}0" with one more digit.',
    )


def _no_number(text: str) -> CellError:
    shown = text.strip()
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return CellError(
        f"{shown!r} is not a number", hint="Write digits, such as 12.5, without a unit."
    )
