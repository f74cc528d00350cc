"""Production orders in a sheet."""

from __future__ import annotations

from decimal import Decimal

from underseal_node.energy.instants import LocalTimes, span_of
from underseal_node.energy.mapping import EnergyMapping, OrderColumns, OrdersPart, ProductPart
from underseal_node.energy.periods import end_error, period_of
from underseal_node.energy.series import Placed, Placer
from underseal_node.energy.sheets import (
    Attempts,
    ColumnError,
    InColumn,
    Problems,
    Sheet,
    folded,
    number_in,
    sheet_of,
    text_in,
)
from underseal_node.settings import Settings
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import Row
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.allocation_rule import Money, ProductionOrder, Scope
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.units import unit_of
from underseal_protocol.times import format_time

__all__ = ["read_orders"]

NUMERIC = ("quantity", "machine_hours", "value")


def read_orders(
    name: str,
    content: bytes,
    mapping: EnergyMapping,
    part: OrdersPart,
    times: LocalTimes,
    settings: Settings,
    problems: Problems,
) -> list[Placed[ProductionOrder]]:
    """The production orders in a file; see `series.read_series`.

    Raises:
        UnpublishableError: nothing can be read.
    """
    columns = {what: getattr(part.columns, what) for what in OrderColumns.model_fields}
    wanted = {what: head for what, head in columns.items() if head is not None}
    sheet = sheet_of(name, content, settings, wanted=wanted, numeric=NUMERIC, part=part)
    reader = _Orders(sheet, mapping, part, times)
    found: list[Placed[ProductionOrder]] = []
    first: dict[str, Placer] = {}
    for row in sheet.rows:
        attempts = Attempts()
        order = reader.order(row, attempts)
        for error in attempts.errors:
            problems.add(sheet.problem(row, error))
        if order is None:
            continue
        place = Placer(sheet, row.number, sheet.columns.get("order"))
        if order.id in first:
            problems.add(
                Problem(
                    name,
                    str(place),
                    f"the order {order.id[:60]!r} is there twice; first in {first[order.id]}",
                    "If both rows count, name the column that tells them apart in the mapping: "
                    "columns.part, or columns.order.",
                )
            )
        first.setdefault(order.id, place)
        found.append(Placed(order, place))
    if not sheet.rows:
        problems.add(Problem(name, "", "there are no production orders in it"))
    return found


class _Orders:
    """Reads the rows of a sheet."""

    def __init__(
        self, sheet: Sheet, mapping: EnergyMapping, part: OrdersPart, times: LocalTimes
    ) -> None:
        self._sheet, self._part, self._times = sheet, part, times
        self._span = None if part.every is None else span_of(part.every)
        self._needs_line = mapping.rule.scope is Scope.LINE
        self._products = {
            folded(text): one.id if isinstance(one, ProductPart) else one
            for text, one in mapping.products.items()
        }

    def order(self, row: Row, attempts: Attempts) -> ProductionOrder | None:
        """The order of a row; None if cells cannot be understood, and why is in the attempts."""
        product = attempts(self._product, row)
        amount = attempts(self._quantity, row)
        unit = attempts(self._unit, row)
        period = attempts(period_of, self._sheet, row, self._times, self._span)
        if period is None and isinstance(attempts.errors[-1], ColumnError):
            attempts.errors += end_error(self._sheet, row, self._times, attempts.errors[-1].what)
        line = attempts(self._line, row)
        value = attempts(self._number, row, "value")
        hours = attempts(self._number, row, "machine_hours")
        number = attempts(self._id, row)
        if attempts.errors or product is None or amount is None or unit is None or period is None:
            return None
        start, end = period
        return ProductionOrder(
            id=number or f"{product}, {line or ''}, {format_time(start)}/{format_time(end)}",
            product=product,
            start=start,
            end=end,
            quantity=Quantity(amount, unit),
            machine_hours=hours,
            value=None if value is None else Money(value, self._part.currency or ""),
            line=line,
        )

    def _quantity(self, row: Row) -> Decimal:
        amount = self._number(row, "quantity")
        if amount is None:
            with InColumn("quantity"):
                raise CellError("there is no quantity", hint="Fill it in, or delete the row.")
        return amount

    def _product(self, row: Row) -> str:
        with InColumn("product"):
            text = text_in(self._sheet.cell(row, "product"))
            if text is None:
                raise CellError("the row names no product", hint="Fill it in, or delete the row.")
            if not self._products:
                return text
            found = self._products.get(folded(text))
            if found is None:
                raise CellError(
                    f"the product {text[:60]!r} is not in the mapping",
                    hint="Add it to [products], with the id of the product.",
                )
            return found

    def _unit(self, row: Row) -> str:
        with InColumn("unit"):
            text = text_in(self._sheet.cell(row, "unit")) or self._part.unit
            if text is None:
                raise CellError(
                    "nothing says the unit of the quantity",
                    hint="Write it in the mapping: unit = ... of [orders].",
                )
            try:
                return unit_of(text).symbol
            except UnitError as error:
                raise CellError(error.message, hint=error.hint) from None

    def _line(self, row: Row) -> str | None:
        with InColumn("line"):
            line = text_in(self._sheet.cell(row, "line")) or self._part.line
            if line is None and self._needs_line:
                raise CellError(
                    "the order has no line, and energy is allocated line by line",
                    hint='Name the column or the line in the mapping, or write scope = "site".',
                )
            return line

    def _id(self, row: Row) -> str | None:
        """The number of an order, with what tells its rows apart; None if there is no column."""
        with InColumn("order"):
            number = text_in(self._sheet.cell(row, "order"))
            if number is None:
                if "order" in self._sheet.columns:
                    raise CellError(
                        "the row has no order number", hint="Fill it in, or delete the row."
                    )
                return None
        with InColumn("part"):
            part = text_in(self._sheet.cell(row, "part"))
        return number if part is None else f"{number}/{part}"

    def _number(self, row: Row, what: str) -> Decimal | None:
        with InColumn(what):
            return number_in(self._sheet.cell(row, what), self._sheet.mark)
