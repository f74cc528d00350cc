"""The page on which people say which of their columns is which of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.responses import Response

from underseal_node.console.forms import Form
from underseal_node.console.importing.columns import OurColumn, columns_of_rows
from underseal_node.console.importing.files import Held, remember
from underseal_node.console.importing.kinds import KINDS, ROWS
from underseal_node.console.importing.mapping import (
    Chosen,
    FileMapping,
    SheetMapping,
    text_for,
)
from underseal_node.console.importing.pages import UNPROCESSABLE, go_on, held_of
from underseal_node.console.importing.proposing import proposed_columns
from underseal_node.console.importing.reading import SheetView, tables_of, view_of
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, moved
from underseal_node.console.tables import whole
from underseal_node.products.columns import LINE_KINDS
from underseal_node.publishing.columns import EXAMPLES
from underseal_node.sheets.problems import CellError

__all__ = ["ACTIONS", "PAGES"]

MAX_FIXED_CHARACTERS = 2_000
MAX_ROW_DIGITS, MAX_COLUMN_DIGITS = 6, 4
MARKS = ("", ",", ".")
LEFT_OUT = "-"


NOTHING_CHOSEN = _("Say for one sheet at least what its rows are.")
MISSING = _(
    "The column “%(title)s” is needed: choose one of yours, or write what is the same in all rows."
)


@dataclass(frozen=True)
class Field:
    """A column of ours in the form.

    Attributes:
        ours: the column.
        chosen: what is chosen for it.
        name: of its fields.
        mistake: what is wrong with what was typed, if anything.
    """

    ours: OurColumn
    chosen: Chosen
    name: str
    mistake: str | None = None


async def _show(visit: Visit) -> Response:
    held = held_of(visit)
    if not held.sheets or not ROWS.get(held.kind):
        return moved(held.path)
    number = _sheet_number(visit.asked("sheet"), held)
    return _page(visit, held, held.mapping or held.proposed, number)


def _page(
    visit: Visit,
    held: Held,
    mapping: FileMapping,
    number: int,
    mistakes: Sequence[str] = (),
    flaws: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    sheet, view = mapping.sheets[number], held.sheets[number]
    fields = [
        Field(
            one, sheet.columns.get(one.name, Chosen()), f"c.{one.name}", (flaws or {}).get(one.name)
        )
        for one in (columns_of_rows(sheet.rows) if sheet.rows else ())
    ]
    used = {one.chosen.at for one in fields}
    return visit.page(
        "import_columns.html",
        {
            "held": held,
            "kinds": KINDS,
            "rows": ROWS[held.kind],
            "lines": LINE_KINDS,
            "number": number,
            "sheet": sheet,
            "mapping": mapping,
            "view": view,
            "needed": [one for one in fields if _is_near(one)],
            "further": [one for one in fields if not _is_near(one)],
            "unused": [head for at, head in enumerate(view.heads) if head and at not in used],
            "examples": EXAMPLES if sheet.rows == "footprints" else {},
            "mistakes": mistakes,
        },
        UNPROCESSABLE if mistakes else 200,
    )


def _is_near(field: Field) -> bool:
    """Whether it is shown at once: it is needed, or something is chosen for it."""
    chosen = field.chosen
    return bool(
        field.ours.column.is_required or chosen.at is not None or chosen.fixed or field.mistake
    )


async def _choose(visit: Visit) -> Response:
    """Take what was chosen for a sheet; go on with the next one, or with the check."""
    held, form = held_of(visit), visit.form
    if not held.sheets or not ROWS.get(held.kind):
        return moved(held.path)
    number = _sheet_number(form.one("sheet"), held)
    before = held.mapping or held.proposed
    sheet = _sheet_of(form, held, before.sheets[number])
    mapping = before.with_sheet(number, sheet)
    if _is_other(form, held, number, before.sheets[number], sheet):
        # Other headings, or another kind of rows: other columns are proposed.
        await _look_again(visit, held, number, sheet.heads_row)
        columns = proposed_columns(sheet.rows, held.sheets[number]) if sheet.rows else {}
        held.mapping = mapping.with_sheet(number, replace(sheet, columns=columns))
        held.forget_check()
        return moved(f"{held.path}/columns?sheet={number}")
    host = urlsplit((await visit.api.get("/node"))["url"]).hostname or ""
    flaws = {**_missing(visit, sheet, held.sheets[number]), **_flaws(visit, sheet, host)}
    mistakes = list(flaws.values())
    if not any(one.rows for one in mapping.sheets):
        mistakes.append(visit.text(NOTHING_CHOSEN))
    if mistakes:
        return _page(visit, held, mapping, number, mistakes, flaws)
    held.mapping = mapping
    held.forget_check()
    following = whole(form.one("then"))
    if following is not None and following < len(held.sheets):
        return moved(f"{held.path}/columns?sheet={following}")
    remember(visit.session, held.key, mapping)
    return await go_on(visit, held)


async def _as_it_is(visit: Visit) -> Response:
    """Send the file as it came, without a mapping."""
    held = held_of(visit)
    held.mapping, held.is_ours = None, True
    return await go_on(visit, held)


def _sheet_number(text: str, held: Held) -> int:
    """The sheet that is asked for; otherwise the first one of which something is known."""
    number = whole(text)
    if number is not None and number < len(held.sheets):
        return number
    sheets = (held.mapping or held.proposed).sheets
    return next((at for at, one in enumerate(sheets) if one.rows), 0)


def _sheet_of(form: Form, held: Held, before: SheetMapping) -> SheetMapping:
    """What the form says of a sheet."""
    rows = form.one("rows")
    rows = rows if rows in ROWS[held.kind] else ""
    mark, heads = form.one("mark"), whole(form.one("heads_row"), MAX_ROW_DIGITS)
    columns = {
        one.name: chosen
        for one in (columns_of_rows(rows) if rows else ())
        if (chosen := _chosen(form, one)) != Chosen(form=one.written[0].code)
    }
    heads_row = before.heads_row if heads is None else heads
    return SheetMapping(rows, heads_row, mark if mark in MARKS else "", columns)


def _chosen(form: Form, ours: OurColumn) -> Chosen:
    name = f"c.{ours.name}"
    at = form.one(f"{name}.at")
    position = whole(at, MAX_COLUMN_DIGITS)
    fixed = form.one(f"{name}.fixed")[:MAX_FIXED_CHARACTERS] if position is None else ""
    return Chosen(position, fixed, ours.in_form(form.one(f"{name}.form")).code)


def _is_other(
    form: Form, held: Held, number: int, before: SheetMapping, sheet: SheetMapping
) -> bool:
    """Whether the columns that the form shows are not those of what it says now."""
    if form.one("shown_rows") != sheet.rows:
        return True
    shown = before.heads_row or held.sheets[number].heads_row
    return bool(sheet.heads_row) and sheet.heads_row != shown


async def _look_again(visit: Visit, held: Held, number: int, heads_row: int) -> None:
    """See a sheet with the headings in another row."""
    if not heads_row:
        return

    def look() -> SheetView:
        tables = tables_of(held.name, held.content, visit.max_file_bytes)
        return view_of(tables[number], heads_row)

    seen = await asyncio.to_thread(look)
    held.sheets = (*held.sheets[:number], seen, *held.sheets[number + 1 :])


def _missing(visit: Visit, sheet: SheetMapping, view: SheetView) -> dict[str, str]:
    """What is missing, by our columns. One column of theirs may be several of ours."""
    found = {}
    for one in columns_of_rows(sheet.rows) if sheet.rows else ():
        chosen = sheet.columns.get(one.name, Chosen())
        is_there = chosen.at is not None and chosen.at < view.width
        if not is_there and (one.column.is_required or chosen.at is not None) and not chosen.fixed:
            found[one.name] = visit.text(MISSING, title=visit.said(one.title))
    return found


def _flaws(visit: Visit, sheet: SheetMapping, host: str) -> dict[str, str]:
    """What cannot be understood of what is the same in all rows, by our columns."""
    found = {}
    for one in columns_of_rows(sheet.rows) if sheet.rows else ():
        chosen = sheet.columns.get(one.name, Chosen())
        if chosen.at is None and chosen.fixed:
            try:
                text_for(chosen.fixed, one, chosen.form, sheet.mark or None, host)
            except CellError as error:
                said = [visit.said(one) for one in (error.message, error.hint) if one]
                found[one.name] = f"{visit.said(one.title)}: {'. '.join(said)}"
    return found


PAGES = {"/import/{id}/columns": _show}
ACTIONS = {"/import/{id}/columns": _choose, "/import/{id}/as-it-is": _as_it_is}
