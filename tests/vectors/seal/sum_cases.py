"""The sealed sums of which the vectors are made, and the footprints and readers that they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.protocol.seal.chains import Chain, Named, Part
from tests.protocol.seal.parties import FOOTPRINT, PRODUCT, Supplier, supplier

from underseal_protocol import jws
from underseal_protocol.seal.group import RandomBytes
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.transcript import Sponge, derive_session_id

__all__ = ["CASES", "MAIN", "SealCase", "drng", "same_signatures"]

MAIN = "two"  # of which most refused vectors are made


def drng(name: str) -> RandomBytes:
    """What everything of a vector is drawn from."""
    return Sponge(derive_session_id(f"TestDRNG-SEALED-SUMS-{name}".encode())).squeeze


@contextmanager
def same_signatures() -> Iterator[None]:
    """Signatures that come out the same again (RFC 6979).

    Raises:
        UnsupportedAlgorithm: the library cannot.
    """
    usual = jws._SIGNATURE
    jws._SIGNATURE = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    try:
        yield
    finally:
        jws._SIGNATURE = usual


@dataclass(frozen=True)
class SealCase(Chain):
    """A chain whose footprint is small."""

    urls: tuple[str, ...] = ()

    @cached_property
    def suppliers(self) -> list[Supplier]:
        """Each with a key of its own, but for those of the same URL."""
        found = []
        for number, part in enumerate(self.parts):
            one = supplier(f"s{number}", part.figure, part.mass)
            if self.urls:
                of_url = self.urls[number]
                key = supplier(f"s{self.urls.index(of_url)}").key
                one = replace(one, url=of_url, key=key)
            found.append(one)
        return found

    @cached_property
    def document(self) -> dict[str, Any]:
        figure = self.total.text
        return {
            "id": FOOTPRINT,
            "specVersion": "3.0.0",
            "created": "2026-02-10T09:30:00Z",
            "status": "Active",
            "companyName": "Harzquell Akkupack GmbH",
            "companyIds": ["urn:lei:529900T8BM49AURSDO55"],
            "productDescription": "Battery pack",
            "productIds": ["urn:gtin:2040000001025", PRODUCT],
            "productNameCompany": "HQ-75",
            "pcf": {
                "declaredUnitOfMeasurement": "kilowatt hour",
                "declaredUnitAmount": "1",
                "productMassPerDeclaredUnit": self.mass,
                "referencePeriodStart": "2025-01-01T00:00:00Z",
                "referencePeriodEnd": "2026-01-01T00:00:00Z",
                "pcfExcludingBiogenicUptake": figure,
                "pcfIncludingBiogenicUptake": figure,
                "fossilCarbonContent": "1.3516",
                "fossilGhgEmissions": figure,
                "ipccCharacterizationFactors": ["AR6"],
                "crossSectoralStandards": ["ISO14067", "PACT-3.0"],
                "exemptedEmissionsPercent": "0",
            },
        }


CELL, STEEL, FOIL = Part("67.1", "4.02", "1"), Part("2.1", "1", "0.62"), Part("0.4", "0", "0.05")
POWER = Named()
MOST = str((2**56 - 1) // 10**9) + "." + str((2**56 - 1) % 10**9).zfill(9)

CASES: dict[str, SealCase] = {
    "none": SealCase(parts=(), mass="0"),
    "none-with-a-factor": SealCase(parts=(), named=(POWER,), mass="1.5"),
    "one": SealCase(parts=(CELL,), mass="0"),
    "one-without-mass": SealCase(parts=(FOIL,), mass="4"),
    "one-with-mass": SealCase(parts=(CELL,), mass="4.02"),
    "one-with-coverage": SealCase(parts=(FOIL,), own="0.001", mass="0", coverage=90),
    "zero-quantity": SealCase(parts=(CELL._replace(amount="0"),), mass="0"),
    "zero-total": SealCase(parts=(FOIL._replace(figure="0"),), own="0", mass="0"),
    MAIN: SealCase(parts=(CELL, STEEL), named=(POWER,), mass="4.5", decimals=3, coverage=75),
    "two-of-one-supplier": SealCase(
        parts=(CELL, STEEL), mass="4.64", coverage=25, urls=("http://localhost:8000",) * 2
    ),
    "three": SealCase(
        parts=(CELL, STEEL, FOIL),
        named=(POWER, Named("钢", "2.1", "0.05", "kg"), Named("Steel", "2.1", "0.1", "kg")),
        mass="4.02",
        coverage=50,
    ),
    "tens": SealCase(parts=(CELL._replace(amount="75"),), mass="0", decimals=-1, coverage=90),
    "whole": SealCase(parts=(CELL,), own="0.4", mass="0", decimals=0),
    "18-decimals": SealCase(
        parts=(FOIL._replace(figure="0.000000003", amount="0.000000007"),),
        own="0.05",
        mass="0",
        decimals=18,
    ),
    "excluding-uptake": SealCase(parts=(FOIL,), mass="0", sealed=SealedProperty.EXCLUDING),
    "largest-value": SealCase(
        parts=(Part(MOST, "0", "0.000000001"),), own="18446744073.709551615", mass="0", decimals=0
    ),
    "largest-quantity": SealCase(parts=(Part("0.000000001", "18446744073.709551615", MOST),)),
}
"""By name; all have at most three inputs, so that the vectors are small."""
