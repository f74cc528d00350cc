"""Endorsements that do not tell whose they are: honest ones hold, each single change does not.

Then the tricks of a publisher that is a member itself, and what readers can put together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.roster.members import (
    ISSUER,
    PACK,
    ROSTER,
    endorsed,
    membership,
    roster,
)
from tests.protocol.seal.parties import (
    CONTEXT,
    CREATED,
    CREDENTIAL,
    CUSTOMER,
    FOOTPRINT,
    SALT,
    supplier,
)

from underseal_protocol.bbs.keys import generate
from underseal_protocol.bbs.proof import Proof
from underseal_protocol.errors import (
    CredentialError,
    EndorsementError,
    ProtocolError,
    RosterError,
    SealError,
)
from underseal_protocol.roster.hidden import HiddenEndorsement, endorse_hidden, origin_of
from underseal_protocol.roster.mark import bound_of_mark, mark, require_mark
from underseal_protocol.roster.presentation import (
    HIDDEN_PROOF_BYTES,
    NAMED_PROOF_BYTES,
    Presentation,
    first_refused,
    present,
    verify_presentation,
)
from underseal_protocol.roster.roster import Member, pseudonym_context
from underseal_protocol.roster.rules import require_about, verify_hidden
from underseal_protocol.seal.context import context_of
from underseal_protocol.seal.group import GENERATOR, IDENTITY, Point
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.scalars import Scalar

# Whose mass is not that of the amount in any case, as that of kilograms is.
FIRST, OPENING = endorsed("s0", "liter")
OF_FIRST = supplier("s0", declaredUnitOfMeasurement="liter").document
SECOND, _ = endorsed("s1")
MARK = mark(PACK, CONTEXT)
OTHER_CONTEXT = context_of(CUSTOMER, "urn:gtin:4012345678901", FOOTPRINT, SALT)


def verified(*endorsements: HiddenEndorsement, **changes: Any) -> frozenset[Point]:
    given: dict[str, Any] = {
        "publisher": CUSTOMER,
        "context": CONTEXT,
        "sealed": SealedProperty.FOSSIL,
        "created": CREATED,
    }
    given |= changes
    return verify_hidden(
        given.pop("roster", ROSTER), given.pop("mark", MARK), endorsements or (FIRST,), **given
    )


def test_honest_endorsements_hold() -> None:
    assert verified(FIRST, SECOND) == {FIRST.pseudonym, SECOND.pseudonym}
    assert (
        verify_hidden(
            ROSTER,
            MARK,
            [],
            publisher=CUSTOMER,
            context=CONTEXT,
            sealed=SealedProperty.FOSSIL,
            created=CREATED,
        )
        == frozenset()
    )
    require_about(FIRST, OPENING, OF_FIRST, CREDENTIAL)
    require_mark(ROSTER, MARK, publisher=CUSTOMER, context=CONTEXT)


def test_sizes() -> None:
    assert len(FIRST.proof.encode()) == HIDDEN_PROOF_BYTES == 368
    assert len(MARK.proof.encode()) == NAMED_PROOF_BYTES == 336


def test_an_endorser_counts_once_however_often_it_endorses() -> None:
    again, _ = endorsed("s0", sealed=SealedProperty.FOSSIL)
    assert again.commitment != FIRST.commitment
    assert verified(FIRST, again, SECOND) == {FIRST.pseudonym, SECOND.pseudonym}


# Each single change


def _terms(**changes: Any) -> Callable[[HiddenEndorsement], HiddenEndorsement]:
    return lambda one: replace(one, terms=replace(one.terms, **changes))


CHANGES: dict[str, Callable[[HiddenEndorsement], HiddenEndorsement]] = {
    "commitment": lambda one: replace(one, commitment=one.commitment + GENERATOR),
    "commitment of another": lambda one: replace(one, commitment=SECOND.commitment),
    "customer": lambda one: replace(one, customer="https://other.example"),
    "context": lambda one: replace(one, context=OTHER_CONTEXT),
    "origin": lambda one: replace(one, origin=bytes(32)),
    "property": lambda one: replace(one, sealed=SealedProperty.EXCLUDING),
    "pseudonym": lambda one: replace(one, pseudonym=one.pseudonym + GENERATOR),
    "pseudonym of another": lambda one: replace(one, pseudonym=SECOND.pseudonym),
    "pseudonym of the publisher": lambda one: replace(one, pseudonym=MARK.pseudonym),
    "proof of another": lambda one: replace(one, proof=SECOND.proof),
    "proof of the publisher": lambda one: replace(one, proof=MARK.proof),
    "unit": _terms(unit="piece"),
    "amount": _terms(amount="2"),
    "mass": _terms(mass=FIRST.terms.mass + 1),
    "reports": _terms(assessment_reports=("AR5",)),
    "standards": _terms(standards=("GHGP Product standard",)),
    "start": _terms(period_start=FIRST.terms.period_start + 1),
    "end": _terms(period_end=FIRST.terms.period_end + 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_part_of_an_endorsement_counts(name: str) -> None:
    changed = CHANGES[name](FIRST)
    assert changed != FIRST
    with pytest.raises(EndorsementError, match="endorsement 2"):
        verified(SECOND, changed)
    given = {"publisher": changed.customer, "context": changed.context, "sealed": changed.sealed}
    with pytest.raises(SealError):  # nor is it an endorsement for what it now says
        verify_presentation(ROSTER, changed.presentation)
    with pytest.raises(CredentialError):
        verified(changed, **given)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, HIDDEN_PROOF_BYTES * 8 - 1))
def test_every_bit_of_a_proof_counts(at: int) -> None:
    data = bytearray(FIRST.proof.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises((EndorsementError, SealError)):
        verified(SECOND, replace(FIRST, proof=Proof.decode(bytes(data))))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"roster": roster(name="another")}, "mark of the publisher: .*challenge"),
        ({"roster": roster(not_after=ROSTER.not_after + 1)}, "mark of the publisher"),
        ({"roster": roster(key=generate().public_key)}, "mark of the publisher"),
        ({"roster": roster(issuer="https://other.example")}, "mark of the publisher"),
        ({"roster": roster(issuer=CUSTOMER)}, "kept by the publisher"),
        ({"publishers": [ISSUER]}, "kept by the publisher"),
        ({"created": CREATED - timedelta(days=31)}, "the epoch of the roster"),
        ({"created": CREATED + timedelta(days=60)}, "the epoch of the roster"),
        ({"publisher": "https://other.example"}, "mark of the publisher is of https://pack"),
        ({"context": OTHER_CONTEXT}, "for another footprint"),
        ({"sealed": SealedProperty.EXCLUDING}, "endorsement 1: it is for another property"),
        ({"mark": mark(PACK, OTHER_CONTEXT)}, "for another footprint"),
        ({"mark": mark(membership("s0"), CONTEXT)}, "is of https://s0.example"),
        ({"mark": FIRST.presentation}, "is of nobody"),
        ({"mark": replace(MARK, member=None)}, "is of nobody"),
        ({"mark": replace(MARK, member=Member(CUSTOMER, "another"))}, "mark of the publisher: "),
        ({"mark": replace(MARK, pseudonym=MARK.pseudonym + GENERATOR)}, "mark of the publisher: "),
        ({"mark": replace(MARK, bound=bytes(32))}, "for another footprint"),
    ],
)
def test_roster_and_mark_count(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CredentialError, match=told):
        verified(**changes)


# Tricks of a publisher that is a member


def test_a_publisher_cannot_endorse_its_own_inventions() -> None:
    own = present_as_endorser(PACK)
    verify_presentation(ROSTER, own.presentation)  # a member, indeed
    with pytest.raises(EndorsementError, match="endorsement 2: it is of the publisher itself"):
        verified(FIRST, own)
    with pytest.raises(RosterError, match="endorses a figure for itself"):
        endorsed("s0", membership=PACK)


def present_as_endorser(own: Any, pseudonym: Point | None = None) -> HiddenEndorsement:
    """An endorsement by hand, which nobody refuses to make."""
    unsigned = replace(FIRST, commitment=FIRST.commitment + GENERATOR)
    shown = present(
        own,
        customer=CUSTOMER,
        context=CONTEXT,
        bound=unsigned.presentation.bound,
        is_named=False,
    )
    return replace(unsigned, pseudonym=pseudonym or shown.pseudonym, proof=shown.proof)


def test_a_publisher_cannot_take_another_pseudonym() -> None:
    for pseudonym in (SECOND.pseudonym, Scalar(2) * MARK.pseudonym, -MARK.pseudonym):
        with pytest.raises(EndorsementError, match=r"endorsement 1: .*challenge"):
            verified(present_as_endorser(PACK, pseudonym))


def test_a_credential_of_another_roster_or_epoch_does_not_help() -> None:
    for other in (roster(name="another"), roster(not_after=ROSTER.not_after + 1)):
        with pytest.raises(EndorsementError, match="endorsement 1"):
            verified(present_as_endorser(membership("pack", other)))


def test_a_roster_of_its_own_does_not_help() -> None:
    """It can make one, under the name of another issuer; but not with that one's key."""
    key = generate()
    forged = roster(key=key.public_key)
    own = membership("invented", forged, key)
    with pytest.raises(EndorsementError, match="endorsement 1"):
        verified(present_as_endorser(own))


def test_a_publisher_that_is_no_member_is_refused() -> None:
    key = generate()
    stranger = membership("pack", roster(key=key.public_key), key)
    with pytest.raises(RosterError, match="mark of the publisher"):
        verified(mark=mark(stranger, CONTEXT))


def test_an_endorsement_is_not_replayed_in_another_document() -> None:
    """Of another publisher, which is a member as well, and shows the same context."""
    other = membership("other")
    for one in (FIRST, replace(FIRST, customer="https://other.example")):
        with pytest.raises(EndorsementError, match="endorsement 1"):
            verified(one, publisher="https://other.example", mark=mark(other, CONTEXT))


# What readers can put together


def test_pseudonyms_of_one_member_differ_with_everything_they_are_for() -> None:
    own = membership("s0")
    found = {
        present(own, customer=customer, context=context, bound=b"", is_named=False).pseudonym
        for customer in (CUSTOMER, "https://other.example")
        for context in (CONTEXT, OTHER_CONTEXT)
    }
    assert len(found) == 4
    later = roster(not_before=ROSTER.not_before + 1)
    contexts = {pseudonym_context(within, CUSTOMER, CONTEXT) for within in (ROSTER, later)}
    assert len(contexts) == 2


def test_a_customer_cannot_ask_for_a_pseudonym_in_a_document_of_another_one() -> None:
    """It shows its context to whoever reads it, but the supplier says who asks."""
    asked, _ = endorsed("s0", customer="https://curious.example")
    assert asked.context == FIRST.context
    assert asked.pseudonym != FIRST.pseudonym


def test_an_endorsement_names_neither_supplier_nor_footprint() -> None:
    told = repr(FIRST) + str(FIRST.claims)
    assert "s0.example" not in told
    assert CREDENTIAL not in told
    again, _ = endorsed("s0")
    assert again.origin != FIRST.origin


# What the customer checks


def test_an_endorsement_of_something_else_than_was_received() -> None:
    document = OF_FIRST
    dearer = supplier("s0", "14.29", declaredUnitOfMeasurement="liter").document
    for what, checked in (
        ("commitment", (SECOND, OPENING, document, CREDENTIAL)),
        ("origin", (FIRST, OPENING, document, "B" * 42 + "A")),
        ("origin", (FIRST, replace(OPENING, salt=bytes(32)), document, CREDENTIAL)),
        ("terms", (FIRST, OPENING, supplier("s0", mass="2").document, CREDENTIAL)),
        ("value", (FIRST, OPENING, dearer, CREDENTIAL)),
    ):
        with pytest.raises(EndorsementError, match=f"the {what} of the endorsement"):
            require_about(*checked)


@pytest.mark.parametrize(
    "change",
    [
        {"commitment": IDENTITY},
        {"pseudonym": IDENTITY},
        {"customer": "pack"},
        {"context": b""},
        {"context": bytes(33)},
        {"origin": bytes(31)},
        {"origin": bytearray(32)},
    ],
)
def test_endorsements_that_are_none(change: dict[str, Any]) -> None:
    with pytest.raises(EndorsementError):
        replace(FIRST, **change)


def test_origins_are_of_32_and_32_bytes() -> None:
    for digest, salt in (("AA", bytes(32)), ("*", bytes(32)), (CREDENTIAL, bytes(31))):
        with pytest.raises(EndorsementError, match="digest and a salt of 32 bytes"):
            origin_of(digest, salt)


def test_a_figure_that_is_not_sealed() -> None:
    with pytest.raises(ProtocolError):
        endorse_hidden(
            supplier("s0", "-1").document,
            membership=membership("s0"),
            credential_digest=CREDENTIAL,
            sealed=SealedProperty.FOSSIL,
            customer=CUSTOMER,
            context=CONTEXT,
        )


# Many at once


def test_proofs_that_hold_only_together() -> None:
    """Abar of the one is up by G, of the other down: with equal factors they would hold."""
    own = [one.presentation for one in (FIRST, SECOND)]
    assert first_refused(ROSTER, own) is None
    up, down = (
        replace(one, proof=replace(one.proof, blinded=one.proof.blinded + shift))
        for one, shift in zip(own, (GENERATOR, -GENERATOR), strict=True)
    )
    refused = first_refused(ROSTER, [up, down])
    assert refused is not None
    assert refused[0] == 0


def test_the_pairing_of_each_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes all equations but is signed by nobody is found, and which one it is."""
    honest = FIRST.presentation
    forged = forged_presentation(honest)
    for order, expected in (([honest, forged, honest], 1), ([forged], 0)):
        refused = first_refused(ROSTER, order)
        assert refused is not None
        assert refused[0] == expected
        assert "nothing is signed" in str(refused[1])
    assert first_refused(ROSTER, []) is None


def forged_presentation(honest: Presentation) -> Presentation:
    """Of a signature that nobody gave: all but the pairing holds."""
    own = membership("s1")
    forged = object.__new__(type(own))
    for name in ("roster", "member", "blinding", "secret"):
        object.__setattr__(forged, name, getattr(own, name))
    signature = replace(own.signature, point=own.signature.point + GENERATOR)
    object.__setattr__(forged, "signature", signature)
    return present(
        forged,
        customer=honest.customer,
        context=honest.context,
        bound=honest.bound,
        is_named=False,
    )


def test_marks_are_bound_to_their_context() -> None:
    assert bound_of_mark(CONTEXT) != bound_of_mark(OTHER_CONTEXT)
    with pytest.raises(RosterError, match="mark of the publisher: "):
        require_mark(roster(name="another"), MARK, publisher=CUSTOMER, context=CONTEXT)
