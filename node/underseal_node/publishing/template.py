"""The workbook that a supplier fills in: one row for each footprint.

The first rows explain; they begin with `#`, so they can stay in the file that is imported.
"""

from __future__ import annotations

import pycountry

from underseal_node.publishing.columns import COLUMNS, EXAMPLES, Column, title_of
from underseal_node.sheets.columns import MARK, Kind
from underseal_node.sheets.writing import FIRST_COLUMN, Book

__all__ = ["FIRST_ROW", "SHEET", "workbook"]

SHEET, INSTRUCTIONS = "Footprints", "Instructions"
FIRST_ROW = 4  # below header, explanation and example

_LINES = (
    "Fill in one row for each product in the sheet Footprints, and import the file:",
    "    underseal --home DIR footprint import --dry-run FILE.xlsx",
    "    underseal --home DIR footprint import FILE.xlsx",
    "",
    "Columns marked * (yellow) have to be filled in. Leave what does not apply empty. The order of "
    "the columns does not matter, and optional columns can be removed.",
    f"Rows that begin with {MARK} are ignored, like columns whose name begins with {MARK}.",
    "All figures are for one declared unit, which is amount times unit of measurement.",
    "Several values in a cell are separated by | or by line breaks.",
    "",
    "Numbers: type them as numbers. What the cell shows with up to 15 significant digits is "
    "published. Text such as 1,234, which may be one thousand or one point two, is refused. A "
    "share in percent is written 54.2, or as a cell in percent format that shows 54.2 %.",
    "Dates: type them as dates, or as 2025-01-31 or 31.01.2025. They mean midnight UTC. The end "
    "of a period is the first day after it.",
    "Yes and no: yes, no, true, false, ja, nein.",
    "",
    "Article numbers are URNs: urn:gtin:4712345060507 for a GTIN, and for a number of your own "
    "urn:pact:your-domain.example:product-id:4711.",
    "A row without an id gets one that follows from your node, the product ids, the reference "
    "period, the geography and the declared unit. Importing the same row again changes nothing.",
    "A published figure never changes. To correct it, put the corrected row into a file of its own "
    "and run:",
    "    underseal --home DIR footprint supersede ID FILE.xlsx",
    "",
    "As text, save the sheet as CSV UTF-8, with commas, semicolons or tabs.",
)


def workbook() -> bytes:
    """An empty workbook (.xlsx) with explanations, drop-downs and an example."""
    book = Book()
    titles = [title_of(column) for column in COLUMNS]
    example = [EXAMPLES.get(column.name) for column in COLUMNS]
    sheet = book.add_table(SHEET, COLUMNS, titles, [example])
    for number, column in enumerate(COLUMNS, FIRST_COLUMN):
        choices, strict = _choices(column), column.kind is not Kind.FLAG
        if choices:
            book.add_choices(sheet, number, title_of(column), choices, strict=strict)
    book.add_texts(INSTRUCTIONS, _LINES)
    return book.content()


def _choices(column: Column) -> tuple[str, ...]:
    if column.kind is Kind.FLAG:
        return ("yes", "no")
    if column.name == "geographyCountry":
        return tuple(sorted(country.alpha_2 for country in pycountry.countries))
    return column.choices
