"""Production orders: in a sheet of the same workbook, or in a file of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.node.energy.conftest import (
    HEADER,
    LONG,
    csv_of,
    only_problem,
    problems,
    read,
    workbook_of,
)

from underseal_protocol.rollup.allocation_rule import Money, ProductionOrder
from underseal_protocol.rollup.inputs import Quantity

ORDERS = """
timezone = "Europe/Berlin"

[orders]
unit = "kg"
currency = "EUR"

[orders.columns]
order = "Auftrag"
product = "Material"
start = "Beginn"
end = "Ende"
quantity = "Gutmenge"
unit = "ME"
machine_hours = "Std"
value = "Wert"
line = "Linie"

[products]
"100-01" = "nmc811"
"正极 2" = { id = "lfp", mass_kg_per_piece = 0.5 }

[rule]
by = "mass"
"""
HEAD = ("Auftrag", "Material", "Beginn", "Ende", "Gutmenge", "ME", "Std", "Wert", "Linie")
ROW = ("4711", "100-01", "02.01.2025 06:00", "03.01.2025 14:00", "12,5", "t", "30", "", "Ofen 1")


def changed(**cells: Any) -> tuple[Any, ...]:
    return tuple(cells.get(head, value) for head, value in zip(HEAD, ROW, strict=True))


def test_orders() -> None:
    content = csv_of(
        HEAD, ROW, changed(Auftrag="4712", Material="正极  2", ME="St", Wert="1.000,50", Std="")
    )
    export = read(content, ORDERS)
    start = datetime(2025, 1, 2, 5, tzinfo=UTC)
    end = datetime(2025, 1, 3, 13, tzinfo=UTC)
    assert [one.value for one in export.orders] == [
        ProductionOrder(
            id="4711",
            product="nmc811",
            start=start,
            end=end,
            quantity=Quantity(Decimal("12.5"), "t"),
            machine_hours=Decimal(30),
            line="Ofen 1",
        ),
        ProductionOrder(
            id="4712",
            product="lfp",
            start=start,
            end=end,
            quantity=Quantity(Decimal("12.5"), "pc"),
            value=Money(Decimal("1000.5"), "EUR"),
            line="Ofen 1",
        ),
    ]
    properties = {key: one.mass_kg_per_piece for key, one in export.setup.products.items()}
    assert properties == {"lfp": Decimal("0.5")}


def test_every_error_has_its_cell() -> None:
    found = problems(
        csv_of(
            HEAD,
            changed(Material="unbekannt"),
            changed(Material=""),
            changed(Gutmenge=""),
            changed(Gutmenge="viel"),
            changed(ME="Kiste"),
            changed(Std="x"),
            changed(Linie=""),
            changed(Auftrag=""),
            changed(Ende="02.01.2025 05:00"),
            ROW,
            ROW,
        ),
        ORDERS,
    )
    assert [one.place for one in found] == [
        "cell B2 (Material)",
        "cell B3 (Material)",
        "cell E4 (Gutmenge)",
        "cell E5 (Gutmenge)",
        "cell F6 (ME)",
        "cell G7 (Std)",
        "cell I8 (Linie)",
        "cell A9 (Auftrag)",
        "cell D10 (Ende)",
        "cell A12 (Auftrag)",
    ]
    assert "first in cell A11 (Auftrag)" in found[-1].message
    assert all(one.hint for one in found)


def test_all_errors_of_a_row_are_said_at_once() -> None:
    row = changed(
        Material="?", Gutmenge="viel", ME="Kiste", Std="x", Linie="", Auftrag="", Beginn=""
    )
    assert sorted(one.place for one in problems(csv_of(HEAD, row), ORDERS)) == [
        "cell A2 (Auftrag)",
        "cell B2 (Material)",
        "cell C2 (Beginn)",
        "cell E2 (Gutmenge)",
        "cell F2 (ME)",
        "cell G2 (Std)",
        "cell I2 (Linie)",
    ]


def test_parts_of_orders_and_lists_without_numbers() -> None:
    parts = ORDERS.replace('order = "Auftrag"', 'order = "Auftrag"\npart = "Std"')
    content = csv_of(HEAD, ROW, changed(Std="31"))
    assert [one.value.id for one in read(content, parts).orders] == ["4711/30", "4711/31"]
    without = ORDERS.replace('order = "Auftrag"\n', "")
    assert [one.value.id for one in read(csv_of(HEAD, ROW), without).orders] == [
        "nmc811, Ofen 1, 2025-01-02T05:00:00Z/2025-01-03T13:00:00Z"
    ]


def test_days_and_months() -> None:
    daily = ORDERS.replace('start = "Beginn"\nend = "Ende"', 'date = "Beginn"')
    content = csv_of(HEAD, changed(Beginn="02.01.2025"))
    (placed,) = read(content, daily).orders
    assert placed.value.end - placed.value.start == datetime(2025, 1, 2) - datetime(2025, 1, 1)  # noqa: DTZ001
    monthly = daily.replace("[orders]\n", '[orders]\nevery = "month"\n')
    (placed,) = read(csv_of(HEAD, changed(Beginn="01.02.2025")), monthly).orders
    assert placed.value.end == datetime(2025, 2, 28, 23, tzinfo=UTC)


def test_without_products_the_export_has_the_ids() -> None:
    plain = ORDERS[: ORDERS.index("[products]")] + '[rule]\nby = "mass"\nscope = "site"\n'
    (placed,) = read(csv_of(HEAD, changed(Linie="")), plain).orders
    assert (placed.value.product, placed.value.line) == ("100-01", None)


def test_another_sheet_of_the_same_workbook() -> None:
    def change(book: Any) -> None:
        sheet = book.create_sheet("Aufträge")
        sheet.append(HEAD)
        sheet.append(ROW)

    mapping = LONG + ORDERS[ORDERS.index("[orders]") : ORDERS.index("[rule]")]
    mapping = mapping.replace("[orders]\n", '[orders]\nsheet = "Aufträge"\n')
    mapping = mapping.replace("[readings]\n", '[readings]\nsheet = "Daten"\n')
    content = workbook_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", 1), change=change)
    export = read(content, mapping)
    assert (len(export.measured), len(export.orders)) == (1, 1)
    assert str(export.orders[0].place) == "sheet 'Aufträge', cell A2 (Auftrag)"


def test_a_second_file() -> None:
    mapping = LONG + ORDERS[ORDERS.index("[orders]") : ORDERS.index("[rule]")]
    mapping = mapping.replace("[orders]\n", '[orders]\nfile = "orders.csv"\n')
    content = csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", 1))
    export = read(content, mapping, orders_csv=csv_of(HEAD, ROW))
    assert (len(export.measured), len(export.orders)) == (1, 1)
    problem = only_problem(content, mapping)
    assert (problem.file, "names the file 'orders.csv'" in problem.message) == (
        "mapping.toml",
        True,
    )
    broken = only_problem(content, mapping, orders_csv=csv_of(HEAD, changed(Gutmenge="x")))
    assert (broken.file, broken.place) == ("orders.csv", "cell E2 (Gutmenge)")
