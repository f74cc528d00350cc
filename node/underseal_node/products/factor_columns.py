"""The columns of emission factors."""

from __future__ import annotations

from underseal_node.products.columns import (
    FACTOR,
    PROPERTIES,
    QUALITY,
    RowColumn,
    columns_of,
    figure_title,
    headings_of,
    row_column,
)
from underseal_node.sheets.columns import Kind
from underseal_protocol.rollup.properties import EXCLUDING, STATED_NAMES

__all__ = ["COLUMNS", "FIGURES", "HEADINGS", "NOT_KEPT"]


def _column(
    name: str,
    kind: Kind,
    title: str,
    text: str,
    path: str,
    others: str = "",
    *,
    needed: bool = False,
) -> RowColumn:
    kinds = [FACTOR] if needed else []
    return row_column(name, kind, title, text, {FACTOR: path}, others=others, needed=kinds)


def _figure(name: str) -> RowColumn:
    text = "One of the components, per amount and unit. Without a total, what is empty is 0."
    return _column(name, Kind.AMOUNT, figure_title(name), text, f"values.{name}")


_OWN = (
    _column(
        "id",
        Kind.TEXT,
        "ID",
        "By which lines name it, such as EL-DE.",
        "id",
        "Key|Factor id|Schlüssel|Nummer|编号",
        needed=True,
    ),
    _column(
        "name",
        Kind.TEXT,
        "Name",
        "Of what it is for. Empty: the ID.",
        "name",
        "Bezeichnung|Benennung|名称",
    ),
    _column(
        "value",
        Kind.AMOUNT,
        "Value (kg CO2e)",
        "The total without biogenic uptake, per amount and unit. Or give components.",
        f"@values.{EXCLUDING}",
        f"{EXCLUDING}|PCF excluding biogenic uptake|Total|Wert|Emissionsfaktor|Emission factor"
        "|数值|排放因子",
    ),
    _column(
        "unit",
        Kind.TEXT,
        "Unit",
        "What it is per: kWh; or both: kgCO2e/kWh.",
        "@unit",
        "Einheit|UoM|单位",
        needed=True,
    ),
    _column(
        "amount", Kind.AMOUNT, "Amount", "Of units. Empty: 1.", "amount", "Menge|Bezugsmenge|数量"
    ),
    _column(
        "database",
        Kind.TEXT,
        "Database",
        "Where it is from. Customers see it.",
        "database",
        "source_title|Source|Quelle|Datenbank|数据库|来源",
    ),
    _column(
        "version",
        Kind.TEXT,
        "Version",
        "Of the database, or the year it was published. Empty: undated.",
        "version",
        "source_year|Ausgabe|版本",
    ),
    _column(
        "geography",
        Kind.TEXT,
        "Geography",
        "A country, a part of one or a region. Empty or GLO: the world.",
        "@geography",
        "Land|Country|Region|地区|国家",
    ),
    _column("year", Kind.YEAR, "Year", "That the data is of.", "year", "Jahr|Bezugsjahr|年份"),
    _column(
        "licence",
        Kind.TEXT,
        "Licence",
        "Under which it may be used.",
        "licence",
        "License|Lizenz|许可",
    ),
    _column(
        "verified",
        Kind.FLAG,
        "Verified",
        "no: nobody has looked it up at its source. Empty: yes.",
        "isVerified",
        "isVerified|Geprüft|Überprüft|已核实",
    ),
    _column(
        "primary",
        Kind.FLAG,
        "Primary data",
        "yes: measured by you or the supplier. Empty: no.",
        "isPrimary",
        "isPrimary|Primärdaten|原始数据",
    ),
    _column(
        "assessmentReports",
        Kind.TEXTS,
        "Assessment reports",
        "Of the IPCC, whose characterization factors it uses: AR6. Several: separated by |.",
        "assessmentReports",
        "ipccCharacterizationFactors|Sachstandsberichte|评估报告",
    ),
    _column(
        "method",
        Kind.TEXT,
        "Method",
        "In words; AR5 or AR6 in it are taken as assessment reports.",
        "@assessmentReports",
        "Methode|方法",
    ),
)
# For people, or said by another column as well.
NOT_KEPT = ("method", "source_publisher", "source_url", "note")
_READ_OVER = tuple(
    _column(name, Kind.TEXT, title, "Not read.", "@", others)
    for name, title, others in (
        ("source_publisher", "Publisher", "Herausgeber|出版者"),
        ("source_url", "URL", "Link|链接"),
        ("note", "Note", "Notes|Comment|Bemerkung|Kommentar|备注"),
    )
)

FIGURES = tuple(_figure(name) for name in STATED_NAMES if name != EXCLUDING)
COLUMNS: tuple[RowColumn, ...] = (
    *_OWN,
    *FIGURES,
    *columns_of(QUALITY, FACTOR),
    *columns_of(PROPERTIES, FACTOR),
    *_READ_OVER,
)
HEADINGS = headings_of(COLUMNS)
