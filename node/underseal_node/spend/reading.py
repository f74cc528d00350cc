"""Reading what is spent on suppliers from a workbook or CSV. Nothing is guessed or converted."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pycountry

from underseal_node.errors import RefusedError
from underseal_node.products.rows import ReadRow, Sheet
from underseal_node.settings import Settings
from underseal_node.sheets.files import Form, form_of
from underseal_node.sheets.problems import Problem
from underseal_node.sheets.tables import Table, header_of, table_of_csv, tables_of_workbook
from underseal_node.spend.columns import COLUMNS, HEADINGS, SPEND
from underseal_node.store.spend import Period
from underseal_protocol.criteria import fold
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, TimeError
from underseal_protocol.times import parse_time

__all__ = ["MAX_ROWS", "ReadSpend", "Spent", "read_spend"]

MAX_ROWS = 50_000
MAX_SUPPLIER_CHARACTERS = 500
MAX_AMOUNT_CHARACTERS = 40
SHOWN_CHARACTERS = 60
HINT = (
    "Expected are the columns Supplier, Spend, Currency, Period start and Period end; `underseal "
    "spend template FILE.xlsx` writes a workbook with them."
)
_CURRENCIES = frozenset(one.alpha_3 for one in pycountry.currencies)


@dataclass(frozen=True, slots=True)
class Spent:
    """What is spent on a supplier in a period.

    Attributes:
        supplier: as it is named.
        amount: a decimal, in the currency.
        currency: ISO 4217.
        period: of it.
    """

    supplier: str
    amount: str
    currency: str
    period: Period


@dataclass(frozen=True, slots=True)
class ReadSpend:
    """What is in a file.

    Attributes:
        rows: in their order.
        problems: if there are any, nothing of it is taken.
    """

    rows: tuple[Spent, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_spend(name: str, content: bytes, settings: Settings) -> ReadSpend:
    """What a file says.

    Args:
        name: of the file, for messages.
        content: all of it.
        settings: whose limits hold.
    """
    try:
        read, problems = _rows(name, _tables(name, content, settings))
    except RefusedError as error:
        return ReadSpend(problems=(Problem(name, "", error.message, error.hint),))
    if not read and not problems:
        return ReadSpend(problems=(Problem(name, "", "there is no supplier in it", HINT),))
    rows, of_rows = _checked(name, read)
    return ReadSpend(tuple(rows), (*problems, *of_rows))


def _tables(name: str, content: bytes, settings: Settings) -> list[Table]:
    form = form_of(name, content, settings)
    if form is Form.JSON:
        raise RefusedError("this is JSON; spend is read from a workbook or CSV", hint=HINT)
    if form is Form.WORKBOOK:
        return tables_of_workbook(content, max_bytes=settings.max_import_bytes)
    return [table_of_csv(content, HEADINGS.knows)]


def _rows(name: str, tables: Iterable[Table]) -> tuple[list[ReadRow], list[Problem]]:
    """The rows of all sheets that have the columns; others are for people."""
    rows: list[ReadRow] = []
    problems: list[Problem] = []
    is_found = False
    for table in tables:
        header = header_of(table, HEADINGS.knows)
        if header is None:
            continue
        is_found = True
        where = f"sheet {table.name}, " if table.name else ""
        place = f"{where}row {header.number}"
        columns = HEADINGS.header(name, header, place)
        known = {one.name for one in columns.columns.values()}
        missing = [one.title for one in COLUMNS if one.name not in known]
        problems += columns.problems
        problems += [Problem(name, place, f"the column {one} is missing", HINT) for one in missing]
        if not columns.problems and not missing:
            read, of_rows = Sheet(name, table, header, columns, SPEND).rows()
            rows += read
            problems += of_rows
    if not is_found:
        raise RefusedError("there is no row with the names of the columns", hint=HINT)
    if len(rows) > MAX_ROWS:
        raise RefusedError(
            f"the file has {len(rows)} rows; at most {MAX_ROWS} are read",
            hint="Add up what is spent on each supplier.",
        )
    return rows, problems


def _checked(name: str, rows: Iterable[ReadRow]) -> tuple[list[Spent], list[Problem]]:
    """What the rows say, and what is wrong with them, one by one and together."""
    found: list[Spent] = []
    problems: list[Problem] = []
    seen: dict[tuple[Period, str], str] = {}
    currencies: dict[Period, tuple[str, str]] = {}
    for row in rows:
        of_row = [
            Problem(name, place, message, hint)
            for place, message, hint in _flaws(row)
            if place not in row.flawed
        ]
        problems += of_row
        if of_row or row.flawed:
            continue
        one = _spent(row)
        found.append(one)
        first = seen.setdefault((one.period, fold(one.supplier)), row.place())
        if first != row.place():
            message = f"{one.supplier[:SHOWN_CHARACTERS]!r} is there already, in {first}"
            hint = "Add the two up, or remove one of them."
            problems.append(Problem(name, row.place.of("supplier"), message, hint))
        currency, place = currencies.setdefault(one.period, (one.currency, row.place()))
        if currency != one.currency:
            message = f"the currency is {one.currency}, and {currency} in {place}"
            hint = "Convert all of a period into one currency: the node knows no rates."
            problems.append(Problem(name, row.place.of("currency"), message, hint))
    return found, problems


def _flaws(row: ReadRow) -> Iterator[tuple[str, str, str]]:
    """Where something is wrong with a row, what, and what helps."""
    document = row.document
    for column in COLUMNS:
        if column.name not in document:
            yield row.place.of(column.name), f"the {column.title} is missing", "Fill in the cell."
    supplier = document.get("supplier", "")
    if len(supplier) > MAX_SUPPLIER_CHARACTERS:
        message = f"the name has {len(supplier)} characters, at most {MAX_SUPPLIER_CHARACTERS} fit"
        yield row.place.of("supplier"), message, "Shorten it."
    yield from _flaws_of_amount(row)
    currency = document.get("currency")
    if currency is not None and currency.upper() not in _CURRENCIES:
        message = f"{currency[:SHOWN_CHARACTERS]!r} is no currency"
        yield row.place.of("currency"), message, "Write its three letters, such as EUR or CNY."
    yield from _flaws_of_period(row)


def _flaws_of_amount(row: ReadRow) -> Iterator[tuple[str, str, str]]:
    amount, place = row.document.get("amount"), row.place.of("amount")
    if amount is None:
        return
    try:
        is_negative = parse_decimal(amount) < 0
    except DecimalError as error:
        yield place, error.message, error.hint or "Write digits, such as 184250.50."
        return
    if len(amount) > MAX_AMOUNT_CHARACTERS:
        message = f"it has {len(amount)} characters, at most {MAX_AMOUNT_CHARACTERS} are taken"
        yield place, message, "Write an amount of money."
    if is_negative:
        message = f"it is {amount[:SHOWN_CHARACTERS]}, expected 0 or more"
        yield place, message, "Add credit notes up with what they are for."


def _flaws_of_period(row: ReadRow) -> Iterator[tuple[str, str, str]]:
    if "periodStart" not in row.document or "periodEnd" not in row.document:
        return
    try:
        start, end = _period(row)
    except TimeError as error:
        yield row.place.of("periodEnd"), error.message, "Write a day of the calendar."
        return
    if end <= start:
        message = f"the period ends on {end.date()}, and begins on {start.date()}"
        yield row.place.of("periodEnd"), message, "Its end is the first day after it."
    elif start.day == 1 and end.day == monthrange(end.year, end.month)[1]:
        message = f"the period ends on {end.date()}, and that day is not in it any more"
        hint = "Its end is the first day after it, such as 2026-01-01 for the year 2025."
        yield row.place.of("periodEnd"), message, hint


def _spent(row: ReadRow) -> Spent:
    document = row.document
    amount, currency = document["amount"], document["currency"].upper()
    return Spent(document["supplier"], amount, currency, _period(row))


def _period(row: ReadRow) -> Period:
    return parse_time(row.document["periodStart"]), parse_time(row.document["periodEnd"])
