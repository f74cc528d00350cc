"""A sealed document: what a publisher gives to whoever may read a sealed sum, and nothing secret.

This module has its parts; `document_format` has the bytes.

- The header says for which footprint it is: publisher, product, version, and the digest of the
  core. T, mass and unit are not in it: whoever verifies takes them from the footprint.
- An input is an endorsement with the key that has signed it, and a commitment Q to the quantity.
  Customer, context, property and consent of the endorsement are not written down: they follow from
  the header, so an endorsement for anything else does not verify.
- Where suppliers are not named, a roster stands in their place, and an input has a proof of one of
  its members in place of a signature (`roster`).
- Inputs are sorted by C, so that their order tells nothing. None occurs twice.
- A factor is public: a name, a unit and a value that the publisher chose to show, and Q.
- E, R and the others are commitments to what the publisher does not show (`statement`).
- The statement is everything but the two proofs. Its digest names the sealed sum: credentials and
  attestations bear it, and both proofs are bound to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from underseal_protocol import canonical
from underseal_protocol.errors import EndorsementError, SealEncodingError, SealNumberError
from underseal_protocol.keys import PublicKey
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.roster.presentation import Presentation
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.context import SALT_BYTES, context_of
from underseal_protocol.seal.endorsement import Endorsement, check_party
from underseal_protocol.seal.group import Point
from underseal_protocol.seal.numbers import (
    MAX_DECIMALS,
    MIN_DECIMALS,
    VALUE_BITS,
    SealedProperty,
    require_bits,
)
from underseal_protocol.seal.printable import is_printable

__all__ = [
    "COVERAGE_STEPS",
    "MAX_FACTORS",
    "MAX_INPUTS",
    "Header",
    "HiddenInput",
    "ListedFactor",
    "ListedInput",
    "NamedFactor",
    "RosterUse",
    "Scheme",
    "SealedDocument",
]

MAX_INPUTS = 126
MAX_FACTORS = 30  # so that the most of both have fewer than 16,384 bits together
COVERAGE_STEPS = (0, 25, 50, 75, 90)  # percent; 0 says nothing
MAX_PRODUCT_ID_CHARACTERS = 1_000
MAX_NAME_CHARACTERS = 200
MAX_UNIT_CHARACTERS = 40
CORE_BYTES = 32


class Scheme(IntEnum):
    """How suppliers endorse. Further ones are further numbers, with inputs of another form."""

    NODE_KEYS = 1
    """By signatures of their nodes: whoever reads the document sees who they are."""

    ROSTER = 2
    """By proofs that they are members of a roster: nobody sees who they are."""


@dataclass(frozen=True, slots=True)
class Header:
    """For which footprint it is, and what is shown of it.

    Args:
        publisher: the URL of the node that publishes the footprint.
        footprint_id: `id`, a UUID in lower case.
        product_id: one of `productIds`.
        core: SHA-256 of the core.
        salt: of the context, 32 bytes.
        sealed: which property.
        decimals: `d` of the total.
        coverage: in percent, one of `COVERAGE_STEPS`.

    Raises:
        SealEncodingError: one of them is not in its form.
    """

    publisher: str
    footprint_id: str
    product_id: str
    core: bytes
    salt: bytes
    sealed: SealedProperty
    decimals: int
    coverage: int

    def __post_init__(self) -> None:
        try:
            check_party(self.publisher, "the publisher")
        except EndorsementError as error:
            raise SealEncodingError(error.message) from None
        _require_text(self.product_id, MAX_PRODUCT_ID_CHARACTERS, "the product")
        for data, length, what in (
            (self.core, CORE_BYTES, "core"),
            (self.salt, SALT_BYTES, "salt"),
        ):
            if len(data) != length:
                raise SealEncodingError(f"the {what} has {len(data)} bytes, expected {length}")
        if not MIN_DECIMALS <= self.decimals <= MAX_DECIMALS:
            raise SealEncodingError(
                f"there are {self.decimals} decimals, expected {MIN_DECIMALS} to {MAX_DECIMALS}"
            )
        if self.coverage not in COVERAGE_STEPS:
            raise SealEncodingError(
                f"the coverage is {self.coverage} %, expected one of {COVERAGE_STEPS}"
            )

    @property
    def context(self) -> bytes:
        """What the endorsements are bound to."""
        return context_of(self.publisher, self.product_id, self.footprint_id, self.salt)


@dataclass(frozen=True, slots=True)
class ListedInput:
    """An endorsed input.

    Args:
        endorsement: its customer, context and property are those of the header.
        key: that has signed it, as the document says.
        quantity: `Q`.
    """

    endorsement: Endorsement
    key: PublicKey
    quantity: Point


@dataclass(frozen=True, slots=True)
class HiddenInput:
    """An input that a member of a roster has endorsed.

    Args:
        endorsement: its customer, context and property are those of the header.
        quantity: `Q`.
    """

    endorsement: HiddenEndorsement
    quantity: Point


@dataclass(frozen=True, slots=True)
class RosterUse:
    """The roster whose members have endorsed, and the mark of the publisher in it.

    Args:
        roster: in its epoch.
        mark: for the footprint of the header (`roster.mark`).
    """

    roster: Roster
    mark: Presentation


@dataclass(frozen=True, slots=True)
class NamedFactor:
    """A public factor.

    Args:
        name: by which readers find it.
        unit: that it is per.
        value: `f`, in 10^-9 kg CO2e per unit, above 0.

    Raises:
        SealEncodingError: one of them is not in its form.
    """

    name: str
    unit: str
    value: int

    def __post_init__(self) -> None:
        _require_text(self.name, MAX_NAME_CHARACTERS, "the name of a factor")
        _require_text(self.unit, MAX_UNIT_CHARACTERS, "the unit of a factor")
        try:
            require_bits(self.value, VALUE_BITS, "the value of a factor")
        except SealNumberError as error:
            raise SealEncodingError(error.message) from None
        if not self.value:
            raise SealEncodingError("the value of a factor is 0, so it adds nothing: leave it out")


@dataclass(frozen=True, slots=True)
class ListedFactor:
    """A public factor, and how much of it is used.

    Args:
        factor: the public part.
        quantity: `Q`.
    """

    factor: NamedFactor
    quantity: Point


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A sealed document that has the right form; whether it proves anything is another matter.

    Attributes:
        header: for which footprint it is.
        inputs: of suppliers that are named, sorted by C.
        factors: sorted by name, unit and value.
        own: `E`: own emissions, and all that nobody endorsed.
        remainder: `R`: what rounding leaves.
        mass_high: `M_1`; None without a mass balance.
        covered: `P` and `A`; None without coverage.
        statement: the bytes of all of the above.
        sum_proof, range_proof: about it.
        roster: of the endorsers; None where they are named.
        members: the inputs that members of the roster have endorsed, sorted by C.
    """

    header: Header
    inputs: tuple[ListedInput, ...]
    factors: tuple[ListedFactor, ...]
    own: Point
    remainder: Point
    mass_high: Point | None
    covered: tuple[Point, Point] | None
    statement: bytes = field(repr=False)
    sum_proof: bytes = field(default=b"", repr=False)
    range_proof: bytes = field(default=b"", repr=False)
    roster: RosterUse | None = None
    members: tuple[HiddenInput, ...] = ()

    @property
    def listed(self) -> tuple[ListedInput | HiddenInput, ...]:
        """All inputs; those of the one kind or of the other."""
        return (*self.inputs, *self.members)

    @property
    def scheme(self) -> Scheme:
        """How its suppliers endorse."""
        return Scheme.NODE_KEYS if self.roster is None else Scheme.ROSTER

    @property
    def digest(self) -> str:
        """By which a sealed sum is known: SHA-256 of the statement, base64url."""
        return canonical.digest_of_bytes(self.statement)

    @property
    def digest_hex(self) -> str:
        """The same, as tags have it."""
        return hashlib.sha256(self.statement).hexdigest()

    @property
    def has_masses(self) -> bool:
        """Whether an endorsed input has a mass."""
        return any(one.endorsement.terms.mass for one in self.listed)


def _require_text(text: str, most: int, what: str) -> None:
    if not 0 < len(text) <= most or not is_printable(text):
        raise SealEncodingError(
            f"{what} is {text!r:.60}, expected 1 to {most} printable characters"
        )
