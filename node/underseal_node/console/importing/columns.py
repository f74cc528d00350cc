"""Our columns, for sheets whose headings are others, and the units that theirs may be in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from urllib.parse import quote

from underseal_node.console.importing.kinds import MIXED, SPEND
from underseal_node.console.importing.words import FOOTPRINT_WORDS, ROW_WORDS
from underseal_node.console.marks import _
from underseal_node.products import factor_columns, line_columns
from underseal_node.products.columns import FACTOR, RowColumn, columns_of
from underseal_node.publishing import columns as footprint_columns
from underseal_node.sheets.columns import Column, Kind
from underseal_node.spend import columns as spend_columns
from underseal_protocol.decimals import format_decimal, multiply
from underseal_protocol.rollup.units import Dimension, all_units, conversion

__all__ = ["OurColumn", "Written", "column_names", "columns_of_rows", "folded"]

IN_BRACKETS = re.compile(r"\([^)]*\)|（[^）]*）|\[[^\]]*\]")
NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
# What a figure is in kilograms of, by what its column says.
IN_KILOGRAMS = re.compile(r"\bkg (?:CO2e|carbon|of product|of the declared)|\(kg(?: CO2e)?\)")
AREA = "landAreaOccupation"
URN_CHARACTERS = "!$&'()*+,;=:@"  # beside those that `quote` leaves anyway
HOST = "HOST"


@dataclass(frozen=True)
class Written:
    """A way to write the values of a column.

    Attributes:
        code: in forms; for people, too, if it is a unit.
        factor: by which a number is multiplied, to be in our unit.
        prefix: that makes a URN of an article number; `HOST` in it is that of the node.
        label: for people, marked for the catalogues; the code if it is empty.
    """

    code: str
    factor: Decimal = Decimal(1)
    prefix: str = ""
    label: str = ""

    def number(self, text: str) -> str:
        """A number in our unit, exactly.

        Args:
            text: of a decimal.
        """
        if self.factor == 1:
            return text
        product = format_decimal(multiply(Decimal(text), self.factor))
        return product.rstrip("0").rstrip(".") if "." in product else product

    def urn(self, text: str, host: str) -> str:
        """An identifier as a URN.

        Args:
            text: the identifier.
            host: of the node.
        """
        if not self.prefix or text.lower().startswith("urn:"):
            return text
        return self.prefix.replace(HOST, host) + quote(text, safe=URN_CHARACTERS)


@dataclass(frozen=True)
class OurColumn:
    """A column of ours.

    Attributes:
        column: as the reader knows it.
        title: for people.
        names: other headings that mean it.
        written: how its values may be written; the first is how we want them.
    """

    column: Column
    title: str
    names: tuple[str, ...] = ()
    written: tuple[Written, ...] = field(default=(Written(""),))

    @property
    def name(self) -> str:
        """In forms, and as a heading of what is sent."""
        return self.column.name

    def in_form(self, code: str) -> Written:
        """A way to write its values; ours if there is no such one."""
        return next((one for one in self.written if one.code == code), self.written[0])


def column_names(column: OurColumn) -> tuple[str, ...]:
    """Every heading that means a column."""
    return (column.name, column.title, *column.names)


def folded(heading: str) -> str:
    """A heading as it is compared: letters and digits without what is in brackets."""
    return NOT_ALPHANUMERIC.sub("", IN_BRACKETS.sub("", heading)).casefold()


@cache
def columns_of_rows(rows: str) -> tuple[OurColumn, ...]:
    """The columns that rows of a kind have; those that are needed first.

    Args:
        rows: one of `kinds.ROWS`.
    """
    if rows == "footprints":
        found = [_of_footprints(one) for one in footprint_columns.COLUMNS]
    elif rows == FACTOR:
        known = columns_of(factor_columns.COLUMNS, FACTOR)
        found = [_of_rows(one) for one in known if one.name not in factor_columns.NOT_KEPT]
    elif rows == SPEND:
        found = [_of_rows(one) for one in columns_of(spend_columns.COLUMNS, SPEND)]
    elif rows == MIXED:
        found = [_of_rows(one) for one in line_columns.COLUMNS]
    else:
        known = columns_of(line_columns.COLUMNS, rows)
        found = [_of_rows(one) for one in known if one.name != "kind"]
    return tuple(sorted(found, key=lambda one: not one.column.is_required))


def _of_footprints(column: footprint_columns.Column) -> OurColumn:
    words = FOOTPRINT_WORDS.get(column.name)
    names = (".".join(column.path), *(words.split("|") if words else ()))
    return OurColumn(
        column, footprint_columns.title_of(column), names, _written(column, column.text)
    )


def _of_rows(column: RowColumn) -> OurColumn:
    words = ROW_WORDS.get(column.name)
    names = (*column.others, *(words.split("|") if words else ()))
    return OurColumn(column, column.title, names, _written(column, f"{column.title} {column.text}"))


def _written(column: Column, text: str) -> tuple[Written, ...]:
    if column.kind.is_percent:
        return (Written("%"), Written("share", Decimal(100), label=_("share of 1")))
    if column.kind is Kind.URNS:
        return _URNS.get(column.name, (Written("URN"),))
    if column.kind not in (Kind.DECIMAL, Kind.AMOUNT):
        return (Written(""),)
    if column.name in _DENSITIES:
        return _DENSITIES[column.name]
    is_figure = column.name in {one.name for one in factor_columns.FIGURES}
    if column.name != AREA and (is_figure or IN_KILOGRAMS.search(text)):
        return _masses()
    return (Written(""),)


@cache
def _masses() -> tuple[Written, ...]:
    symbols = [one.symbol for one in all_units() if one.dimension is Dimension.MASS]
    return tuple(Written(one, _factor(one, "kg")) for one in symbols)


def _factor(unit: str, ours: str) -> Decimal:
    size = conversion(unit, ours)
    return Decimal(size.numerator) / Decimal(size.denominator)


def _factors(ours: str, **others: str) -> tuple[Written, ...]:
    return (
        Written(ours),
        *(Written(unit.replace("_", "/"), Decimal(factor)) for unit, factor in others.items()),
    )


# A number per something: what is a multiple of ours, exactly.
_DENSITIES: Mapping[str, tuple[Written, ...]] = {
    "density": _factors("kg/m3", g_cm3="1000", kg_l="1000", t_m3="1000", g_l="1"),
    "massPerArea": _factors("kg/m2", g_m2="0.001"),
    "energyPerMass": _factors("MJ/kg", kWh_kg="3.6", Wh_kg="0.0036", kJ_kg="0.001", GJ_t="1"),
    "energyPerVolume": _factors("MJ/m3", kWh_m3="3.6", GJ_m3="1000", MJ_l="1000", kWh_l="3600"),
}
_PRODUCT_IDS = (
    Written("URN"),
    Written("own", prefix=f"urn:pact:{HOST}:product-id:", label=_("own article numbers")),
    Written("GTIN", prefix="urn:gtin:"),
)
_CLASSES = (
    Written("URN"),
    Written("CN", prefix="urn:pact:ec.europa.eu:cn-code:"),
    Written("CAS", prefix="urn:pact:cas.org:substance-number:"),
)
_URNS: Mapping[str, tuple[Written, ...]] = {
    "productIds": _PRODUCT_IDS,
    "productClassifications": _CLASSES,
    "classifications": _CLASSES,
}
