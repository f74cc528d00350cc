"""Supply chains to be sealed: suppliers with endorsed figures, a product made of theirs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from hypothesis import strategies as st
from tests.protocol.samples import sample
from tests.protocol.seal.parties import (
    CREATED,
    CUSTOMER,
    FOOTPRINT,
    PRODUCT,
    SALT,
    Supplier,
    supplier,
)

from underseal_protocol.decimals import format_decimal
from underseal_protocol.seal.document import MAX_INPUTS, NamedFactor
from underseal_protocol.seal.group import RandomBytes
from underseal_protocol.seal.numbers import NANO, SealedProperty, Total, nano
from underseal_protocol.seal.prover import Sealed, seal
from underseal_protocol.seal.sealing import EndorsedInput, FactorInput, SealOrder
from underseal_protocol.seal.trust import KnownNode, TrustList
from underseal_protocol.seal.verdict import SealVerdict
from underseal_protocol.seal.verifier import verify_sealed


class Part(NamedTuple):
    """An endorsed input: figure and mass of a declared unit, and how many of these."""

    figure: str = "14.28"
    mass: str = "1"
    amount: str = "0.431"


class Named(NamedTuple):
    """A public factor: value per unit, and how many units."""

    name: str = "Electricity, DE, 2024"
    value: str = "0.34206"
    amount: str = "0.4"
    unit: str = "kWh"


@dataclass(frozen=True)
class Chain:
    """A product and what it is made of."""

    parts: Sequence[Part] = (Part(),)
    named: Sequence[Named] = ()
    own: str = "1.5"
    mass: str = "0.4"
    decimals: int = 4
    coverage: int = 0
    sealed: SealedProperty = SealedProperty.FOSSIL
    random_bytes: RandomBytes = secrets.token_bytes

    @cached_property
    def suppliers(self) -> list[Supplier]:
        return [supplier(f"s{n}", one.figure, one.mass) for n, one in enumerate(self.parts)]

    @cached_property
    def inputs(self) -> list[EndorsedInput]:
        found = []
        for one, part in zip(self.suppliers, self.parts, strict=True):
            endorsement, opening = one.endorse(sealed=self.sealed, random_bytes=self.random_bytes)
            amount = nano(Decimal(part.amount), 56, "an amount")
            found.append(EndorsedInput(endorsement, one.key.public_key(), opening, amount))
        return found

    @property
    def factors(self) -> list[FactorInput]:
        return [
            FactorInput(
                NamedFactor(one.name, one.unit, nano(Decimal(one.value), 56, "a value")),
                nano(Decimal(one.amount), 56, "an amount"),
            )
            for one in self.named
        ]

    @property
    def own_number(self) -> int:
        return nano(Decimal(self.own), 64, "own emissions")

    @property
    def amount(self) -> int:
        """The sum, in 10^-18 kg."""
        endorsed = sum(one.quantity * one.opening.value for one in self.inputs)
        named = sum(one.quantity * one.factor.value for one in self.factors)
        return endorsed + named + NANO * self.own_number

    @property
    def total(self) -> Total:
        return Total.of_sum(self.amount, self.decimals)

    @cached_property
    def document(self) -> dict[str, Any]:
        return footprint(self.total.text, self.mass)

    @property
    def order(self) -> SealOrder:
        return SealOrder(
            document=self.document,
            publisher=CUSTOMER,
            product_id=PRODUCT,
            salt=SALT,
            sealed=self.sealed,
            exact=Fraction(self.amount, 10**18),
            inputs=self.inputs,
            factors=self.factors,
            own=self.own_number,
            coverage=self.coverage,
            decimals=self.decimals,
        )

    @cached_property
    def result(self) -> Sealed:
        return seal(self.order, random_bytes=self.random_bytes)

    @property
    def trusted(self) -> TrustList:
        return known(self.suppliers)

    def verify(self, data: bytes | None = None, **changes: Any) -> SealVerdict:
        arguments: dict[str, Any] = {
            "document": self.document,
            "publisher": CUSTOMER,
            "trusted": self.trusted,
            "time": CREATED,
        }
        arguments |= changes
        return verify_sealed(self.result.document if data is None else data, **arguments)

    def with_changes(self, **changes: Any) -> Chain:
        return replace(self, **changes)


def known(suppliers: Sequence[Supplier], revoked: dict[str, datetime] | None = None) -> TrustList:
    """Whoever reads the document knows them."""
    return TrustList(KnownNode((one.url,), one.keys, revoked or {}) for one in suppliers)


def footprint(figure: str, mass: str, **changes: Any) -> dict[str, Any]:
    """The customer's footprint."""
    figures = {
        "fossilGhgEmissions": figure,
        "pcfExcludingBiogenicUptake": figure,
        "pcfIncludingBiogenicUptake": figure,
        "productMassPerDeclaredUnit": mass,
        "declaredUnitOfMeasurement": "kilogram" if mass == "1" else "piece",
    }
    arguments: dict[str, Any] = {
        "id": FOOTPRINT,
        "productIds": ["urn:gtin:2040000001025", PRODUCT],
        "created": "2026-02-10T09:30:00Z",
    }
    return sample(pcf=figures, **(arguments | changes))


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[str]:
    """Decimal texts with at most so many places."""
    return st.integers(low * 10**places, high * 10**places).map(
        lambda number: format_decimal(Decimal(number).scaleb(-places))
    )


@st.composite
def chains(draw: st.DrawFn, most: int = 3) -> Chain:
    """Chains of a few inputs, with and without mass, factors and coverage."""
    part = st.builds(
        Part, decimals(0, 500, 4), st.one_of(st.just("0"), decimals(0, 20, 3)), decimals(0, 5, 6)
    )
    parts = draw(st.lists(part, max_size=min(most, MAX_INPUTS)))
    name, value, amount = st.sampled_from("ABC"), decimals(1, 9, 3), decimals(0, 3, 5)
    factor = st.builds(Named, name, value, amount, st.just("kWh"))
    named = draw(st.lists(factor, max_size=2))
    brought = sum((Decimal(one.mass) * Decimal(one.amount) for one in parts), Decimal(0))
    mass = format_decimal(brought * Decimal(draw(st.sampled_from(["0", "0.5", "0.99"]))))
    chain = Chain(parts, named, draw(decimals(0, 30, 5)), mass, draw(st.integers(-1, 9)))
    covered = sum(one.quantity * one.opening.value for one in chain.inputs)
    total = chain.total
    fits = [
        step
        for step in (25, 50, 75, 90)
        if total.number and parts and 100 * (covered // total.step) >= step * total.number
    ]
    return chain.with_changes(coverage=draw(st.sampled_from([0, *fits])))
