"""Whether a document of a product or factor can be read, and its units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from underseal_node.sheets.problems import Problem, problem_of
from underseal_protocol.errors import BillError, UnitError, Violation
from underseal_protocol.rollup.documents import (
    DEFAULT_NAMES,
    factor_json,
    factor_of,
    product_json,
    product_of,
)
from underseal_protocol.rollup.units import Dimension, unit_of

__all__ = ["NAMES", "factor_problems", "normal_factor", "normal_product", "product_problems"]

# What stands for the names that a node adds; only its form matters.
NAMES: Mapping[str, Any] = dict(zip(DEFAULT_NAMES, ("node", ["urn:node"]), strict=True))
_INTERMEDIATE_HINT = (
    "Fill in product IDs, description and period; or nothing that only a footprint has, if it is "
    "an intermediate."
)

REQUIRED = "it is required"  # as `rollup.documents` says it

Place = Callable[[str], str]


def product_problems(
    document: dict[str, Any], file: str, place_of: Place, *, in_sheet: bool = True
) -> list[Problem]:
    """Everything that is wrong with a product.

    Args:
        document: in the form of `product_json`, perhaps.
        file: its name.
        place_of: from a JSON pointer into the document to the place in the file.
        in_sheet: whether it was read from a sheet.
    """
    problems = _form_problems(
        lambda: product_of(document, NAMES), file, place_of, in_sheet=in_sheet
    )
    return problems or list(_unit_problems(document, file, place_of))


def factor_problems(
    document: dict[str, Any], file: str, place_of: Place, *, in_sheet: bool = True
) -> list[Problem]:
    """Everything that is wrong with a factor; arguments as for a product."""
    problems = _form_problems(lambda: factor_of(document), file, place_of, in_sheet=in_sheet)
    return problems or [
        Problem(file, place_of("/unit"), error.message, error.hint)
        for error in _unit_errors(document["unit"], None)
    ]


def normal_product(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same product in the one form that `product_json` gives it, without what follows anyway.

    Raises:
        BillError: it has another form.
    """
    normal = product_json(product_of(document, NAMES))
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
    attempt: Callable[[], object], file: str, place_of: Place, *, in_sheet: bool
) -> list[Problem]:
    try:
        attempt()
    except BillError as error:
        return [
            _problem(one, file, place_of(one.pointer), in_sheet=in_sheet)
            for one in error.violations
        ]
    return []


def _problem(violation: Violation, file: str, place: str, *, in_sheet: bool) -> Problem:
    if not in_sheet or violation.expected != REQUIRED:
        return problem_of(violation, file, place, in_sheet=in_sheet)
    of_footprint = violation.pointer.startswith("/declaration/")
    what = violation.pointer.rpartition("/")[2] + (" of the footprint" if of_footprint else "")
    hint = _INTERMEDIATE_HINT if of_footprint else "Fill in the cell."
    return Problem(file, place, f"the {what} is missing", hint)


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
