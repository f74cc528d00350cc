"""The columns of sheets of products and factors, and the sheets of a workbook.

A row is a product, a line of one, or a factor: its kind follows from the sheet, or from a column
`kind` in a table that holds rows of all kinds. A column is a member of the JSON document of the row
(`rollup.documents`); what needs more than copying is marked by `@`, and `rows` and `factor_rows` do
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from underseal_node.publishing import columns as footprint_columns
from underseal_node.sheets.columns import Column, Kind
from underseal_node.sheets.headings import Headings
from underseal_protocol.rollup import inputs

__all__ = [
    "FACTOR",
    "LINE_KINDS",
    "PRODUCT",
    "PROPERTIES",
    "QUALITY",
    "RowColumn",
    "columns_of",
    "figure_title",
    "headings_of",
    "mapped",
    "row_column",
]

PRODUCT, FACTOR = "product", "factor"
LINE_KINDS = tuple(str(kind) for kind in inputs.Kind)
ASIDE = "@"


@dataclass(frozen=True, slots=True)
class RowColumn(Column):
    """A column.

    Attributes:
        title: for people.
        paths: by the kind of row: where the value is in the document of the row, with dots; `@`
            before it if it is not copied as it is.
        needed: in rows of which kinds.
        others: headings that mean it as well.
    """

    title: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    def pointer(self, kind: str) -> str:
        """Where the value is in the document of a row of this kind (RFC 6901)."""
        return "/" + self.paths[kind].removeprefix(ASIDE).replace(".", "/")

    def is_copied(self, kind: str) -> bool:
        """Whether the value stands in the document as it was read."""
        return not self.paths[kind].startswith(ASIDE)


def mapped(path: str, kinds: Iterable[str]) -> dict[str, str]:
    """The same path for several kinds of rows."""
    return dict.fromkeys(kinds, path)


def columns_of(columns: Iterable[RowColumn], kind: str) -> list[RowColumn]:
    """The columns that rows of a kind have, marked as required where they are."""
    return [replace(one, is_required=kind in one.needed) for one in columns if kind in one.paths]


def headings_of(columns: Iterable[RowColumn]) -> Headings[RowColumn]:
    """What the columns are called."""
    known = list(columns)
    return Headings(
        known,
        {one.name: one.title for one in known},
        {one.name: one.others for one in known},
    )


def row_column(
    name: str,
    kind: Kind,
    title: str,
    text: str,
    paths: dict[str, str],
    *,
    others: str = "",
    needed: Iterable[str] = (),
    choices: Iterable[str] = (),
) -> RowColumn:
    """A column; its other headings are separated by `|`."""
    return RowColumn(
        name,
        kind,
        text,
        choices=tuple(choices),
        title=title,
        paths=paths,
        needed=frozenset(needed),
        others=tuple(others.split("|")) if others else (),
    )


def figure_title(name: str) -> str:
    """A property of PACT in readable form."""
    return footprint_columns.title_of(footprint_columns.Column(name, Kind.DECIMAL, ""))


_WITH_MATERIAL = (PRODUCT, FACTOR, *(one for one in LINE_KINDS if one != inputs.Kind.DIRECT))
_RATED = (FACTOR, *LINE_KINDS)


def _property(name: str, title: str, member: str, text: str, others: str) -> RowColumn:
    return RowColumn(
        name,
        Kind.AMOUNT,
        f"{text} Only where a unit has to be converted.",
        title=title,
        paths=mapped(f"properties.{member}", _WITH_MATERIAL),
        others=tuple(others.split("|")),
    )


PROPERTIES = (
    _property(
        "density", "Density (kg/m3)", "densityKgPerM3", "kg per m3.", "densityKgPerM3|Dichte|密度"
    ),
    _property(
        "massPerPiece",
        "Mass per piece (kg)",
        "massKgPerPiece",
        "kg per piece.",
        "massKgPerPiece|Masse pro Stück|Stückgewicht|单件质量",
    ),
    _property(
        "massPerArea",
        "Mass per area (kg/m2)",
        "massKgPerM2",
        "kg per m2, of foils and sheets.",
        "massKgPerM2|Flächengewicht|面密度",
    ),
    _property(
        "energyPerMass",
        "Energy per mass (MJ/kg)",
        "energyMjPerKg",
        "MJ per kg: calorific value, capacity.",
        "energyMjPerKg|Heizwert pro kg|质量热值",
    ),
    _property(
        "energyPerVolume",
        "Energy per volume (MJ/m3)",
        "energyMjPerM3",
        "MJ per m3: calorific value.",
        "energyMjPerM3|Heizwert pro m3|体积热值",
    ),
)


def _rating(member: str, what: str, others: str) -> RowColumn:
    return RowColumn(
        f"{member}DQR",
        Kind.AMOUNT,
        f"Data quality, {what}: 1 (best) to 5. All three or none.",
        title=f"{member.capitalize()} DQR",
        paths=mapped(f"quality.{member}", _RATED),
        others=tuple(others.split("|")),
    )


QUALITY = (
    _rating("technological", "technology", "dqi.technologicalDQR|Technologie DQR|TeR|技术代表性"),
    _rating("geographical", "geography", "dqi.geographicalDQR|Geographie DQR|GeR|地理代表性"),
    _rating("temporal", "time", "dqi.temporalDQR|Zeit DQR|TiR|时间代表性"),
)
