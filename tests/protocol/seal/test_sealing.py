"""What is not sealed, with the reason, before a proof is begun; what a prover keeps to itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from tests.protocol.seal.chains import Chain, Named, Part, footprint
from tests.protocol.seal.parties import CREATED

from underseal_protocol.errors import SealEncodingError, SealError, SealRefusedError
from underseal_protocol.seal.document import MAX_FACTORS, NamedFactor
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.generators import pedersen_commitment
from underseal_protocol.seal.group import Scalar
from underseal_protocol.seal.numbers import NANO, SealedProperty
from underseal_protocol.seal.prover import seal
from underseal_protocol.seal.sealing import EndorsedInput, FactorInput, SealOrder, sealable
from underseal_protocol.seal.transcript import Sponge

CHAIN = Chain(
    parts=(Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25")),
    named=(Named(amount="0.437"),),
    mass="4",
)
ORDER = CHAIN.order
FIRST = ORDER.inputs[0]


def refused(order: SealOrder, part: str, message: str, **more: Any) -> SealRefusedError:
    with pytest.raises(SealRefusedError, match=message) as caught:
        sealable(order, **more)
    assert caught.value.part == part, caught.value.message
    for secret in (FIRST.opening.value, FIRST.quantity, ORDER.own):
        assert str(secret) not in caught.value.diagnosis()
    return caught.value


def with_first(**changes: Any) -> SealOrder:
    return replace(ORDER, inputs=[replace(FIRST, **changes), *ORDER.inputs[1:]])


def another(**changes: Any) -> SealOrder:
    """With a first endorsement for something else."""
    endorsement, opening = CHAIN.suppliers[0].endorse(**changes)
    return with_first(endorsement=endorsement, opening=opening)


def test_an_order_that_fits() -> None:
    found = sealable(ORDER)
    assert found.total.text == CHAIN.total.text
    assert found.excess == (402 * NANO // 100 - 4 * NANO) * NANO
    assert found.covered == sum(one.quantity * one.opening.value for one in ORDER.inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customer": "https://other.example"}, "another customer"),
        ({"context": bytes(32)}, "another context"),
        ({"sealed": SealedProperty.EXCLUDING}, "another property"),
        ({"is_named": False}, "does not consent to be named"),
        ({"not_after": CREATED}, "created from"),
        ({"not_before": CREATED + timedelta(days=1)}, "created from"),
    ],
)
def test_endorsements_for_something_else(changes: dict[str, Any], message: str) -> None:
    error = refused(another(**changes), "endorsement 1", message)
    assert error.message.endswith("(https://s0.example)")


def test_an_endorsement_for_another_version_of_the_footprint() -> None:
    version = {**CHAIN.document, "id": "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"}
    refused(replace(ORDER, document=version), "endorsement 1", "another context")
    refused(replace(ORDER, salt=bytes(32)), "endorsement 1", "another context")
    other = replace(ORDER, product_id="urn:gtin:2040000001025")
    refused(other, "endorsement 1", "another context")
    refused(replace(ORDER, publisher="https://other.example"), "endorsement 1", "another customer")


def test_endorsements_that_are_not_what_they_seem() -> None:
    other = CHAIN.suppliers[1].key.public_key()
    refused(with_first(key=other), "endorsement 1", "names the key")
    forged = replace(FIRST.endorsement, credential="B" * 42 + "A")
    refused(with_first(endorsement=forged), "endorsement 1", "signature was not made")
    lower = ValueOpening(FIRST.opening.value - 1, FIRST.opening.blinding)
    refused(with_first(opening=lower), "endorsement 1", "do not open the commitment")


@pytest.mark.parametrize("quantity", [-1, 2**56, 1.5, None, True])
def test_quantities_out_of_range(quantity: Any) -> None:
    refused(with_first(quantity=quantity), "endorsement 1", "its quantity")


def test_an_endorsement_counts_once_and_its_blinding_is_fresh() -> None:
    twice = replace(ORDER, inputs=[FIRST, FIRST])
    refused(twice, "endorsement 2", "it is there twice")
    used = {FIRST.opening.blinding}
    refused(ORDER, "endorsement 1", "its blinding is that of another", used=used)
    supplier, draws = CHAIN.suppliers[0], Sponge(bytes(32)).squeeze(48)
    same = [
        EndorsedInput(*_with_key(supplier.endorse(random_bytes=lambda _: draws)), 0),
        EndorsedInput(
            *_with_key(
                CHAIN.suppliers[1].endorse(random_bytes=lambda _: draws), CHAIN.suppliers[1]
            ),
            0,
        ),
    ]
    order = replace(ORDER, inputs=same)
    refused(order, "endorsement 2", "its blinding is that of another")


def _with_key(given: Any, supplier: Any = None) -> tuple[Any, Any, Any]:
    found = CHAIN.suppliers[0] if supplier is None else supplier
    return given[0], found.key.public_key(), given[1]


@pytest.mark.parametrize("own", [-1, 2**64, 0.5])
def test_own_emissions_out_of_range(own: Any) -> None:
    refused(replace(ORDER, own=own), "total", "the own emissions")


def test_a_total_that_is_not_the_sum() -> None:
    other = replace(ORDER, document=footprint("69.0000", "4"))
    error = refused(other, "total", "the inputs sum up to 69.5995 kg CO2e, the footprint says 69")
    assert error.hint is not None
    refused(replace(ORDER, decimals=3), "total", "sealed with 3 decimals, expected 4")


def test_a_result_that_differs_by_more_than_half_a_digit_is_not_absorbed() -> None:
    half = Fraction(1, 2 * 10**4)
    total = Fraction(CHAIN.total.text)
    sealable(replace(ORDER, exact=total + half))
    sealable(replace(ORDER, exact=total - half))
    for exact in (total + half + Fraction(1, 10**30), total - half - Fraction(1, 10**30)):
        refused(replace(ORDER, exact=exact), "total", "more than half a digit")


@pytest.mark.parametrize(
    ("pcf", "message"),
    [
        ({"biogenicCO2Uptake": "-0.1"}, "biogenicCO2Uptake is -0.1"),
        ({"ccsTechnologicalCO2Capture": "-1"}, "ccsTechnologicalCO2Capture is -1"),
        ({"fossilGhgEmissions": "-69.5868"}, "below 0"),
        ({"pcfIncludingBiogenicUptake": "69.5"}, "differ, so there is uptake"),
        ({"fossilGhgEmissions": "0.0000000000000000001"}, "19 decimals"),
        ({"productMassPerDeclaredUnit": "-4"}, "the mass of the product is below 0"),
    ],
)
def test_footprints_that_are_not_sealed(pcf: dict[str, Any], message: str) -> None:
    document = {**CHAIN.document, "pcf": CHAIN.document["pcf"] | pcf}
    with pytest.raises(SealRefusedError, match=message):
        sealable(replace(ORDER, document=document, decimals=None))


def test_what_is_no_footprint_or_of_another_product() -> None:
    refused(replace(ORDER, document={}), "footprint", "it is none")
    refused(replace(ORDER, product_id="urn:gtin:4712345060507"), "product", "is not of urn:gtin:47")


def test_less_mass_than_the_product_has() -> None:
    heavier = replace(ORDER, document=footprint(CHAIN.total.text, "4.020000001"))
    refused(heavier, "mass", "less mass than the product")
    equal = sealable(replace(ORDER, document=footprint(CHAIN.total.text, "4.02")))
    assert equal.excess == 0


@pytest.mark.parametrize(("mass", "heavy"), [("0", True), ("4", False)])
def test_no_mass_balance_where_nothing_has_mass(mass: str, heavy: bool) -> None:
    parts = CHAIN.parts if heavy else CHAIN.parts[1:]
    chain = Chain(parts=parts, mass=mass)
    assert sealable(chain.order).excess is None
    assert read_document(chain.result.document).mass_high is None


def test_less_coverage_than_is_asked_for() -> None:
    chain = CHAIN.with_changes(own="25", coverage=0)
    sealable(replace(chain.order, coverage=50))
    refused(replace(chain.order, coverage=75), "coverage", "less than 75 % of the total")
    with pytest.raises(SealEncodingError, match="the coverage is 60 %"):
        sealable(replace(chain.order, coverage=60))


def test_coverage_is_not_rounded_up() -> None:
    def with_own(own: str) -> SealOrder:
        parts = (Part("1", "0", "3"),)
        return Chain(parts=parts, own=own, mass="0", decimals=0, coverage=75).order

    assert sealable(with_own("1")).total.number == 4
    refused(with_own("1.5"), "coverage", "less than 75 %")


def test_factors_are_added_up() -> None:
    found = sealable(Chain(named=(Named(), Named(amount="0.1"), Named("Steel")), mass="0").order)
    amounts = {one.factor.name: one.quantity for one in found.factors}
    assert amounts == {"Steel": 400_000_000, "Electricity, DE, 2024": 500_000_000}


def test_factors_out_of_range() -> None:
    factor = NamedFactor("x", "kg", 1)
    for quantities in ([-1], [2**56], [2**56 - 1, 1]):
        given = [FactorInput(factor, quantity) for quantity in quantities]
        refused(replace(ORDER, factors=given), "factors", "the quantity of x")
    many = [FactorInput(NamedFactor(str(n), "kg", 1), 0) for n in range(MAX_FACTORS + 1)]
    refused(replace(ORDER, factors=many), "factors", "31 are named")


def test_more_inputs_than_there_is_room_for() -> None:
    refused(replace(ORDER, inputs=[FIRST] * 127), "file", "127 endorsed inputs")


# The prover


def test_what_it_keeps_opens_the_commitments() -> None:
    read = read_document(CHAIN.result.document)
    listed = {one.endorsement.supplier: one.quantity for one in read.inputs}
    for one, kept in zip(ORDER.inputs, CHAIN.result.inputs, strict=True):
        assert kept.commitment == listed[one.endorsement.supplier]
        assert kept.commitment == pedersen_commitment(Scalar(kept.quantity), kept.blinding)
    (of_factor,) = CHAIN.result.factors
    assert of_factor.commitment == read.factors[0].quantity
    opened = pedersen_commitment(Scalar(of_factor.quantity), of_factor.blinding)
    assert of_factor.commitment == opened


@pytest.mark.parametrize(
    "shown",
    [ORDER, FIRST, sealable(ORDER), CHAIN.result, CHAIN.result.inputs[0], ORDER.factors[0]],
    ids=lambda one: type(one).__name__,
)
def test_secrets_do_not_show(shown: object) -> None:
    text = repr(shown)
    for secret in (FIRST.quantity, FIRST.opening.value, ORDER.own, ORDER.factors[0].quantity):
        assert str(secret) not in text


def test_everything_is_fresh_in_each_document() -> None:
    one, other = read_document(CHAIN.result.document), read_document(seal(ORDER).document)
    assert one.header == other.header
    for name in ("own", "remainder", "mass_high"):
        assert getattr(one, name) != getattr(other, name)
    quantities = [{entry.quantity.encode() for entry in read.inputs} for read in (one, other)]
    assert not quantities[0] & quantities[1]
    assert one.factors[0].quantity != other.factors[0].quantity


def test_the_same_randomness_makes_the_same_document() -> None:
    one, other = (seal(ORDER, random_bytes=Sponge(bytes(32)).squeeze) for _ in range(2))
    assert one == other


BROKEN: dict[str, Callable[[int], bytes]] = {
    "zeros": bytes,
    "always the same": lambda count: b"\1" * count,
    "too few": lambda count: b"\1" * (count - 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_of_random_bytes_that_is_broken(name: str) -> None:
    with pytest.raises(SealError):
        seal(ORDER, random_bytes=BROKEN[name])


def test_randomness_that_repeats_the_blinding_of_an_endorsement() -> None:
    draws = Sponge(bytes(32)).squeeze(48)
    endorsement, opening = CHAIN.suppliers[0].endorse(random_bytes=lambda _: draws)
    order = with_first(endorsement=endorsement, opening=opening)
    with pytest.raises(SealError, match="repeat themselves"):
        seal(order, random_bytes=Sponge(bytes(32)).squeeze)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[tuple[int, int]] = []
    seal(ORDER, report=lambda done, of: told.append((done, of)))
    assert len(told) > 20
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seal(ORDER, report=stop)


def test_an_order_travels_to_a_worker_and_the_document_back() -> None:
    order, kept = pickle.loads(pickle.dumps((ORDER, CHAIN.result)))
    assert (order, kept) == (ORDER, CHAIN.result)
    assert sealable(order) == sealable(ORDER)
