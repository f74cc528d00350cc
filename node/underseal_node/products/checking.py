"""Whether a document of a product or factor can be read, and its units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from underseal_node.products.ranges import (
    violations_of_factor,
    violations_of_line,
    violations_of_product,
)
from underseal_node.sheets.problems import Problem, problem_of
from underseal_protocol.errors import BillError, UnitError, Violation
from underseal_protocol.rollup.documents import (
    DEFAULT_NAMES,
    REQUIRED,
    factor_json,
    factor_of,
    line_of,
    product_json,
    product_of,
)
from underseal_protocol.rollup.inputs import Product
from underseal_protocol.rollup.units import Dimension, unit_of

__all__ = [
    "NAMES",
    "Checked",
    "checked_factor",
    "checked_product",
    "normal_factor",
    "normal_product",
]

# What stands for the names that a node adds; only its form matters.
NAMES: Mapping[str, Any] = dict(zip(DEFAULT_NAMES, ("node", ["urn:node"]), strict=True))
_INTERMEDIATE_HINT = (
    "Fill in product IDs, description and period; or nothing that only a footprint has, if it is "
    "an intermediate."
)


Place = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that was looked at.

    Attributes:
        document: in its normal form; None if it cannot be read.
        problems: why it cannot be read; of one that can be, why nothing can be calculated with it.
    """

    document: dict[str, Any] | None
    problems: tuple[Problem, ...]


def checked_product(
    document: dict[str, Any], file: str, place_of: Place, *, in_sheet: bool = True
) -> Checked:
    """A product in its normal form, and everything that is wrong with it.

    Args:
        document: in the form of `product_json`, perhaps.
        file: its name.
        place_of: from a JSON pointer into the document to the place in the file.
        in_sheet: whether it was read from a sheet.
    """
    try:
        product = product_of(document, NAMES)
    except BillError as error:
        violations = _of_readable_lines(document, in_sheet=in_sheet)
        ranges = _range_problems(violations, file, place_of, in_sheet=in_sheet)
        forms = _form_problems(error, file, place_of, in_sheet=in_sheet)
        return Checked(None, (*forms, *ranges))
    units = tuple(_unit_problems(document, file, place_of))
    violations = violations_of_product(product, in_sheet=in_sheet)
    ranges = _range_problems(violations, file, place_of, in_sheet=in_sheet)
    return Checked(None if units else _normal(product, document), (*units, *ranges))


def checked_factor(
    document: dict[str, Any], file: str, place_of: Place, *, in_sheet: bool = True
) -> Checked:
    """A factor in its normal form, and everything that is wrong with it; arguments as for a
    product."""
    try:
        factor = factor_of(document)
    except BillError as error:
        return Checked(None, _form_problems(error, file, place_of, in_sheet=in_sheet))
    units = tuple(
        Problem(file, place_of("/unit"), error.message, error.hint)
        for error in _unit_errors(document["unit"], None)
    )
    if units:
        return Checked(None, units)
    ranges = _range_problems(violations_of_factor(factor), file, place_of, in_sheet=in_sheet)
    return Checked(factor_json(factor), tuple(ranges))


def normal_product(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same product in the one form that `product_json` gives it, without what follows anyway.

    Raises:
        BillError: it has another form.
    """
    return _normal(product_of(document, NAMES), document)


def _normal(product: Product, document: Mapping[str, Any]) -> dict[str, Any]:
    normal = product_json(product)
    for name in NAMES:
        if name not in (document.get("declaration") or {}):
            normal.get("declaration", {}).pop(name, None)
    return normal


def normal_factor(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same factor in the one form that `factor_json` gives it.

    Raises:
        BillError: it has another form.
    """
    return factor_json(factor_of(document))


def _form_problems(
    error: BillError, file: str, place_of: Place, *, in_sheet: bool
) -> tuple[Problem, ...]:
    return tuple(
        _problem(one, file, place_of(one.pointer), in_sheet=in_sheet) for one in error.violations
    )


def _problem(violation: Violation, file: str, place: str, *, in_sheet: bool) -> Problem:
    if violation.expected != REQUIRED:
        return problem_of(violation, file, place, in_sheet=in_sheet)
    if not in_sheet:
        return Problem(file, place, "it is missing, and required")
    of_footprint = violation.pointer.startswith("/declaration/")
    what = violation.pointer.rpartition("/")[2] + (" of the footprint" if of_footprint else "")
    hint = _INTERMEDIATE_HINT if of_footprint else "Fill in the cell."
    return Problem(file, place, f"the {what} is missing", hint)


def _of_readable_lines(document: Mapping[str, Any], *, in_sheet: bool) -> Iterator[Violation]:
    """So that all mistakes are said at once: one line that cannot be read does not hide others."""
    lines = document.get("lines")
    for number, line in enumerate(lines if isinstance(lines, list) else ()):
        try:
            yield from violations_of_line(line_of(line), number, in_sheet=in_sheet)
        except BillError:
            continue


def _range_problems(
    violations: Iterable[Violation], file: str, place_of: Place, *, in_sheet: bool
) -> Iterator[Problem]:
    """Each place once: a number that is wrong in two ways is said to be wrong once."""
    seen: set[str] = set()
    for one in violations:
        place = place_of(one.pointer)
        if place not in seen:
            seen.add(place)
            yield problem_of(one, file, place, in_sheet=in_sheet)


def _unit_problems(document: Mapping[str, Any], file: str, place_of: Place) -> Iterator[Problem]:
    """Units that are none, and those that cannot be of what they stand for."""
    units: list[tuple[str, Mapping[str, Any], Dimension | None]] = [
        ("/declaredUnit", document["declaredUnit"], None)
    ]
    if "basis" in document:
        units.append(("/basis", document["basis"], None))
    for number, line in enumerate(document.get("lines", ())):
        for member in ("quantity", "load", "distance"):
            if line.get(member) is not None:
                wanted = Dimension.LENGTH if member == "distance" else None
                units.append((f"/lines/{number}/{member}", line[member], wanted))
    for pointer, quantity, wanted in units:
        for error in _unit_errors(quantity["unit"], wanted):
            yield Problem(file, place_of(f"{pointer}/unit"), error.message, error.hint)


def _unit_errors(text: str, wanted: Dimension | None) -> Iterator[UnitError]:
    try:
        unit = unit_of(text)
    except UnitError as error:
        yield error
        return
    if wanted is not None and unit.dimension is not wanted:
        yield UnitError(
            f"{unit.name} measures {unit.dimension}, expected {wanted}", hint="Such as km."
        )
