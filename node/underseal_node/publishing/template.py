"""The workbook that a supplier fills in: one row for each footprint.

The first rows explain; they begin with `#`, so they can stay in the file that is imported.
"""

from __future__ import annotations

import io

import pycountry
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from underseal_node.publishing.columns import COLUMNS, EXAMPLES, MARK, Column, Kind, title_of
from underseal_node.publishing.sheet_reading import EXAMPLE_MARK

__all__ = ["SHEET", "workbook"]

SHEET, INSTRUCTIONS, LISTS = "Footprints", "Instructions", "Lists"
HEADER_ROW, EXPLANATION_ROW, EXAMPLE_ROW, FIRST_ROW = 1, 2, 3, 4
LAST_ROW = 10_003  # drop-downs and formats reach so far; more rows can be filled in all the same
MARK_WIDTH, DATE_WIDTH, WIDTH = 12, 16, 26

_REQUIRED = PatternFill("solid", start_color="FFFFE699")
_OPTIONAL = PatternFill("solid", start_color="FFDDEBF7")
_GREY = Font(color="FF7F7F7F", italic=True)
_WRAPPED = Alignment(wrap_text=True, vertical="top")

TEXT_FORMAT, DATE_FORMAT = "@", "yyyy-mm-dd"

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
    book = Workbook()
    sheet = book.active
    sheet.title = SHEET
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    _write_rows(sheet)
    for number, column in enumerate(COLUMNS, 2):
        _format(sheet, number, column)
        _add_choices(sheet, lists, number, column)
    sheet.freeze_panes = sheet.cell(FIRST_ROW, 3)
    _write_instructions(book.create_sheet(INSTRUCTIONS))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _write_rows(sheet: Worksheet) -> None:
    sheet.append([MARK, *(_heading(column) for column in COLUMNS)])
    sheet.append([f"{MARK} explanation", *(column.text for column in COLUMNS)])
    sheet.append([EXAMPLE_MARK, *(EXAMPLES.get(column.name) for column in COLUMNS)])
    for cell in sheet[HEADER_ROW]:
        cell.font = Font(bold=True)
        cell.alignment = _WRAPPED
    for row in (EXPLANATION_ROW, EXAMPLE_ROW):
        for cell in sheet[row]:
            cell.font, cell.alignment = _GREY, _WRAPPED
    sheet.row_dimensions[EXPLANATION_ROW].height = 90
    sheet.column_dimensions["A"].width = MARK_WIDTH
    mark = f"Rows that begin with {MARK} are ignored. Leave this cell empty in yours."
    sheet.cell(HEADER_ROW, 1).comment = Comment(mark, "Underseal")


def _heading(column: Column) -> str:
    return f"{title_of(column)} *" if column.is_required else title_of(column)


def _format(sheet: Worksheet, number: int, column: Column) -> None:
    """The look of a column. Texts are formatted as such: a spreadsheet turns article numbers and
    versions into numbers otherwise."""
    sheet.cell(HEADER_ROW, number).fill = _REQUIRED if column.is_required else _OPTIONAL
    dimension = sheet.column_dimensions[get_column_letter(number)]
    dimension.width = DATE_WIDTH if column.kind is Kind.TIME else WIDTH
    if column.kind is Kind.TIME:
        dimension.number_format = DATE_FORMAT
    elif column.kind not in (Kind.DECIMAL, Kind.PERCENT, Kind.FLAG):
        dimension.number_format = TEXT_FORMAT


def _add_choices(sheet: Worksheet, lists: Worksheet, number: int, column: Column) -> None:
    """A drop-down. Its items are in the hidden sheet: there is no limit to their length there."""
    choices = _choices(column)
    if not choices:
        return
    letter = get_column_letter(number)
    for row, choice in enumerate(choices, 1):
        lists.cell(row, number).value = choice
    items = f"{LISTS}!${letter}$1:${letter}${len(choices)}"
    rule = DataValidation(type="list", formula1=items, allow_blank=True, showErrorMessage=True)
    rule.error = f"One of the list, please: {', '.join(choices[:5])}..."[:200]
    rule.errorTitle = title_of(column)[:30]
    rule.errorStyle = "warning" if column.kind is Kind.FLAG else "stop"
    rule.add(f"{letter}{FIRST_ROW}:{letter}{LAST_ROW}")
    sheet.add_data_validation(rule)


def _choices(column: Column) -> tuple[str, ...]:
    if column.kind is Kind.FLAG:
        return ("yes", "no")
    if column.name == "geographyCountry":
        return tuple(sorted(country.alpha_2 for country in pycountry.countries))
    return column.choices


def _write_instructions(sheet: Worksheet) -> None:
    sheet.column_dimensions["A"].width = 100
    for line in _LINES:
        sheet.append([line])
        sheet.cell(sheet.max_row, 1).alignment = _WRAPPED
