"""Changes for a what-if as JSON, as an operator writes them: docs/reference/what-if.md."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from underseal_protocol.errors import BillError, Violation
from underseal_protocol.rollup.documents import (
    REQUIRED,
    factor_of,
    line_of,
    quantity_of,
    source_of,
)
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

T = TypeVar("T")
MAX_CHANGES = 1_000
A_LINE = 'the id of a line, such as "wire", or {"product": "316", "line": "wire"}'


def changes_of(document: Any, product_id: str) -> list[Change]:
    """The changes that a document describes, in order.

    Args:
        document: `{"changes": [...]}`, or the list alone.
        product_id: of the product whose lines are meant where none is named.

    Raises:
        BillError: it has another form; with everything that is wrong, and where.
    """
    changes = document.get("changes") if isinstance(document, Mapping) else document
    if not isinstance(changes, list) or not 1 <= len(changes) <= MAX_CHANGES:
        expected = f"a list of 1 to {MAX_CHANGES} changes"
        raise _refused(Violation("/changes", None, expected))
    found: list[Change] = []
    wrong: list[Violation] = []
    for number, change in enumerate(changes):
        try:
            found.append(_at(f"/changes/{number}", _change, change, product_id))
        except BillError as error:
            wrong += error.violations
    if wrong:
        raise _refused(*wrong)
    return found


def _refused(*violations: Violation) -> BillError:
    return BillError("what-if", violations)


def _at(place: str, read: Callable[..., T], *arguments: Any) -> T:
    """What is read, with the place in front of where something is wrong inside.

    Raises:
        BillError: something is.
    """
    try:
        return read(*arguments)
    except BillError as error:
        inside = [replace(one, pointer=f"{place}{one.pointer}") for one in error.violations]
        raise _refused(*inside) from None


def _change(change: Any, product_id: str) -> Change:
    known = ", ".join(_READERS)
    if not isinstance(change, Mapping):
        raise _refused(Violation("", change, f"an object with one of {known}"))
    if len(change) != 1:
        has = f"it has {', '.join(sorted(map(str, change)))}" if change else "it has none"
        hint = "Write each change as an object of its own."
        raise _refused(Violation("", None, f"exactly one of {known}; {has}", hint))
    ((kind, content),) = change.items()
    if kind not in _READERS:
        close = difflib.get_close_matches(str(kind), _READERS, 1)
        meant = f"Did you mean {close[0]}?" if close else None
        raise _refused(Violation("", kind, f"exactly one of {known}", meant))
    if not isinstance(content, Mapping):
        raise _refused(Violation(f"/{kind}", content, "an object with named members"))
    return _at(f"/{kind}", _READERS[kind], content, product_id)


def _swap(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"new"}, {"new", "old", "line"})
    old = content.get("old")
    line = content.get("line")
    if old is None and line is None:
        hint = "Name the line that gets another source, or the source that is swapped everywhere."
        raise _refused(Violation("", None, "line or old beside new", hint))
    return SwapSource(
        _at("/new", source_of, content["new"]),
        None if old is None else _at("/old", source_of, old),
        None if line is None else _ref(line, product_id),
    )


def _amount(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"line", "quantity"}, {"line", "quantity"})
    quantity = _at("/quantity", quantity_of, content["quantity"])
    return SetAmount(_ref(content["line"], product_id), quantity)


def _replace(content: Mapping[str, Any], product_id: str) -> Change:
    _require(content, {"line", "lines"}, {"line", "lines"})
    given = content["lines"]
    if not isinstance(given, list):
        expected = "a list of lines; an empty one removes the line"
        raise _refused(Violation("/lines", given, expected))
    lines = tuple(_at(f"/lines/{number}", _line, one) for number, one in enumerate(given))
    return ReplaceLine(_ref(content["line"], product_id), lines)


def _line(document: Any) -> Any:
    """A line; without the member that the protocol puts it into to read it by itself."""
    try:
        return line_of(document)
    except BillError as error:
        inside = [
            replace(one, pointer=one.pointer.removeprefix("/line")) for one in error.violations
        ]
        raise _refused(*inside) from None


def _factor(content: Mapping[str, Any], _product_id: str) -> Change:
    return PutFactor(factor_of(content))


def _footprint(content: Mapping[str, Any], _product_id: str) -> Change:
    if not isinstance(content.get("id"), str):
        hint = "It is a whole footprint of PACT, as the supplier has sent it."
        raise _refused(Violation("/id", content.get("id"), "the id of the footprint", hint))
    # It comes from the operator, not from a supplier's node.
    return PutFootprint(ReceivedFootprint(content, Trust.UNSIGNED))


_READERS: dict[str, Callable[[Mapping[str, Any], str], Change]] = {
    "swap": _swap,
    "amount": _amount,
    "replace": _replace,
    "factor": _factor,
    "footprint": _footprint,
}


def _require(content: Mapping[str, Any], needed: set[str], known: set[str]) -> None:
    missing, unknown = sorted(needed - content.keys()), sorted(content.keys() - known)
    wrong = [Violation(f"/{one}", None, REQUIRED) for one in missing]
    hint = f"Known here: {', '.join(sorted(known))}."
    wrong += [Violation(f"/{one}", None, "nothing of this name", hint) for one in unknown]
    if wrong:
        raise _refused(*wrong)


def _ref(value: Any, product_id: str) -> LineRef:
    """`LINE`, or `{"product": ID, "line": LINE}`."""
    if isinstance(value, str):
        return LineRef(product_id, value)
    if isinstance(value, Mapping) and {"product", "line"} == value.keys():
        return LineRef(str(value["product"]), str(value["line"]))
    raise _refused(Violation("/line", value, A_LINE))
