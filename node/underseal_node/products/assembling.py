"""From rows to products with their lines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from underseal_node.products.checking import checked_product
from underseal_node.products.columns import PRODUCT
from underseal_node.products.results import PlacedProduct
from underseal_node.products.rows import ReadRow
from underseal_node.products.sources import source_of_text
from underseal_node.sheets.problems import CellError, Problem
from underseal_protocol.rollup.inputs import Kind

__all__ = ["products_of_rows"]

KILOMETER = "km"
MAX_ID_CHARACTERS = 80
MAX_SUGGESTED, MAX_SUGGESTIONS = 1_000, 50
_OF_A_LINE = re.compile(r"/lines/([0-9]+)(.*)", re.DOTALL)
_NOT_IN_ID = re.compile(r"[\W_]+")


@dataclass
class _Bill:
    """A product and its lines, on the way."""

    row: ReadRow
    lines: list[ReadRow] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.row.document.get("id", ""))

    def document(self) -> dict[str, Any]:
        """The JSON; not checked."""
        document = _product_document(self.row.document)
        if self.lines:
            document["lines"] = [_line_document(line) for line in self.lines]
        return document

    def place_of(self) -> Callable[[str], str]:
        """From a JSON pointer to the place in the file."""
        of_product, of_lines = self.row.place, [line.place for line in self.lines]

        def place(pointer: str) -> str:
            found = _OF_A_LINE.fullmatch(pointer)
            if found is not None and int(found[1]) < len(of_lines):
                return of_lines[int(found[1])](found[2])
            return of_product(pointer)

        return place


def products_of_rows(
    rows: Sequence[ReadRow], file: str, factors: Collection[str]
) -> tuple[list[PlacedProduct], list[Problem]]:
    """The products, and everything that is wrong with them.

    Args:
        rows: of products and lines.
        file: its name.
        factors: ids of the factors in the file.
    """
    bills: dict[str, _Bill] = {}
    problems: list[Problem] = []
    for row in rows:
        if row.kind == PRODUCT:
            bill = _Bill(row)
            if bill.id in bills:
                message = f"the product {bill.id!r} is there twice" if bill.id else "it has no key"
                problems.append(
                    Problem(file, row.place("/id"), message, "Keep one of them, or change its key.")
                )
            else:
                bills[bill.id] = bill
    problems += _distribute([row for row in rows if row.kind != PRODUCT], bills, file)
    placed: list[PlacedProduct] = []
    for bill in bills.values():
        found = list(_complete(bill, bills, file, factors))
        document, place_of = bill.document(), bill.place_of()
        flawed = {one.place for one in found}.union(
            *(row.flawed for row in (bill.row, *bill.lines))
        )
        checked = checked_product(document, file, place_of)
        if checked.document is not None and not flawed:
            placed.append(PlacedProduct(checked.document, place_of, checked.problems))
            continue
        problems += [*found, *(one for one in checked.problems if one.place not in flawed)]
    return placed, problems


def _distribute(lines: Iterable[ReadRow], bills: dict[str, _Bill], file: str) -> Iterator[Problem]:
    """Add each line to the product that it names, or to the only one."""
    keys = list(bills)
    closest = _Closest(keys)
    for line in lines:
        key = line.asides.get("product")
        if key is None and len(keys) == 1:
            key = keys[0]
        if key in bills:
            bills[key].lines.append(line)
            continue
        place = line.place.of("product")
        if not keys:
            message, hint = "there is no product for this line", "Add a row of kind product."
        elif key is None:
            message, hint = "the product of the line is missing", f"Write {_some(keys)}."
        else:
            message = f"there is no product {key[:60]!r} in the file"
            hint = closest.hint(key, f"There is {_some(keys)}.")
        yield Problem(file, place, message, hint)
        if not keys:
            return


class _Closest:
    """What somebody may have meant. Looking for it takes time, so it is done for a few only."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = list(islice(known, MAX_SUGGESTED))
        self._hints: dict[str, str | None] = {}

    def hint(self, text: str, otherwise: str) -> str:
        """A question, or something else if nothing is close."""
        text = text[:MAX_ID_CHARACTERS]
        if text not in self._hints and len(self._hints) < MAX_SUGGESTIONS:
            close = difflib.get_close_matches(text, self._known, 1)
            self._hints[text] = f"Did you mean {close[0]}?" if close else None
        return self._hints.get(text) or otherwise


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (" ..." if len(keys) > 3 else "")


# --- lines ------------------------------------------------------------------------------------


def _complete(
    bill: _Bill, products: Collection[str], file: str, factors: Collection[str]
) -> Iterator[Problem]:
    """Give the lines ids, sources and references to each other."""
    yield from _identify(bill.lines, file)
    materials = [line.document for line in bill.lines if line.kind == Kind.MATERIAL]
    ids = {str(one.get("id")) for one in materials}
    by_name: dict[str, list[str]] = {}
    for one in materials:
        by_name.setdefault(str(one.get("name")), []).append(str(one.get("id")))
    closest = _Closest(by_name)
    for line in bill.lines:
        try:
            column = "source"
            _add_source(line, products, factors)
            for column in ("carries", "packs"):
                if column in line.asides:
                    line.document[column] = _material(line.asides[column], ids, by_name, closest)
        except CellError as error:
            yield Problem(file, line.place.of(column), error.message, error.hint)


def _identify(lines: Sequence[ReadRow], file: str) -> Iterator[Problem]:
    """Ids for lines without: of kind and name, numbered where they occur again, so that a line
    keeps its id when others are added before it."""
    taken: set[str] = set()
    for line in lines:
        given = line.document.get("id")
        if given in taken:
            yield Problem(
                file,
                line.place("/id"),
                f"the line {given!r} is there twice in the product",
                "Lines have keys of their own; empty cells get one.",
            )
            line.document["id"] = f"{given} (again)"
        elif given is not None:
            taken.add(given)
    counts: dict[str, int] = {}
    for line in lines:
        if "id" in line.document:
            continue
        name = _NOT_IN_ID.sub("-", str(line.document.get("name", "")).casefold()).strip("-")
        base = f"{line.kind}-{name}"[:MAX_ID_CHARACTERS]
        made = base
        while made in taken or base not in counts:
            counts[base] = counts.get(base, 0) + 1
            made = base if counts[base] == 1 else f"{base}-{counts[base]}"
        taken.add(made)
        line.document["id"] = made


def _add_source(line: ReadRow, products: Collection[str], factors: Collection[str]) -> None:
    text, estimate = line.asides.get("source"), line.asides.get("estimate")
    if text is not None:
        line.document["source"] = source_of_text(text, products, factors)
    left_out = line.document.get("source", {}).get("leftOut")
    if estimate is not None and left_out is None:
        raise CellError(
            "there is an estimate of what is left out, and the source is not left out",
            hint="Write left out: and the reason, or clear the estimate.",
        )
    if estimate is not None:
        left_out["estimateKgCo2e"] = estimate


def _material(
    text: str, ids: Collection[str], by_name: dict[str, list[str]], closest: _Closest
) -> str:
    """The id of the material line that is meant.

    Raises:
        CellError: there is none, or there are several of the name.
    """
    if text in ids:
        return text
    named = by_name.get(text, [])
    if len(named) == 1:
        return named[0]
    if named:
        raise CellError(
            f"there are {len(named)} materials named {text[:60]!r}",
            hint="Give them keys in the column Line, and write the key.",
        )
    raise CellError(
        f"there is no material {text[:60]!r} in the product",
        hint=closest.hint(text, "Write the line or the name of a material."),
    )


# --- documents --------------------------------------------------------------------------------


def _line_document(line: ReadRow) -> dict[str, Any]:
    document = {"kind": line.kind, **line.document}
    if "amount" in document.get("distance", {}):
        document["distance"] = {"unit": KILOMETER, **document["distance"]}
    return document


def _product_document(read: dict[str, Any]) -> dict[str, Any]:
    """A product with what follows where nothing is said."""
    document = dict(read)
    if "id" in document:
        document.setdefault("name", document["id"])
    declared = document.get("declaredUnit", {})
    document["declaredUnit"] = {"amount": "1", **declared}
    if "unit" in declared and "amount" in document.get("basis", {}):
        document["basis"] = {"unit": declared["unit"], **document["basis"]}
    declaration = document.get("declaration")
    if declaration is not None and "name" in document:
        document["declaration"] = {"productName": document["name"], **declaration}
    return document
