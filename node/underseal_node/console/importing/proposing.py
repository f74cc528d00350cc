"""Which of their columns may be ours: proposals, for people to confirm."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from underseal_node.console.importing.columns import (
    OurColumn,
    column_names,
    columns_of_rows,
    folded,
)
from underseal_node.console.importing.kinds import MIXED, PRODUCTS, ROWS
from underseal_node.console.importing.mapping import Chosen, FileMapping, SheetMapping
from underseal_node.console.importing.reading import SheetView, rows_of
from underseal_node.sheets.columns import MARK, Kind
from underseal_node.sheets.tables import Table

__all__ = ["proposed_columns", "proposed_mapping"]

SIMILAR = 0.78  # of two headings, 1 being the same
MAX_COMPARED = 80  # headings; more are matched by the words that are known only
SHOWN_UNIT = re.compile(r"[(（\[]([^)）\]]+)[)）\]]|\bin ([^\s,;]+)(?: CO2\S*)?$|/\s*([^\s,;]+)$")
ARTICLE_NUMBER = re.compile(r"[\w.\-/ ]{1,60}")
GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}")
MATERIAL_WORDS = frozenset(
    {"component", "komponente", "material", "rohstoff", "bauteil", "stückliste"}
    | {"物料", "材料", "物料名称"}
)


def proposed_mapping(kind: str, tables: Sequence[Table], views: Sequence[SheetView]) -> FileMapping:
    """What seems to be where.

    Args:
        kind: of the file.
        tables: its sheets.
        views: of them.
    """
    rows = [rows_of(kind, table) for table in tables]
    if not any(rows):
        largest = max(range(len(views)), key=lambda number: views[number].rows)
        rows[largest] = _likely_rows(kind, views[largest])
    return FileMapping(
        tuple(
            SheetMapping(one, columns=proposed_columns(one, view) if one else {})
            for one, view in zip(rows, views, strict=True)
        )
    )


def proposed_columns(rows: str, view: SheetView) -> Mapping[str, Chosen]:
    """Which of their columns may be ours: first by words that are known, then by similar ones.

    Args:
        rows: what the rows are.
        view: of the sheet.
    """
    free = {
        position: folded(head)
        for position, head in enumerate(view.heads)
        if folded(head) and not head.startswith(MARK)
    }
    found: dict[str, int] = {}
    ours = columns_of_rows(rows)
    for order in range(max((len(column_names(one)) for one in ours), default=0)):
        for column in ours:
            names = column_names(column)
            if column.name in found or order >= len(names):
                continue
            name = folded(names[order])
            position = next((at for at, head in free.items() if head == name), None)
            if position is not None:
                found[column.name] = position
                del free[position]
    if len(free) <= MAX_COMPARED:
        for column in ours:
            if column.name not in found and free:
                position = _similar(column, free)
                if position is not None:
                    found[column.name] = position
                    del free[position]
    return {
        column.name: Chosen(found[column.name], "", _form(column, view, found[column.name]))
        for column in ours
        if column.name in found
    }


def _similar(column: OurColumn, free: Mapping[int, str]) -> int | None:
    for name in column_names(column):
        close = difflib.get_close_matches(folded(name), free.values(), n=1, cutoff=SIMILAR)
        if close:
            return next(at for at, head in free.items() if head == close[0])
    return None


def _likely_rows(kind: str, view: SheetView) -> str:
    if kind != PRODUCTS:
        return next(iter(ROWS[kind]), "")
    proposed = proposed_columns(MIXED, view)
    if "kind" in proposed:
        return MIXED
    is_of_materials = {"supplier", "loss", "source"} & proposed.keys() or any(
        folded(head) in MATERIAL_WORDS for head in view.heads
    )
    return "material" if is_of_materials else "product"


def _form(column: OurColumn, view: SheetView, position: int) -> str:
    """How their values seem to be written: by the unit in the heading, or by the values."""
    ways = column.written
    if len(ways) == 1:
        return ways[0].code
    if column.column.kind is Kind.URNS:
        return _form_of_ids(column, view.samples[position])
    found = SHOWN_UNIT.search(view.heads[position].strip())
    said = next((one.strip() for one in found.groups() if one), "") if found else ""
    unit = said.split("CO2")[0].strip().casefold() or said.casefold()
    return next((one.code for one in ways if one.code.casefold() == unit), ways[0].code)


def _form_of_ids(column: OurColumn, samples: Sequence[str]) -> str:
    ways = column.written
    if not samples or any(one.lower().startswith("urn:") for one in samples):
        return ways[0].code
    if column.name != "productIds":
        return ways[0].code
    if all(GTIN.fullmatch(one) for one in samples):
        return ways[2].code
    return ways[1].code if all(map(ARTICLE_NUMBER.fullmatch, samples)) else ways[0].code
