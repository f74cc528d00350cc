"""The mapping file: where in an export the readings and the production orders are.

TOML, because people write it, with comments. Numbers keep their digits. What the members mean is in
docs/how-to/import-meter-data.md.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from underseal_node.publishing.results import UnpublishableError
from underseal_node.sheets.problems import Problem
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.allocation_json import EnergySetup
from underseal_protocol.rollup.allocation_rule import (
    AllocationRule,
    By,
    Carrier,
    NotForProducts,
    Over,
    Scope,
)
from underseal_protocol.rollup.metering import MeterKind
from underseal_protocol.rollup.units import NO_PROPERTIES, PhysicalProperties, unit_of

__all__ = [
    "ClockChange",
    "EnergyMapping",
    "Layout",
    "MeterPart",
    "OrderColumns",
    "OrdersPart",
    "ReadingColumns",
    "ReadingsPart",
    "SheetPart",
    "read_mapping",
]

MAX_MAPPING_BYTES = 1024 * 1024
HOW_TO = "docs/how-to/import-meter-data.md shows a mapping line by line."


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("the text holds a NUL")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
Positive = Annotated[Decimal, Field(gt=0, max_digits=30)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=30)]


class Layout(StrEnum):
    """How the values of several meters stand in a sheet."""

    LONG = "long"  # a row for each value, with a column that names the meter
    WIDE = "wide"  # a column for each meter


class ClockChange(StrEnum):
    """What to do with local times that there are twice, when clocks are put back."""

    REFUSE = "refuse"
    IN_ORDER = "in order"  # the rows are in order of time: the first is the earlier one


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Properties(_Part):
    density_kg_per_m3: Positive | None = None
    mass_kg_per_piece: Positive | None = None
    mass_kg_per_m2: Positive | None = None
    energy_mj_per_kg: Positive | None = None
    energy_mj_per_m3: Positive | None = None

    @property
    def properties(self) -> PhysicalProperties:
        names = _Properties.model_fields
        return PhysicalProperties(**{name: getattr(self, name) for name in names})


class ReadingColumns(_Part):
    """Names of columns, as they stand in the header.

    Attributes:
        meter: which meter; long layout.
        value: what it shows; long layout.
        unit: of the value, if it is in a column.
        start, end: of the period; one of the two is enough with `every`.
        time: of a register value.
        date: the day, if the others are times of day.
    """

    meter: Text | None = None
    value: Text | None = None
    unit: Text | None = None
    start: Text | None = None
    end: Text | None = None
    time: Text | None = None
    date: Text | None = None


class SheetPart(_Part):
    """What is the same for readings and orders; see `ReadingsPart`."""

    file: Text | None = None
    sheet: Text | None = None
    time_format: Text | None = None
    unit: Text | None = None
    decimal_mark: Literal[".", ","] | None = None
    ignore_rows: tuple[Text, ...] = ()


class ReadingsPart(SheetPart):
    """Where the readings are.

    Attributes:
        file: another one than that which is imported.
        sheet: of a workbook.
        time_format: as for `strptime`, where times are written in an unusual way.
        unit: of all values without one.
        decimal_mark: where the numbers do not show it.
        ignore_rows: rows whose first text begins with one of these.
        layout: long or wide.
        kind: of all meters without one.
        every: how long a period is: `15 min`, `1 h`; `day` or `month` from its start.
        columns: their names.
    """

    layout: Layout = Layout.LONG
    kind: MeterKind = MeterKind.INTERVAL
    every: Text | None = None
    columns: ReadingColumns

    @model_validator(mode="after")
    def _complete(self) -> ReadingsPart:
        columns = self.columns
        if self.layout is Layout.LONG and (columns.meter is None or columns.value is None):
            raise ValueError("the long layout needs columns.meter and columns.value")
        if self.layout is Layout.WIDE and (columns.meter or columns.value or columns.unit):
            raise ValueError("the wide layout has a column for each meter: say which in [meters]")
        if self.kind is MeterKind.COUNTER and columns.time is None and columns.date is None:
            raise ValueError("register values need columns.time")
        if self.kind is MeterKind.INTERVAL and self.every is None:
            whole_days = columns.date and not (columns.start or columns.end)
            if not whole_days and (columns.start is None or columns.end is None):
                raise ValueError(
                    "the period of a value needs columns.start and columns.end, or one of them and "
                    '`every`, such as "15 min"'
                )
        return self


class MeterPart(_Part):
    """A meter.

    Attributes:
        carrier: that it measures.
        line: that it belongs to; none: the whole site.
        unit: of its values.
        kind: of its values.
        column: wide layout: its column, if that is not called like the meter.
    """

    carrier: Text
    line: Text | None = None
    unit: Text | None = None
    kind: MeterKind | None = None
    column: Text | None = None


class OrderColumns(_Part):
    """Names of columns, as they stand in the header.

    Attributes:
        order: the number of the order; without it, product, line and period name it.
        part: what tells several rows of an order apart, such as a confirmation.
        product: what was made.
        start, end: when it began and ended.
        date: the day, if there is nothing else, or the others are times of day.
        quantity: of good product.
        unit: of the quantity, if it is in a column.
        machine_hours: that it took.
        value: of what was made.
        line: where it was made.
    """

    order: Text | None = None
    part: Text | None = None
    product: Text
    start: Text | None = None
    end: Text | None = None
    date: Text | None = None
    quantity: Text
    unit: Text | None = None
    machine_hours: Text | None = None
    value: Text | None = None
    line: Text | None = None


class OrdersPart(SheetPart):
    """Where the production orders are; see `ReadingsPart`.

    Attributes:
        every: how long the period of a row is, if it has only one time.
        currency: of the values.
        line: of all orders, if there is no column for it.
        columns: their names.
    """

    every: Text | None = None
    currency: Text | None = None
    line: Text | None = None
    columns: OrderColumns

    @model_validator(mode="after")
    def _complete(self) -> OrdersPart:
        columns = self.columns
        if self.every is None and columns.date is None:
            if columns.start is None or columns.end is None:
                raise ValueError(
                    "the time of an order needs columns.start and columns.end, or date"
                )
        elif not (columns.start or columns.end or columns.date):
            raise ValueError("the time of an order needs columns.start, columns.end or date")
        if columns.value is not None and self.currency is None:
            raise ValueError('values need their currency, such as currency = "EUR"')
        if columns.part is not None and columns.order is None:
            raise ValueError("columns.part tells rows of an order apart: name columns.order too")
        return self


class ProductPart(_Properties):
    """A product, under what the export calls it.

    Attributes:
        id: of the product in this node.
    """

    id: Text


class CarrierPart(_Properties):
    """A carrier.

    Attributes:
        unit: that its amounts are converted into.
    """

    unit: Text


class SharePart(_Part):
    """A share that is not for products."""

    name: Text
    share: Share
    meters: tuple[Text, ...] = ()


class RulePart(_Part):
    """The rule of allocation."""

    by: By
    scope: Scope = Scope.LINE
    over: Over = Over.READING
    not_for_products: tuple[SharePart, ...] = ()


class EnergyMapping(_Part):
    """A mapping file.

    Attributes:
        timezone: of times without one: a name such as Europe/Berlin, or an offset such as +01:00.
        clock_change: what to do with times that there are twice.
        readings: where they are, if there are any.
        meters: all that are imported, by what the export calls them.
        ignore_meters: that are left out on purpose, such as a main meter above others.
        carriers: units and properties.
        orders: where they are, if there are any.
        products: ids by what the export calls them; without any, the export has the ids.
        rule: of allocation.
    """

    timezone: Text
    clock_change: ClockChange = ClockChange.REFUSE
    readings: ReadingsPart | None = None
    meters: dict[Text, MeterPart] = Field(default_factory=dict)
    ignore_meters: tuple[Text, ...] = ()
    carriers: dict[Text, CarrierPart] = Field(default_factory=dict)
    orders: OrdersPart | None = None
    products: dict[Text, Text | ProductPart] = Field(default_factory=dict)
    rule: RulePart

    @model_validator(mode="after")
    def _useful(self) -> EnergyMapping:
        if self.readings is None and self.orders is None:
            raise ValueError("there is neither [readings] nor [orders]")
        if self.readings is not None and not self.meters:
            raise ValueError("there are [readings] and no [meters]")
        for unit in self._units():
            try:
                unit_of(unit)
            except UnitError as error:
                raise ValueError(f"{error.message}. {error.hint or ''}".strip()) from None
        return self

    def _units(self) -> Iterable[str]:
        parts: list[Any] = [
            self.readings,
            self.orders,
            *self.meters.values(),
            *self.carriers.values(),
        ]
        return [part.unit for part in parts if part is not None and part.unit is not None]

    def setup(self) -> EnergySetup:
        """What allocation needs of it."""
        given = [one for one in self.products.values() if isinstance(one, ProductPart)]
        return EnergySetup(
            AllocationRule(
                self.rule.by,
                self.rule.scope,
                self.rule.over,
                tuple(
                    NotForProducts(one.name, one.share, one.meters)
                    for one in self.rule.not_for_products
                ),
            ),
            {name: Carrier(one.unit, one.properties) for name, one in self.carriers.items()},
            {one.id: one.properties for one in given if one.properties != NO_PROPERTIES},
        )


def read_mapping(name: str, content: bytes) -> EnergyMapping:
    """Read a mapping file.

    Args:
        name: of the file, for messages.
        content: of the file, TOML.

    Raises:
        UnpublishableError: it is none; with every reason.
    """
    if len(content) > MAX_MAPPING_BYTES:
        raise _refused(name, "", f"a mapping has at most {MAX_MAPPING_BYTES} bytes")
    try:
        document = tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError:
        raise _refused(name, "", "the mapping is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _refused(name, "", f"the mapping is not TOML: {str(error)[:200]}") from None
    try:
        return EnergyMapping.model_validate(document)
    except ValidationError as error:
        raise UnpublishableError(
            [_problem(name, one, document) for one in error.errors(include_url=False)]
        ) from None


def _refused(name: str, place: str, message: str) -> UnpublishableError:
    return UnpublishableError([Problem(name, place, message, HOW_TO)])


def _problem(name: str, error: Mapping[str, Any], document: Mapping[str, Any]) -> Problem:
    place = ".".join(str(one) for one in error["loc"] if str(one) not in _VARIANTS)
    if error["type"] == "extra_forbidden":
        last = str(error["loc"][-1])
        close = difflib.get_close_matches(last, _NAMES, n=1)
        hint = f"Did you mean {close[0]}?" if close else HOW_TO
        return Problem(name, place, f"{last!r} is unknown here", hint)
    if error["type"] == "missing":
        return Problem(name, place, "it is missing", HOW_TO)
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    shown = f"{given!r}: " if isinstance(given, str | int | Decimal) else ""
    return Problem(name, place, f"{shown[:80]}{message}", HOW_TO)


_VARIANTS = {"constrained-str", "ProductPart"}
_NAMES = sorted(
    {
        name
        for part in (
            EnergyMapping, ReadingsPart, ReadingColumns, MeterPart, OrdersPart, OrderColumns,
            ProductPart, CarrierPart, RulePart, SharePart,
        )
        for name in part.model_fields
    }
)  # fmt: skip
