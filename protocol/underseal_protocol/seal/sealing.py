"""What a publisher seals: the integers, the endorsements, and whether they fit together.

Nothing here is random or slow: `prover` makes the document. An order is refused, with the reason,
before any proof is begun.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_protocol.errors import (
    CredentialError,
    EndorsementError,
    RosterError,
    SealNumberError,
    SealRefusedError,
)
from underseal_protocol.keys import PublicKey
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.roster.rules import verify_hidden
from underseal_protocol.seal.document import (
    MAX_FACTORS,
    MAX_INPUTS,
    Header,
    NamedFactor,
    RosterUse,
)
from underseal_protocol.seal.document_format import factor_bytes
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement import Endorsement
from underseal_protocol.seal.endorsement_checks import require_opening
from underseal_protocol.seal.facts import Facts, facts_of, figures_of
from underseal_protocol.seal.group import Scalar
from underseal_protocol.seal.numbers import (
    NANO,
    SCALE_DECIMALS,
    VALUE_BITS,
    WIDE_BITS,
    SealedProperty,
    Total,
    require_bits,
)
from underseal_protocol.seal.statement import mass_excess

__all__ = ["EndorsedInput", "FactorInput", "MemberInput", "SealOrder", "Sealable", "sealable"]

NANO_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class EndorsedInput:
    """An input with an endorsed value.

    Attributes:
        endorsement: verified (`endorsement_checks`).
        key: that has signed it.
        opening: of its commitment.
        quantity: `q`, in 10^-9 declared units of the supplier.
    """

    endorsement: Endorsement
    key: PublicKey
    opening: ValueOpening = field(repr=False)
    quantity: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class MemberInput:
    """An input with a value that a member of a roster has endorsed.

    Attributes:
        endorsement: of the member.
        opening: of its commitment.
        quantity: `q`, in 10^-9 declared units of the supplier.
    """

    endorsement: HiddenEndorsement
    opening: ValueOpening = field(repr=False)
    quantity: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class FactorInput:
    """A public factor that is to be named.

    Attributes:
        factor: the public part.
        quantity: in 10^-9 units of the factor.
    """

    factor: NamedFactor
    quantity: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealOrder:
    """What is to be sealed.

    Attributes:
        document: the footprint, all blocks of it; draft or published.
        publisher: the URL of the node that publishes it.
        product_id: one of its `productIds`, of which the endorsements are.
        salt: of the context of the endorsements.
        sealed: which figure.
        exact: the figure as it was calculated, in kg CO2e, before it was rounded.
        inputs: with endorsed values, each with an endorsement of its own.
        factors: that are named; those with the same name, unit and value are added up.
        own: `e`, in 10^-9 kg CO2e: own emissions, and all that is neither of the above.
        coverage: in percent, one of `COVERAGE_STEPS`.
        decimals: `d`; that of the published figure by default.
        roster: whose members have endorsed, with the publisher's mark for the context; None where
            suppliers are named.
        members: in place of the inputs, where there is a roster.
    """

    document: Mapping[str, Any] = field(repr=False)
    publisher: str
    product_id: str
    salt: bytes
    sealed: SealedProperty
    exact: Fraction = field(repr=False)
    inputs: Sequence[EndorsedInput] = field(repr=False)
    factors: Sequence[FactorInput] = field(repr=False)
    own: int = field(repr=False)
    coverage: int = 0
    decimals: int | None = None
    roster: RosterUse | None = None
    members: Sequence[MemberInput] = field(default=(), repr=False)

    @property
    def listed(self) -> tuple[EndorsedInput | MemberInput, ...]:
        """All inputs; those of the one kind or of the other."""
        return (*self.inputs, *self.members)


@dataclass(frozen=True, slots=True)
class Sealable:
    """An order that fits together.

    Attributes:
        header: of the document.
        total: of the footprint.
        mass: of its declared unit, in 10^-9 kg.
        inputs: of suppliers that are named, sorted as in the document.
        factors: merged, and sorted as in the document.
        own: `e`.
        remainder: `rem`.
        excess: of mass, in 10^-18 kg; None without a mass balance.
        covered: `sum q v` of the inputs, in 10^-18 kg CO2e.
        roster: of the members; None where suppliers are named.
        members: inputs of members of the roster, sorted as in the document.
    """

    header: Header
    total: Total
    mass: int
    inputs: tuple[EndorsedInput, ...] = field(repr=False)
    factors: tuple[FactorInput, ...] = field(repr=False)
    own: int = field(repr=False)
    remainder: int = field(repr=False)
    excess: int | None = field(repr=False)
    covered: int = field(repr=False)
    roster: RosterUse | None = None
    members: tuple[MemberInput, ...] = field(default=(), repr=False)

    @property
    def listed(self) -> tuple[EndorsedInput | MemberInput, ...]:
        """All inputs; those of the one kind or of the other."""
        return (*self.inputs, *self.members)


def sealable(order: SealOrder, used: Collection[Scalar] = ()) -> Sealable:
    """Check an order.

    Args:
        order: what is to be sealed.
        used: blindings of endorsements in documents that were sealed before.

    Raises:
        SealRefusedError: something does not fit; the message begins with the part, and tells no
            quantity and no value.
        SealEncodingError: the order names something that is not in its form.
    """
    facts = facts_of(order.document)
    try:
        total, mass = figures_of(facts, order.sealed, order.decimals)
    except SealNumberError as error:
        raise SealRefusedError(f"total: {error.message}", hint=error.hint) from None
    header = Header(
        order.publisher.rstrip("/"),
        facts.footprint_id,
        order.product_id,
        facts.core,
        order.salt,
        order.sealed,
        total.decimals,
        order.coverage,
    )
    if order.product_id not in facts.product_ids:
        raise SealRefusedError(f"product: the footprint is not of {order.product_id}")
    listed = _sorted_inputs(order, header, facts, used)
    members = tuple(one for one in listed if isinstance(one, MemberInput))
    _require_roster(order, header, facts, members)
    factors = _merged_factors(order)
    remainder, covered = _sums(order, listed, factors, total)
    excess = _excess(listed, mass)
    _require_coverage(order, total, covered, len(listed))
    return Sealable(
        header,
        total,
        mass,
        tuple(one for one in listed if isinstance(one, EndorsedInput)),
        factors,
        order.own,
        remainder,
        excess,
        covered,
        order.roster,
        members,
    )


def _sorted_inputs(
    order: SealOrder, header: Header, facts: Facts, used: Collection[Scalar]
) -> tuple[EndorsedInput | MemberInput, ...]:
    if len(order.listed) > MAX_INPUTS:
        raise SealRefusedError(
            f"file: there are {len(order.listed)} endorsed inputs, expected at most {MAX_INPUTS}",
            hint="Leave the smallest ones among the own emissions.",
        )
    found: dict[bytes, EndorsedInput | MemberInput] = {}
    blindings = set(used)
    for number, one in enumerate(order.listed, 1):
        try:
            _require_input(one, header, facts)
            encoded = one.endorsement.commitment.encode()
            if encoded in found:
                raise EndorsementError("it is there twice: add up the quantities of one footprint")
            if one.opening.blinding in blindings:
                raise EndorsementError(
                    "its blinding is that of another endorsement: with both, anybody could tell "
                    "how their values differ",
                    hint="Ask the supplier for a fresh endorsement.",
                )
            blindings.add(one.opening.blinding)
        except (CredentialError, SealNumberError) as error:
            of = one.endorsement.supplier if isinstance(one, EndorsedInput) else "a member"
            text = f"endorsement {number}: {error.message} ({of})"
            raise SealRefusedError(text, hint=error.hint) from None
        found[encoded] = one
    return tuple(found[encoded] for encoded in sorted(found))


def _require_input(one: EndorsedInput | MemberInput, header: Header, facts: Facts) -> None:
    said = one.endorsement
    expected = (
        ("customer", said.customer, header.publisher),
        ("property", said.sealed, header.sealed),
        ("context", said.context, header.context),
    )
    for name, got, wanted in expected:
        if got != wanted:
            raise EndorsementError(f"it is for another {name} than the footprint")
    if isinstance(one, EndorsedInput):
        _require_named(one, facts)
    if not facts.assessment_reports.issuperset(said.terms.assessment_reports):
        raise EndorsementError("its value is by another set of GWP than those of the footprint")
    require_opening(said, one.opening)
    require_bits(one.quantity, VALUE_BITS, "its quantity")


def _require_named(one: EndorsedInput, facts: Facts) -> None:
    said = one.endorsement
    if not said.is_named:
        raise EndorsementError(
            "its supplier does not consent to be named, and this document names it",
            hint="Leave the input among the own emissions.",
        )
    said.require_signed(one.key)
    said.require_valid_for(facts.created)


def _require_roster(
    order: SealOrder,
    header: Header,
    facts: Facts,
    members: Sequence[MemberInput],
) -> None:
    """Whether all inputs are of its members; without a roster, whether none is of one."""
    if order.inputs if order.roster else members:
        raise SealRefusedError(
            "roster: some suppliers are named, others are members of a roster",
            hint="Name all, or leave some among the own emissions.",
        )
    if order.roster is None:
        return
    try:
        verify_hidden(
            order.roster.roster,
            order.roster.mark,
            [one.endorsement for one in members],
            publisher=header.publisher,
            context=header.context,
            sealed=header.sealed,
            created=facts.created,
        )
    except RosterError as error:
        raise SealRefusedError(f"roster: {error.message}", hint=error.hint) from None
    except EndorsementError as error:
        raise SealRefusedError(error.message, hint=error.hint) from None


def _merged_factors(order: SealOrder) -> tuple[FactorInput, ...]:
    sums: dict[NamedFactor, int] = {}
    for one in order.factors:
        sums[one.factor] = sums.get(one.factor, 0) + one.quantity
        for quantity in (one.quantity, sums[one.factor]):
            try:
                require_bits(quantity, VALUE_BITS, f"the quantity of {one.factor.name}")
            except SealNumberError as error:
                raise SealRefusedError(f"factors: {error.message}", hint=error.hint) from None
    if len(sums) > MAX_FACTORS:
        raise SealRefusedError(
            f"factors: {len(sums)} are named, expected at most {MAX_FACTORS}",
            hint="Leave some among the own emissions.",
        )
    ordered = sorted(sums.items(), key=lambda item: factor_bytes(item[0]))
    return tuple(FactorInput(factor, quantity) for factor, quantity in ordered)


def _sums(
    order: SealOrder,
    inputs: Sequence[EndorsedInput | MemberInput],
    factors: Sequence[FactorInput],
    total: Total,
) -> tuple[int, int]:
    """`rem`, and `sum q v` of the endorsed inputs."""
    covered = sum(one.quantity * one.opening.value for one in inputs)
    named = sum(one.quantity * one.factor.value for one in factors)
    try:
        require_bits(order.own, WIDE_BITS, "the own emissions")
        remainder = total.remainder(covered + named + NANO * order.own)
    except SealNumberError as error:
        raise SealRefusedError(f"total: {error.message}", hint=error.hint) from None
    difference = abs(order.exact - Fraction(total.number * total.step, 10**SCALE_DECIMALS))
    if difference > Fraction(total.step, 2 * 10**SCALE_DECIMALS):
        raise SealRefusedError(
            f"total: {total.text} kg CO2e differs from the exact result by more than half a digit",
            hint="Calculate the footprint anew, or publish it with a digit more or less.",
        )
    return remainder, covered


def _excess(inputs: Sequence[EndorsedInput | MemberInput], mass: int) -> int | None:
    masses = [one.endorsement.terms.mass for one in inputs]
    if not mass or not any(masses):
        return None
    excess = mass_excess(masses, [one.quantity for one in inputs], mass)
    if excess < 0:
        raise SealRefusedError(
            "mass: the endorsed inputs have less mass than the product, which has "
            f"{Decimal(mass).scaleb(-NANO_DECIMALS).normalize():f} kg",
            hint="Have the other inputs endorsed as well, or check quantities and masses.",
        )
    return excess


def _require_coverage(order: SealOrder, total: Total, covered: int, count: int) -> None:
    if not order.coverage:
        return
    if not total.number or not count:
        raise SealRefusedError("coverage: there is no total or no endorsed input to be covered")
    if 100 * (covered // total.step) < order.coverage * total.number:
        raise SealRefusedError(
            f"coverage: the endorsed inputs are less than {order.coverage} % of the total",
            hint="Choose a smaller step, or none.",
        )
