"""Suppliers and a customer with footprints and keys, for the tests of endorsements and seals."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.protocol.samples import sample

from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.seal.context import context_of
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement import Endorsement, endorse
from underseal_protocol.seal.numbers import SealedProperty

CUSTOMER = "https://pack.example"
PRODUCT = "urn:gtin:2040000001018"
FOOTPRINT = "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a11"
SALT = bytes(range(32))
CREATED = datetime(2026, 2, 10, 9, 30, tzinfo=UTC)
CONTEXT = context_of(CUSTOMER, PRODUCT, FOOTPRINT, SALT)
CREDENTIAL = "A" * 43


@dataclass(frozen=True)
class Supplier:
    """A supplier with one key and one product."""

    url: str
    key: SigningKey
    document: dict[str, Any]

    @property
    def keys(self) -> PublicKeySet:
        return PublicKeySet([self.key.public_key()])

    def endorse(self, **changes: Any) -> tuple[Endorsement, ValueOpening]:
        arguments: dict[str, Any] = {
            "credential_digest": CREDENTIAL,
            "sealed": SealedProperty.FOSSIL,
            "customer": CUSTOMER,
            "context": CONTEXT,
            "not_before": CREATED - timedelta(days=30),
            "not_after": CREATED + timedelta(days=365),
            "is_named": True,
            "key": self.key,
            "issuer": self.url,
        }
        return endorse(self.document, **(arguments | changes))


def supplier(name: str, figure: str = "14.28", mass: str = "1", **pcf: Any) -> Supplier:
    """A supplier whose product has this figure and mass per declared unit, always with the same
    key."""
    figures = {
        "fossilGhgEmissions": figure,
        "pcfExcludingBiogenicUptake": figure,
        "pcfIncludingBiogenicUptake": figure,
        "productMassPerDeclaredUnit": mass,
        "declaredUnitOfMeasurement": "kilogram" if mass == "1" else "piece",
    }
    document = sample(pcf=figures | pcf)
    scalar = hashlib.sha256(name.encode()).digest()
    key = SigningKey.from_scalar(scalar, KeyPurpose.FOOTPRINT)
    return Supplier(f"https://{name}.example", key, document)
