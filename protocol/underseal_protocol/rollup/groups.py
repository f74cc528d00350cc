"""Lines of a product that use the same thing in the same way: added up before anything is
multiplied, so that a line costs little."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Direction,
    Kind,
    Line,
    Material,
    Mode,
    Packaging,
    Product,
    SourcedLine,
    Transport,
)
from underseal_protocol.rollup.numbers import Number, Ratio, added, exact, multiplied, ratio
from underseal_protocol.rollup.sources import LeftOut, Supply
from underseal_protocol.rollup.units import (
    NO_PROPERTIES,
    PhysicalProperties,
    conversion,
    unit_of,
    with_mass_of_unit,
)
from underseal_protocol.rollup.vectors import Vector

__all__ = [
    "Basis",
    "Group",
    "LineRef",
    "Scale",
    "basis_of",
    "group_lines",
    "properties_of_product",
    "scale_of",
]

VectorOf: TypeAlias = Callable[[Supply], Vector]
_NOTHING = (0, 1)
MAX_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True, order=True)
class LineRef:
    """A line.

    Attributes:
        product: its product's id.
        line: its id.
    """

    product: str
    line: str

    def __str__(self) -> str:
        return f"{self.product}/{self.line}"


@dataclass(frozen=True, slots=True)
class Basis:
    """What amounts of lines are multiplied by to be per declared unit of the product.

    Attributes:
        net: for what is in the product.
        started: for what is used: divided by the yield.
    """

    net: Ratio
    started: Ratio


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of a source a line takes, in its declared units, per declared unit of the product.

    Attributes:
        used: with what is lost and what scrapped products took.
        contained: what of it is in the product.
    """

    used: Fraction
    contained: Fraction


@dataclass(slots=True)
class Group:
    """Lines of one kind that use the same source in the same way.

    Attributes:
        product: whose lines.
        first: one of the lines, for what they have in common.
        source: what they use.
        vector: of the source.
        per_unit: declared units of the source in one unit that the lines are in.
        lines: all of them.
        used, contained: amounts of all lines; once `close` was called, in declared units of the
            source per declared unit of the product.
        kind: of all lines.
        is_outbound: whether they are transport of the product to the customer.
        is_own_packaging: whether they are packaging that the product leaves in.
    """

    product: str
    first: SourcedLine
    source: Supply
    vector: Vector
    per_unit: Ratio
    used: Ratio
    contained: Ratio
    lines: list[SourcedLine]
    kind: Kind = field(init=False)
    is_outbound: bool = field(init=False)
    is_own_packaging: bool = field(init=False)

    def __post_init__(self) -> None:
        """What is asked for often."""
        first = self.first
        self.kind = first.kind
        self.is_outbound = type(first) is Transport and first.direction is Direction.OUTBOUND
        self.is_own_packaging = type(first) is Packaging and first.packs is None

    @property
    def scale(self) -> Scale:
        """Of all lines together, once `close` was called."""
        return Scale(Fraction(*self.used), Fraction(*self.contained))

    @property
    def is_by_air(self) -> bool:
        """Whether it is transport by aircraft."""
        return type(self.first) is Transport and self.first.mode is Mode.AIR

    @property
    def is_delivered(self) -> bool:
        """Whether the outbound logistics of the source count."""
        return self.first.with_outbound

    @property
    def refs(self) -> tuple[LineRef, ...]:
        """All lines."""
        return tuple(LineRef(self.product, line.id) for line in self.lines)

    def close(self, basis: Basis) -> None:
        """Convert the amounts, once all lines are there."""
        self.used, self.contained = self.converted(self.used, self.contained, basis)

    def converted(self, used: Ratio, contained: Ratio, basis: Basis) -> tuple[Ratio, Ratio]:
        """Amounts in declared units of the source per declared unit of the product."""
        # Only good products are packed and delivered.
        of_use = basis.net if self.is_own_packaging or self.is_outbound else basis.started
        return (
            multiplied(used, self.per_unit, of_use),
            multiplied(contained, self.per_unit, basis.net) if contained[0] else _NOTHING,
        )

    def mass_per_unit(self) -> Ratio | None:
        """The mass in kg of one declared unit of the source; None if it is not known."""
        vector = self.vector
        properties = _joined(self.first, vector)
        known = None if properties is NO_PROPERTIES else properties
        return _mass_per_unit(vector.unit, vector.amount, known)


@lru_cache(maxsize=65536)
def _mass_per_unit(unit: str, amount: Number, known: PhysicalProperties | None) -> Ratio | None:
    try:
        factor = conversion(unit, "kg", known or NO_PROPERTIES)
    except UnitError:
        return None
    return (factor * exact(amount)).as_integer_ratio()


def basis_of(product: Product) -> Basis:
    """What amounts per basis are multiplied by to be per declared unit.

    Raises:
        RollUpError: the basis, the declared unit or the yield cannot be.
        UnitError: the basis cannot be converted into the declared unit.
    """
    what = f"product {product.id!r}"
    declared = exact(product.declared_unit.amount)
    if declared <= 0:
        raise RollUpError(f"{what} is declared per {declared}", hint="Expected more than 0.")
    unit_of(product.declared_unit.unit)
    share = exact(product.yield_share)
    if not 0 < share <= 1:
        raise RollUpError(
            f"{what} has the yield {product.yield_share}", hint="Expected above 0, at most 1."
        )
    if product.basis is None:
        return Basis((1, 1), (1 / share).as_integer_ratio())
    basis = exact(product.basis.amount)
    if basis <= 0:
        raise RollUpError(f"{what} has lines for {basis} of it", hint="Expected more than 0.")
    try:
        factor = conversion(
            product.basis.unit, product.declared_unit.unit, properties_of_product(product)
        )
    except UnitError as error:
        raise UnitError(
            f"{what} has lines for {product.basis.unit}: {error.message}", hint=error.hint
        ) from None
    net = declared / (basis * factor)
    return Basis(net.as_integer_ratio(), (net / share).as_integer_ratio())


def properties_of_product(product: Product) -> PhysicalProperties:
    """What a product says of itself for conversions, and what the mass of its declared unit tells:
    20 g for one piece is the mass per piece."""
    declared = product.declared_unit
    if product.mass_kg is None or exact(declared.amount) <= 0:
        return product.properties
    return with_mass_of_unit(product.properties, declared.unit, declared.amount, product.mass_kg)


def group_lines(
    product: Product, vector_of: VectorOf
) -> tuple[list[Group], list[DirectEmission], list[SourcedLine]]:
    """The lines of a product in groups, direct emissions, and lines that are left out.

    Args:
        product: whose lines.
        vector_of: gives the vector of a source, or raises.

    Raises:
        RollUpError: a line is not matched, its id is not its own, or a number cannot be.
        UnitError: its unit cannot be converted into that of its source; named with the line.
    """
    groups: dict[Hashable, Group] = {}
    direct: list[DirectEmission] = []
    left_out: list[SourcedLine] = []
    _require_sources(product)
    for line in product.lines:
        if isinstance(line, DirectEmission):
            direct.append(line)
            continue
        source = line.source
        if source is None or isinstance(source, LeftOut):
            left_out.append(line)
            continue
        try:
            key, used, contained = _measure(line, source)
            group = groups.get(key)
            if group is None:
                per_unit, vector = _per_unit_of(line, source, vector_of)
                groups[key] = group = Group(
                    product.id, line, source, vector, per_unit, used, contained, []
                )
            else:
                group.used = added(group.used, used)
                group.contained = added(group.contained, contained)
        except UnitError as error:
            raise UnitError(_at(product, line, error.message), hint=error.hint) from None
        except RollUpError as error:
            raise RollUpError(_at(product, line, error.message), hint=error.hint) from None
        group.lines.append(line)
    return list(groups.values()), direct, left_out


def scale_of(group: Group, line: SourcedLine, basis: Basis) -> tuple[Ratio, Ratio]:
    """How much of its source one line of a group uses, and how much is in the product."""
    _, used, contained = _measure(line, group.source)
    return group.converted(used, contained, basis)


def _require_sources(product: Product) -> None:
    ids: set[str] = set()
    unmatched: list[str] = []
    for line in product.lines:
        if line.id in ids:
            raise RollUpError(
                f"product {product.id!r} has two lines {line.id!r}", hint="Give each its own id."
            )
        ids.add(line.id)
        if not isinstance(line, DirectEmission) and line.source is None:
            unmatched.append(line.id)
    if unmatched:
        more = len(unmatched) - MAX_SHOWN_LINES
        shown = ", ".join(map(repr, unmatched[:MAX_SHOWN_LINES]))
        raise RollUpError(
            f"product {product.id!r}: nothing is matched to {shown}"
            + (f" and {more} more" if more > 0 else ""),
            hint="Match each line to a footprint, a factor or a product, or leave it out with a "
            "reason.",
        )


def _per_unit_of(line: SourcedLine, source: Supply, vector_of: VectorOf) -> tuple[Ratio, Vector]:
    vector = vector_of(source)
    properties = _joined(line, vector)
    if isinstance(line, Transport):
        distance = line.distance.unit if line.distance is not None else None
        unit = line.load.unit
    else:
        distance, unit = None, line.quantity.unit
    # The hash of properties takes a while, and most materials have none.
    known = None if properties is NO_PROPERTIES else properties
    return _per_unit(unit, distance, vector.unit, vector.amount, known), vector


@lru_cache(maxsize=65536)
def _per_unit(
    unit: str,
    distance: str | None,
    target: str,
    amount: Number,
    known: PhysicalProperties | None,
) -> Ratio:
    """Declared units of a source in one unit of a line, or in one load unit over one distance."""
    properties = known or NO_PROPERTIES
    if distance is None:
        factor = conversion(unit, target, properties)
    else:
        tonnes = conversion(unit, "tonne", properties)
        work = tonnes * conversion(distance, "kilometer")
        factor = work * conversion("ton kilometer", target, properties)
    return (factor / exact(amount)).as_integer_ratio()


def _joined(line: SourcedLine, vector: Vector) -> PhysicalProperties:
    """What the line says about the material, and where it says nothing, the source."""
    own, other = line.properties, vector.properties
    if own is NO_PROPERTIES:
        return other
    return PhysicalProperties(
        *(
            getattr(other, name) if getattr(own, name) is None else getattr(own, name)
            for name in (one.name for one in fields(PhysicalProperties))
        )
    )


def _measure(line: SourcedLine, source: Supply) -> tuple[Hashable, Ratio, Ratio]:
    """What lines of a group have in common; the amount that is used, and what of it remains."""
    common = (
        type(line),
        type(source),
        source.id,
        line.is_primary,
        line.with_outbound,
        None if line.properties is NO_PROPERTIES else line.properties,
        line.quality,
    )
    if type(line) is Material:
        amount = _amount(line.quantity.amount)
        used, contained = _used_and_contained(line, amount)
        return (*common, line.quantity.unit, line.recycled_share), used, contained
    if isinstance(line, Transport):
        numerator, denominator = _amount(line.load.amount)
        unit = None
        if line.distance is not None:
            kilometers = _amount(line.distance.amount)
            numerator, denominator = numerator * kilometers[0], denominator * kilometers[1]
            unit = line.distance.unit
        key = (*common, line.load.unit, unit, line.mode, line.direction)
        return key, (numerator, denominator), _NOTHING
    amount = _amount(line.quantity.amount)
    if type(line) is Packaging:
        return (*common, line.quantity.unit, line.packs is None), amount, amount
    return (*common, line.quantity.unit), amount, _NOTHING


def _used_and_contained(line: Material, amount: Ratio) -> tuple[Ratio, Ratio]:
    used = contained = amount
    if line.loss != 0:
        lost, whole = ratio(line.loss)
        if not 0 <= lost < whole:
            raise RollUpError(f"the loss is {line.loss}", hint="Expected 0 or more, below 1.")
        used = (amount[0] * whole, amount[1] * (whole - lost))
    if line.retained != 1:
        kept, whole = ratio(line.retained)
        if not 0 <= kept <= whole:
            raise RollUpError(f"{line.retained} is retained", hint="Expected 0 to 1.")
        contained = (amount[0] * kept, amount[1] * whole)
    share: Number | None = line.recycled_share
    if share is not None and not 0 <= exact(share) <= 1:
        raise RollUpError(f"the recycled share is {share}", hint="Expected 0 to 1.")
    return used, contained


def _amount(value: Number) -> Ratio:
    found = ratio(value)
    if found[0] < 0:
        raise RollUpError(
            f"the amount is {value}",
            hint="Expected 0 or more. Co-products get their share by allocation, not as a credit.",
        )
    return found


def _at(product: Product, line: Line, message: str) -> str:
    return f"line {line.id!r} of product {product.id!r}: {message}"
