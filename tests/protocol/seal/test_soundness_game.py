"""A cheating publisher with every secret that it can have: which tricks are refused, and by what.

`test_not_excluded` has those that no proof can exclude.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.protocol.seal.chains import Chain, Named, Part, footprint, known
from tests.protocol.seal.forging import forge, modular, with_quantity
from tests.protocol.seal.parties import CREATED, CUSTOMER, PRODUCT, SALT, supplier

from underseal_protocol.errors import SealRefusedError
from underseal_protocol.seal.document_format import encode_statement, read_document
from underseal_protocol.seal.facts import facts_of
from underseal_protocol.seal.group import GENERATOR, ORDER, Scalar
from underseal_protocol.seal.numbers import NANO, SealedProperty, Total, total_of
from underseal_protocol.seal.sealing import Sealable, sealable
from underseal_protocol.seal.verdict import Grade

CHAIN = Chain(
    parts=(Part("67.1", "4.02", "1"), Part("8.2", "1", "0.62")),
    named=(Named(),),
    mass="4.5",
    decimals=3,
    coverage=75,
)
HONEST = sealable(CHAIN.order)
FIRST, SECOND = sorted(HONEST.inputs, key=lambda one: one.endorsement.supplier)
AT = HONEST.inputs.index(FIRST)


def refused(data: bytes, part: str, **changes: Any) -> None:
    with pytest.raises(SealRefusedError) as caught:
        CHAIN.verify(data, **changes)
    assert caught.value.part == part, caught.value.message


def moved(quantity: int) -> Sealable:
    """With another first quantity, in 10^9 steps, and own emissions that make up for it."""
    step, rest = divmod(quantity - FIRST.quantity, NANO)
    assert not rest
    own = HONEST.own - step * FIRST.opening.value
    covered = HONEST.covered + (quantity - FIRST.quantity) * FIRST.opening.value
    found = with_quantity(HONEST, AT, modular(quantity))
    return replace(found, own=modular(own), covered=covered)


def test_the_forger_can_do_what_an_honest_publisher_does() -> None:
    verdict = CHAIN.verify(forge(HONEST))
    assert (verdict.grade, verdict.coverage) == (Grade.MASS, 75)


# Quantities, values, own emissions


def test_a_negative_quantity_that_own_emissions_make_up_for() -> None:
    less = moved(FIRST.quantity - 2 * NANO)
    assert less.own < 2**64
    refused(forge(less), "ranges")


def test_a_negative_quantity_of_a_factor() -> None:
    factor = HONEST.factors[0]
    lie = replace(
        HONEST,
        factors=(replace(factor, quantity=modular(factor.quantity - NANO)),),
        own=HONEST.own + factor.factor.value,
    )
    refused(forge(lie), "ranges")


def test_own_emissions_below_0() -> None:
    """What is emitted beyond the published total is taken off again."""
    refused(forge(moved(FIRST.quantity + NANO)), "ranges")


def test_a_quantity_that_wraps_around() -> None:
    """Modulo the order, some huge quantity gives any sum that one likes."""
    v = FIRST.opening.value
    wanted = FIRST.quantity * v - 10 * NANO * NANO
    huge = wanted * pow(v, -1, ORDER) % ORDER
    assert huge * v % ORDER == wanted
    lie = with_quantity(HONEST, AT, huge)
    lie = replace(
        lie, own=HONEST.own + 10 * NANO, covered=wanted + SECOND.quantity * SECOND.opening.value
    )
    refused(forge(lie), "ranges")


def test_a_quantity_just_too_large() -> None:
    over = 2**56 - 2**56 % NANO + FIRST.quantity % NANO + NANO
    refused(forge(moved(over)), "ranges")


def test_another_opening_of_an_endorsed_value() -> None:
    """The publisher does not know one, so the relation does not hold."""
    lower = replace(FIRST.opening, value=FIRST.opening.value - NANO)
    inputs = [replace(FIRST, opening=lower) if one is FIRST else one for one in HONEST.inputs]
    lie = replace(HONEST, inputs=tuple(inputs), own=HONEST.own + FIRST.quantity)
    refused(forge(lie, with_ranges=False), "sum")


@pytest.mark.parametrize("steps", [-1, 1, 1000])
def test_a_total_that_is_not_what_the_inputs_round_to(steps: int) -> None:
    """The document of another footprint with that total: what rounding leaves would not fit."""
    total = Total(HONEST.total.number - steps, HONEST.total.decimals)
    document = footprint(total.text, CHAIN.mass)
    remainder = HONEST.remainder + steps * HONEST.total.step
    header = replace(HONEST.header, core=facts_of(document).core)
    lie = replace(HONEST, header=header, total=total, remainder=modular(remainder))
    refused(forge(lie), "ranges", document=document)


def test_a_total_altered_after_sealing() -> None:
    altered = footprint(total_of("60.000").text, CHAIN.mass)
    refused(CHAIN.result.document, "core", document=altered)


# Mass


def heavier(mass: str) -> tuple[Sealable, dict[str, Any]]:
    """For a footprint with more mass than the endorsed inputs have."""
    document = footprint(HONEST.total.text, mass)
    order = replace(CHAIN.order, document=footprint(HONEST.total.text, "0"))
    light, facts = sealable(order), facts_of(document)
    kilogram = NANO * NANO
    excess = (402 * kilogram + 62 * kilogram) // 100 - int(float(mass) * 1000) * kilogram // 1000
    assert excess < 0
    header = replace(light.header, core=facts.core)
    found = replace(
        light, header=header, mass=int(float(mass) * 1000) * NANO // 1000, excess=excess
    )
    return found, document


def test_a_total_below_the_mass_bound() -> None:
    lie, document = heavier("5.03")
    refused(forge(lie), "ranges", document=document)
    refused(forge(lie, high=0), "ranges", document=document)
    refused(forge(lie, high=-1), "ranges", document=document)
    with pytest.raises(SealRefusedError, match="mass: the endorsed inputs have less mass"):
        sealable(replace(CHAIN.order, document=document))


def test_a_total_below_the_mass_bound_without_a_mass_balance() -> None:
    lie, document = heavier("5.03")
    refused(forge(replace(lie, excess=None), with_ranges=False), "mass", document=document)
    refused(forge(replace(HONEST, excess=None), with_ranges=False), "mass")


def test_nothing_of_the_inputs_when_the_product_has_mass() -> None:
    """All of the total as own emissions: what `origin` cannot exclude, `mass` does."""
    nothing = with_quantity(with_quantity(HONEST, 0, 0), 1, 0)
    own = HONEST.own + HONEST.covered // NANO
    excess = -int(4.5 * NANO) * NANO
    header = replace(HONEST.header, coverage=0)
    lie = replace(nothing, own=own, covered=0, excess=excess, header=header)
    for high in (0, -1):
        refused(forge(lie, high=high), "ranges")


def test_mass_that_wraps_around() -> None:
    lie, document = heavier("5.03")
    assert lie.excess is not None
    high = modular(lie.excess) >> 64
    refused(forge(replace(lie, excess=modular(lie.excess)), high=high), "ranges", document=document)


# Coverage


def more_coverage(step: int) -> Sealable:
    return replace(HONEST, header=replace(HONEST.header, coverage=step))


LOW = Chain(parts=CHAIN.parts, own="60", mass="4.5", decimals=3)


def test_more_coverage_than_there_is() -> None:
    checked = sealable(LOW.order)
    for step in (75, 90):
        lie = replace(checked, header=replace(checked.header, coverage=step))
        with pytest.raises(SealRefusedError) as caught:
            LOW.verify(forge(lie))
        assert caught.value.part == "ranges"
        with pytest.raises(SealRefusedError, match="coverage: the endorsed inputs are less than"):
            sealable(replace(LOW.order, coverage=step))


@pytest.mark.parametrize("what", ["own emissions", "everything"])
def test_coverage_inflated_by_own_emissions(what: str) -> None:
    checked = sealable(LOW.order)
    lie = replace(checked, header=replace(checked.header, coverage=90))
    inflated = checked.covered + NANO * checked.own
    inflated += 10 * inflated if what == "everything" else 0
    with pytest.raises(SealRefusedError) as caught:
        LOW.verify(forge(lie, covered=inflated, with_ranges=False))
    assert caught.value.part == "sum"


def test_a_whole_that_is_more_than_is_covered() -> None:
    checked = sealable(LOW.order)
    lie = replace(checked, header=replace(checked.header, coverage=90))
    whole = checked.total.number
    with pytest.raises(SealRefusedError) as caught:
        LOW.verify(forge(lie, whole=whole))
    assert caught.value.part == "ranges"


def test_coverage_of_nothing() -> None:
    for chain in (Chain(parts=(), mass="0"), Chain(own="0", parts=(Part("0", "0"),), mass="0")):
        checked = sealable(chain.order)
        lie = replace(checked, header=replace(checked.header, coverage=25))
        with pytest.raises(SealRefusedError) as caught:
            chain.verify(forge(lie, with_ranges=False))
        assert caught.value.part == "coverage"


# Endorsements


def with_first(**changes: Any) -> bytes:
    """The document with another first endorsement, and honest proofs of that."""
    first = replace(FIRST, endorsement=replace(FIRST.endorsement, **changes))
    ordered = sorted((first, SECOND), key=lambda one: one.endorsement.commitment.encode())
    return forge(replace(HONEST, inputs=tuple(ordered)), with_ranges=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": "B" * 42 + "A"},
        {"not_before": FIRST.endorsement.not_before - 1},
        {"not_after": FIRST.endorsement.not_after + 1},
        {"terms": replace(FIRST.endorsement.terms, mass=10**12)},
        {"terms": replace(FIRST.endorsement.terms, amount="1000")},
        {"terms": replace(FIRST.endorsement.terms, unit="liter")},
        {"terms": replace(FIRST.endorsement.terms, standards=("ISO14067",))},
        {"terms": replace(FIRST.endorsement.terms, period_start=0)},
        {"supplier": "https://somebody.example"},
        {"signature": bytes(64)},
    ],
)
def test_an_endorsement_altered_in_the_document(changes: dict[str, Any]) -> None:
    refused(with_first(**changes), f"endorsement {1 + AT}")


def test_endorsements_with_each_others_commitments() -> None:
    one, other = FIRST.endorsement, SECOND.endorsement
    swapped = (
        replace(FIRST, endorsement=replace(other, commitment=one.commitment), key=SECOND.key),
        replace(SECOND, endorsement=replace(one, commitment=other.commitment), key=FIRST.key),
    )
    ordered = sorted(swapped, key=lambda entry: entry.endorsement.commitment.encode())
    refused(forge(replace(HONEST, inputs=tuple(ordered)), with_ranges=False), "endorsement 1")


def replayed(**changes: Any) -> bytes:
    """The same endorsements for something else: only the header is another one."""
    return forge(replace(HONEST, header=replace(HONEST.header, **changes)), with_ranges=False)


def test_endorsements_replayed_to_another_product_version_or_customer() -> None:
    document = footprint(HONEST.total.text, CHAIN.mass)
    version = {**document, "id": "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"}
    core = facts_of(version).core
    data = replayed(footprint_id=version["id"], core=core)
    refused(data, "endorsement 1", document=version)
    refused(replayed(product_id="urn:gtin:2040000001025"), "endorsement 1")
    other = "https://other.example"
    refused(replayed(publisher=other), "endorsement 1", publisher=other)
    refused(replayed(salt=bytes(32)), "endorsement 1")
    refused(replayed(sealed=SealedProperty.EXCLUDING), "endorsement 1")


def foreign(**changes: Any) -> bytes:
    """With a first endorsement that its supplier gave for something else."""
    endorsement, opening = CHAIN.suppliers[0].endorse(**changes)
    inputs = (replace(FIRST, endorsement=endorsement, opening=opening), SECOND)
    ordered = sorted(inputs, key=lambda one: one.endorsement.commitment.encode())
    return forge(replace(HONEST, inputs=tuple(ordered)), with_ranges=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": "https://other.example"},
        {"context": bytes(32)},
        {"sealed": SealedProperty.EXCLUDING},
        {"is_named": False},
    ],
)
def test_an_endorsement_for_something_else(changes: dict[str, Any]) -> None:
    with pytest.raises(SealRefusedError, match="the signature was not made over") as caught:
        CHAIN.verify(foreign(**changes))
    assert caught.value.part.startswith("endorsement ")


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": CREATED},
        {"not_before": CREATED + timedelta(seconds=1)},
    ],
)
def test_an_endorsement_that_is_expired_or_not_valid_yet(changes: dict[str, Any]) -> None:
    with pytest.raises(SealRefusedError, match=r"endorsement \d: .*is for footprints created from"):
        CHAIN.verify(foreign(**changes))


def test_an_endorsement_with_a_key_of_the_publisher() -> None:
    own = supplier("own", "8.2", "1")
    endorsement, opening = own.endorse()
    inputs = (
        FIRST,
        replace(SECOND, endorsement=endorsement, opening=opening, key=own.key.public_key()),
    )
    ordered = sorted(inputs, key=lambda one: one.endorsement.commitment.encode())
    data = forge(replace(HONEST, inputs=tuple(ordered)), with_ranges=False)
    publisher = replace(own, url=CUSTOMER)
    trusted = known([*CHAIN.suppliers, publisher])
    for changes in ({"trusted": trusted}, {"publisher": [CUSTOMER, own.url]}):
        with pytest.raises(SealRefusedError, match="signed with a key of the publisher"):
            CHAIN.verify(data, **changes)


# Proofs


def test_proofs_of_another_document_of_the_same_secrets() -> None:
    one, other = read_document(CHAIN.result.document), read_document(forge(HONEST))
    refused(one.statement + other.sum_proof + one.range_proof, "sum")
    refused(one.statement + one.sum_proof + other.range_proof, "ranges")


POINTS: dict[str, Callable[[Any], Any]] = {
    "own": lambda read: replace(read, own=read.own + GENERATOR),
    "remainder": lambda read: replace(read, remainder=read.remainder + Scalar(NANO) * GENERATOR),
    "mass": lambda read: replace(read, mass_high=read.mass_high + GENERATOR),
    "covered": lambda read: replace(read, covered=(read.covered[0] + GENERATOR, read.covered[1])),
    "whole": lambda read: replace(read, covered=(read.covered[0], read.covered[1] + GENERATOR)),
    "quantity": lambda read: replace(
        read, inputs=(replace(read.inputs[0], quantity=read.inputs[1].quantity), read.inputs[1])
    ),
    "factor": lambda read: replace(read, factors=(replace(read.factors[0], quantity=GENERATOR),)),
    "coverage": lambda read: replace(read, header=replace(read.header, coverage=50)),
}


@pytest.mark.parametrize("name", POINTS)
def test_a_statement_that_is_changed_after_the_proof(name: str) -> None:
    """Everything is hashed before the first challenge, so nothing can be chosen after it."""
    read = read_document(CHAIN.result.document)
    changed = POINTS[name](read)
    refused(encode_statement(changed) + read.sum_proof + read.range_proof, "sum")


def test_a_document_for_another_footprint() -> None:
    document = CHAIN.document
    refused(CHAIN.result.document, "publisher", publisher="https://other.example")
    other = {**document, "id": "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"}
    refused(CHAIN.result.document, "footprint", document=other)
    refused(CHAIN.result.document, "product", document={**document, "productIds": ["urn:gtin:1"]})
    assert PRODUCT in document["productIds"]
    assert HONEST.header.salt == SALT
