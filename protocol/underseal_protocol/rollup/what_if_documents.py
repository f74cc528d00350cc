"""Changes for a what-if as JSON, as an operator writes them: docs/reference/what-if.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underseal_protocol.errors import BillError, RollUpError, Violation
from underseal_protocol.rollup.documents import factor_of, line_of, quantity_of, source_of
from underseal_protocol.rollup.groups import LineRef
from underseal_protocol.rollup.sources import ReceivedFootprint, Trust
from underseal_protocol.rollup.what_if import (
    Change,
    PutFactor,
    PutFootprint,
    ReplaceLine,
    SetAmount,
    SwapSource,
)

__all__ = ["changes_of"]

MAX_CHANGES = 1_000


def changes_of(document: Any, product_id: str) -> list[Change]:
    """The changes that a document describes, in order.

    Args:
        document: `{"changes": [...]}`, or the list alone.
        product_id: of the product whose lines are meant where none is named.

    Raises:
        BillError: it has another form, with the number of the change.
    """
    changes = document.get("changes") if isinstance(document, Mapping) else document
    if not isinstance(changes, list) or not 1 <= len(changes) <= MAX_CHANGES:
        expected = f"a list of 1 to {MAX_CHANGES} changes"
        raise BillError("what-if", [Violation("/changes", None, expected)])
    found = []
    for number, change in enumerate(changes):
        try:
            found.append(_change(change, product_id))
        except RollUpError as error:
            place = f"/changes/{number}"
            raise BillError(
                "what-if", [Violation(place, None, error.message, error.hint)]
            ) from None
    return found


def _change(change: Any, product_id: str) -> Change:
    if not isinstance(change, Mapping):
        raise RollUpError("an object: swap, amount, replace, factor or footprint")
    kinds = [name for name in _READERS if name in change]
    if len(kinds) != 1 or len(change) != 1:
        raise RollUpError(
            f"exactly one of {', '.join(_READERS)}",
            hint="Write each change as an object of its own.",
        )
    content = change[kinds[0]]
    if not isinstance(content, Mapping):
        raise RollUpError(f"{kinds[0]}: an object with named members")
    return _READERS[kinds[0]](content, product_id)


def _swap(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"new"}, {"new", "old", "line"})
    old = content.get("old")
    line = content.get("line")
    if old is None and line is None:
        raise RollUpError("swap: old or line", hint="Name the source to swap, or the line.")
    return SwapSource(
        source_of(content["new"]),
        None if old is None else source_of(old),
        None if line is None else _ref(line, product_id),
    )


def _amount(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"line", "quantity"}, {"line", "quantity"})
    return SetAmount(_ref(content["line"], product_id), quantity_of(content["quantity"]))


def _replace(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"line", "lines"}, {"line", "lines"})
    if not isinstance(content["lines"], list):
        raise RollUpError("replace: lines is a list")
    lines = tuple(line_of(one) for one in content["lines"])
    return ReplaceLine(_ref(content["line"], product_id), lines)


def _factor(content: Mapping[str, Any], _product_id: str) -> Change:
    return PutFactor(factor_of(content))


def _footprint(content: Mapping[str, Any], _product_id: str) -> Change:
    # It comes from the operator, not from a supplier's node.
    return PutFootprint(ReceivedFootprint(content, Trust.UNSIGNED))


_READERS = {
    "swap": _swap,
    "amount": _amount,
    "replace": _replace,
    "factor": _factor,
    "footprint": _footprint,
}


def _require(content: Mapping[str, Any], needed: set[str], known: set[str]) -> None:
    missing, unknown = sorted(needed - content.keys()), sorted(content.keys() - known)
    if missing:
        raise RollUpError(f"{missing[0]}, which is missing")
    if unknown:
        raise RollUpError(
            f"nothing named {unknown[0]!r}", hint=f"Known: {', '.join(sorted(known))}."
        )


def _ref(value: Any, product_id: str) -> LineRef:
    """`LINE`, or `{"product": ID, "line": LINE}`."""
    if isinstance(value, str):
        return LineRef(product_id, value)
    if isinstance(value, Mapping) and {"product", "line"} == value.keys():
        return LineRef(str(value["product"]), str(value["line"]))
    raise RollUpError('line: an id, or {"product": ID, "line": ID}')
