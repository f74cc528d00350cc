"""The value that a supplier endorses, and what opens the commitment to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import SealError, SealNumberError
from underseal_protocol.seal.generators import pedersen_commitment
from underseal_protocol.seal.group import Point, Scalar
from underseal_protocol.seal.numbers import (
    VALUE_BITS,
    SealedProperty,
    nano,
    require_bits,
    sealed_figure,
)

__all__ = ["ValueOpening", "value_in"]


@dataclass(frozen=True, slots=True)
class ValueOpening:
    """What opens the commitment of an endorsement: a secret of supplier and customer.

    Args:
        value: `v`, in 10^-9 kg CO2e.
        blinding: `r`, not 0.

    Raises:
        SealNumberError: the value is out of range.
        SealError: the blinding is 0, which hides nothing.
    """

    value: int = field(repr=False)
    blinding: Scalar = field(repr=False)

    def __post_init__(self) -> None:
        require_bits(self.value, VALUE_BITS, "the endorsed value")
        if not self.blinding:
            raise SealError("the blinding of an endorsed value is 0, which hides nothing")

    @property
    def commitment(self) -> Point:
        """`C = v G + r H`."""
        return pedersen_commitment(Scalar(self.value), self.blinding)


def value_in(document: Mapping[str, Any], sealed: SealedProperty) -> int:
    """`v` of a footprint.

    Args:
        document: as read by `strict_json.loads`; its core is enough.
        sealed: which figure.

    Raises:
        SealNumberError: the figure is not there, out of range, or of a footprint that version 1
            does not seal.
    """
    pcf = document.get("pcf")
    if not isinstance(pcf, Mapping):
        raise SealNumberError("the footprint has no pcf, so it is none")
    return nano(parse_decimal(sealed_figure(pcf, sealed)), VALUE_BITS, sealed.value)
