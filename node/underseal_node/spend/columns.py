"""The columns of a table of spend: a row for each supplier."""

from __future__ import annotations

from underseal_node.products.columns import RowColumn, headings_of, row_column
from underseal_node.sheets.columns import Kind

__all__ = ["COLUMNS", "HEADINGS", "SPEND"]

SPEND = "spend"
"""The kind of these rows."""


def _column(name: str, kind: Kind, title: str, text: str, others: str) -> RowColumn:
    return row_column(name, kind, title, text, {SPEND: name}, others=others, needed=[SPEND])


COLUMNS = (
    _column(
        "supplier",
        Kind.TEXT,
        "Supplier",
        "As you call it as a partner, or as it calls itself.",
        "Name|Supplier name|Vendor|Creditor|Lieferant|Lieferantenname|Kreditor|供应商|供应商名称",
    ),
    _column(
        "amount",
        Kind.DECIMAL,
        "Spend",
        "What you have bought for in the period, without a currency sign.",
        "Amount|Spent|Net value|Volume|Umsatz|Betrag|Einkaufsvolumen|Ausgaben|采购额|金额|支出",
    ),
    _column(
        "currency",
        Kind.TEXT,
        "Currency",
        "As ISO 4217 has it, such as EUR. One for all of a period: nothing is converted.",
        "Währung|Waehrung|币种|货币",
    ),
    _column(
        "periodStart",
        Kind.TIME,
        "Period start",
        "First day, such as 2025-01-01.",
        "Start|From|Beginn|Von|Zeitraum von|开始日期|开始",
    ),
    _column(
        "periodEnd",
        Kind.TIME,
        "Period end",
        "First day after it, such as 2026-01-01 for the year 2025.",
        "End|Until|To|Ende|Bis|Zeitraum bis|结束日期|结束",
    ),
)
HEADINGS = headings_of(COLUMNS)
