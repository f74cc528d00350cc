"""Writing sheets that people fill in: headings, explanations, examples, formats, drop-downs.

The first column is for marks: rows that begin with `#` are ignored when the file is read.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from underseal_node.sheets.cell_writing import Written, set_cell
from underseal_node.sheets.columns import EXAMPLE_MARK, MARK, Column, Kind

__all__ = ["EXPLANATION_ROW", "FIRST_COLUMN", "HEADER_ROW", "LISTS", "Book"]

LISTS = "Lists"
HEADER_ROW, EXPLANATION_ROW = 1, 2
FIRST_COLUMN = 2
ROWS_WITH_CHOICES = 10_000  # more rows can be filled in all the same
MARK_WIDTH, DATE_WIDTH, WIDTH, TEXT_WIDTH = 12, 16, 26, 100
EXPLANATION_HEIGHT = 90
SHOWN_CHOICES = 5

_REQUIRED = PatternFill("solid", start_color="FFFFE699")
_OPTIONAL = PatternFill("solid", start_color="FFDDEBF7")
_GREY = Font(color="FF7F7F7F", italic=True)
_WRAPPED = Alignment(wrap_text=True, vertical="top")

TEXT_FORMAT, DATE_FORMAT = "@", "yyyy-mm-dd"
_NOT_AS_TEXT = (Kind.FLAG, Kind.YEAR, Kind.AMOUNTS)


class Book:
    """A workbook with tables to fill in."""

    def __init__(self) -> None:
        self.book = Workbook()
        self.book.remove(self.book.active)
        self._lists_used = 0

    def add_table(
        self,
        name: str,
        columns: Sequence[Column],
        titles: Sequence[str],
        examples: Iterable[Sequence[Written | None]] = (),
    ) -> Worksheet:
        """A sheet with headings, explanations and rows of examples.

        Args:
            name: of the sheet.
            columns: in their order.
            titles: of the columns.
            examples: values of the columns, a row each.
        """
        sheet = self.book.create_sheet(name)
        marked = zip(titles, columns, strict=True)
        sheet.append([MARK, *(f"{one} *" if column.is_required else one for one, column in marked)])
        sheet.append([f"{MARK} explanation", *(column.text for column in columns)])
        for example in examples:
            row = sheet.max_row + 1
            sheet.cell(row, 1).value = EXAMPLE_MARK
            for number, value in enumerate(example, FIRST_COLUMN):
                if value is not None:
                    set_cell(sheet.cell(row, number), value)
        for cell in sheet[HEADER_ROW]:
            cell.font, cell.alignment = Font(bold=True), _WRAPPED
        for row in sheet.iter_rows(min_row=EXPLANATION_ROW):
            for cell in row:
                cell.font, cell.alignment = _GREY, _WRAPPED
        sheet.row_dimensions[EXPLANATION_ROW].height = EXPLANATION_HEIGHT
        sheet.column_dimensions["A"].width = MARK_WIDTH
        mark = f"Rows that begin with {MARK} are ignored. Leave this cell empty in yours."
        sheet.cell(HEADER_ROW, 1).comment = Comment(mark, "Underseal")
        for number, column in enumerate(columns, FIRST_COLUMN):
            _format(sheet, number, column)
        sheet.freeze_panes = f"{get_column_letter(FIRST_COLUMN + 1)}{sheet.max_row + 1}"
        return sheet

    def add_choices(
        self, sheet: Worksheet, number: int, title: str, choices: Sequence[str], *, strict: bool
    ) -> None:
        """A drop-down in the rows below what is in the sheet.

        Its items are in a hidden sheet: there is no limit to their length there.

        Args:
            sheet: where.
            number: of the column, from 1.
            title: of the message about something else.
            choices: what can be chosen.
            strict: whether nothing else can be written.
        """
        lists = self._lists()
        column = self._lists_used = self._lists_used + 1
        for row, choice in enumerate(choices, 1):
            lists.cell(row, column).value = choice
        letter = get_column_letter(column)
        items = f"{LISTS}!${letter}$1:${letter}${len(choices)}"
        rule = DataValidation(type="list", formula1=items, allow_blank=True, showErrorMessage=True)
        shown = ", ".join(choices[:SHOWN_CHOICES])
        rule.error = f"One of the list, please: {shown}..."[:200]
        rule.errorTitle = title[:30]
        rule.errorStyle = "stop" if strict else "warning"
        self._add_rule(sheet, number, rule)

    def add_reference(self, sheet: Worksheet, number: int, other: str, column: int) -> None:
        """A drop-down of what is written in a column of another sheet.

        Args:
            sheet: where.
            number: of the column, from 1.
            other: name of the other sheet.
            column: of it, from 1.
        """
        letter = get_column_letter(column)
        items = f"'{other}'!${letter}${EXPLANATION_ROW + 1}:${letter}${ROWS_WITH_CHOICES}"
        rule = DataValidation(type="list", formula1=items, allow_blank=True)
        rule.showErrorMessage = False
        self._add_rule(sheet, number, rule)

    def add_texts(self, name: str, lines: Iterable[str], *, first: bool = False) -> None:
        """A sheet with lines to read, at the end or as the first one."""
        sheet = self.book.create_sheet(name, 0 if first else None)
        sheet.column_dimensions["A"].width = TEXT_WIDTH
        for line in lines:
            sheet.append([line])
            sheet.cell(sheet.max_row, 1).alignment = _WRAPPED

    def content(self) -> bytes:
        """Of the file."""
        content = io.BytesIO()
        self.book.save(content)
        return content.getvalue()

    def _lists(self) -> Worksheet:
        if LISTS not in self.book.sheetnames:
            self.book.create_sheet(LISTS).sheet_state = "hidden"
        return self.book[LISTS]

    def _add_rule(self, sheet: Worksheet, number: int, rule: DataValidation) -> None:
        letter, first = get_column_letter(number), int(sheet.freeze_panes.lstrip("ABC"))
        rule.add(f"{letter}{first}:{letter}{first + ROWS_WITH_CHOICES - 1}")
        sheet.add_data_validation(rule)


def _format(sheet: Worksheet, number: int, column: Column) -> None:
    """The look of a column. Texts are formatted as such: a spreadsheet turns article numbers and
    versions into numbers otherwise."""
    sheet.cell(HEADER_ROW, number).fill = _REQUIRED if column.is_required else _OPTIONAL
    dimension = sheet.column_dimensions[get_column_letter(number)]
    dimension.width = DATE_WIDTH if column.kind is Kind.TIME else WIDTH
    if column.kind is Kind.TIME:
        dimension.number_format = DATE_FORMAT
    elif not column.kind.is_numeric and column.kind not in _NOT_AS_TEXT:
        dimension.number_format = TEXT_FORMAT
