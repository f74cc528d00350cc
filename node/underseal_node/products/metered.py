"""Metered energy in bills of materials: what was allocated to a product takes the place of what its
bill estimates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from underseal_node.energy.usage import EnergyOfPlant, Records, energy_of_plant, records_of
from underseal_node.errors import NodeError, NotFoundError
from underseal_node.store import products
from underseal_node.store.product_tables import ProductRow
from underseal_protocol.criteria import fold
from underseal_protocol.errors import ProtocolError, RollUpError, UnitError
from underseal_protocol.rollup.allocation import lines_for
from underseal_protocol.rollup.allocation_findings import findings_of
from underseal_protocol.rollup.documents import product_of
from underseal_protocol.rollup.findings import RollUpFinding
from underseal_protocol.rollup.groups import properties_of_product
from underseal_protocol.rollup.inputs import Energy, Line, Product, Quantity
from underseal_protocol.rollup.numbers import exact
from underseal_protocol.rollup.units import (
    PhysicalProperties,
    completed,
    conversion,
)

__all__ = ["Meters", "with_metered_energy"]

REMEMBERED = 500  # products
MAX_REMEMBERED_CHARACTERS = 32 * 1024  # of the document of one


class Meters:
    """The energy of all products, allocated once for each reference period.

    Args:
        session: to read.
        defaults: of declarations, see `bills.defaults_of`.

    Attributes:
        failures: why the energy of a product cannot be allocated, by its id; of those that were
            asked for with `known`.
    """

    def __init__(self, session: Session, defaults: Mapping[str, Any]) -> None:
        self._session = session
        self._given = json.dumps(defaults)
        self.failures: dict[str, ProtocolError | NodeError] = {}
        self._plants: dict[tuple[datetime, datetime], EnergyOfPlant | None] = {}
        self._properties: dict[str, PhysicalProperties] | None = None

    def product(self, row: ProductRow) -> tuple[Product, str | None]:
        """A product as it was imported, with the energy that was metered for it.

        Returns:
            the product, and the digest of what the energy follows from; None if none was metered.

        Raises:
            RefusedError: its reference period ends before it begins.
            RollUpError: what was imported cannot be allocated.
            UnitError: an amount cannot be converted.
        """
        product = self._parsed(row)
        declared = product.declaration
        if declared is None:
            return product, None
        plant = self._plant(declared.period_start, declared.period_end)
        return (product, None) if plant is None else with_metered_energy(plant, product)

    def known(self, row: ProductRow) -> Product:
        """As `product`; without the energy if it cannot be allocated: `failures` says why."""
        try:
            return self.product(row)[0]
        except (NodeError, ProtocolError) as error:
            self.failures[row.id] = error
            return self._parsed(row)

    def findings(self, product: Product) -> list[RollUpFinding]:
        """About the energy of the reference period of a product that has metered energy."""
        declared = product.declaration
        if declared is None:
            return []
        plant = self._plant(declared.period_start, declared.period_end)
        return [] if plant is None else list(findings_of(plant.allocation))

    def records(self, start: datetime, end: datetime) -> Records:
        """What the energy of a reference period follows from, read again.

        Raises:
            NotFoundError: nothing was imported.
        """
        return records_of(self._session, start, end, products=self._all_properties)

    def _parsed(self, row: ProductRow) -> Product:
        """As it was imported; what was read before is remembered, as it is looked at often."""
        read = _product if len(row.document) <= MAX_REMEMBERED_CHARACTERS else _read
        return read(row.document, self._given)

    def _plant(self, start: datetime, end: datetime) -> EnergyOfPlant | None:
        if (start, end) not in self._plants:
            try:
                plant = energy_of_plant(self._session, start, end, products=self._all_properties)
            except NotFoundError:
                plant = None
            self._plants[start, end] = plant
        return self._plants[start, end]

    def _all_properties(self) -> dict[str, PhysicalProperties]:
        if self._properties is None:
            self._properties = {
                row.id: properties_of_product(self._parsed(row))
                for row in products.all_products(self._session)
            }
        return self._properties


def _read(document: str, defaults: str) -> Product:
    return product_of(json.loads(document), json.loads(defaults))


_product = lru_cache(maxsize=REMEMBERED)(_read)


def with_metered_energy(plant: EnergyOfPlant, product: Product) -> tuple[Product, str | None]:
    """A product with the energy that was metered and allocated to it in its reference period.

    A line of energy that has the name of a metered carrier gets the metered amount; its source
    stays. So does one with a colon behind that name, such as `natural gas: upstream`: the same
    energy once more, with another factor. A carrier that no line names becomes a line for each
    place where it was metered, open until it is matched.

    Args:
        plant: the energy of its reference period.
        product: as it was imported, with a declaration.

    Returns:
        the product, and the digest of what the energy follows from; None if none was metered.

    Raises:
        RollUpError: several lines have the name of one carrier, or nothing was produced.
        UnitError: an amount cannot be converted.
    """
    declared, energy = product.declaration, plant.allocation.products.get(product.id)
    if declared is None or energy is None:
        return product, None
    try:
        metered = lines_for(
            energy,
            product.basis or product.declared_unit,
            properties=completed(properties_of_product(product), energy.properties),
            yield_share=product.yield_share,
        )
    except UnitError as error:
        raise UnitError(
            f"metered energy of product {product.id!r}: its orders are in "
            f"{energy.produced.unit}; {error.message}",
            hint=f"{error.hint or ''} Its place is the row of the product, or [products] of the "
            "mapping.".strip(),
        ) from None
    allocation = " ".join(filter(None, (declared.allocation, plant.description)))
    changed = replace(
        product,
        lines=_lines(product, metered),
        declaration=replace(declared, allocation=allocation),
    )
    return changed, plant.used.digest


def _lines(product: Product, metered: Sequence[Energy]) -> tuple[Line, ...]:
    carriers = {fold(one.name): one.name for one in metered}
    taken: set[str] = set()
    changed: list[Line] = []
    for line in product.lines:
        named = fold(line.name.partition(":")[0]).strip() if isinstance(line, Energy) else ""
        carrier = carriers.get(named)
        if carrier is None or not isinstance(line, Energy):
            changed.append(line)
            continue
        if fold(line.name).strip() == named and carrier in taken:
            raise RollUpError(
                f"product {product.id!r} has several lines for {carrier!r}, which is metered",
                hint="Leave one of them, or give the others a name after a colon if they are the "
                "same energy with another factor.",
            )
        taken |= {carrier} if fold(line.name).strip() == named else set()
        changed.append(_metered(line, [one for one in metered if one.name == carrier]))
    named_ones = {fold(one.name.partition(":")[0]).strip() for one in product.lines}
    return (*changed, *(one for one in metered if fold(one.name) not in named_ones))


def _metered(line: Energy, metered: Sequence[Energy]) -> Energy:
    unit, properties = metered[0].quantity.unit, metered[0].properties
    amount = sum(
        (
            exact(one.quantity.amount) * conversion(one.quantity.unit, unit, properties)
            for one in metered
        ),
        Fraction(),
    )
    joined = properties if line.properties == type(properties)() else line.properties
    return replace(line, quantity=Quantity(amount, unit), properties=joined, is_primary=True)
