"""Sealed documents whose endorsers are members of a roster (scheme 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.roster.members import ISSUER, KEY, PACK, ROSTER, membership, roster
from tests.protocol.seal.chains import Chain, Named, Part, footprint
from tests.protocol.seal.hidden_chain import KNOWN, HiddenChain
from tests.protocol.seal.parties import CONTEXT, CREATED, CUSTOMER

from underseal_protocol.bbs.keys import generate
from underseal_protocol.errors import SealRefusedError
from underseal_protocol.roster.mark import mark
from underseal_protocol.seal import prover
from underseal_protocol.seal.document import RosterUse, Scheme, SealedDocument
from underseal_protocol.seal.document_format import encode_statement, read_document
from underseal_protocol.seal.group import GENERATOR
from underseal_protocol.seal.prover import seal
from underseal_protocol.seal.trust import KnownRoster, TrustList
from underseal_protocol.seal.verdict import Grade

CHAIN = HiddenChain(
    parts=(Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25")),
    named=(Named(),),
    mass="4",
    coverage=75,
)
DATA = CHAIN.result.document
SEALED = read_document(DATA)
STATEMENT = len(SEALED.statement)


def refused(part: str, data: bytes = DATA, **changes: Any) -> SealRefusedError:
    with pytest.raises(SealRefusedError) as caught:
        CHAIN.verify(data, **changes)
    assert caught.value.part == part, caught.value.message
    return caught.value


def altered(**changes: Any) -> bytes:
    """A document with another statement, and the proofs as they were."""
    other = replace(SEALED, **changes)
    return encode_statement(other) + SEALED.sum_proof + SEALED.range_proof


# Honest ones


def test_what_a_verdict_says() -> None:
    verdict = CHAIN.verify()
    assert (verdict.grade, verdict.coverage, verdict.reductions) == (Grade.MASS, 75, ())
    assert verdict.endorsers == ()
    assert verdict.roster is not None
    assert verdict.to_json()["roster"] == {
        "issuer": ISSUER,
        "name": "cells and packs",
        "isKnown": True,
        "publisherEntity": "LEI of pack",
        "members": 2,
        "inputs": 2,
    }
    assert f"members of the roster cells and packs of {ISSUER} endorsed" in verdict.statement
    assert "listed suppliers" not in verdict.statement
    assert any("who the endorsers are" in one for one in verdict.not_shown)
    assert "roster" not in Chain().verify().to_json()


def test_nothing_in_the_document_names_a_supplier() -> None:
    for name in ("s0", "s1"):
        assert f"{name}.example".encode() not in DATA
        assert membership(name).member.entity.encode() not in DATA
    assert SEALED.scheme is Scheme.ROSTER
    assert DATA[11] == 2
    assert encode_statement(SEALED) == SEALED.statement


@pytest.mark.parametrize("known", [[], [KnownRoster(ISSUER, "another", KEY.public_key)],
    [KnownRoster("https://other.example", ROSTER.name, KEY.public_key)],
    [KnownRoster(ISSUER, ROSTER.name, generate().public_key)]])  # fmt: skip
def test_a_roster_that_the_reader_does_not_know(known: list[KnownRoster]) -> None:
    verdict = CHAIN.verify(trusted=TrustList(rosters=known))
    assert (verdict.grade, verdict.coverage, verdict.stated_coverage) == (Grade.ORIGIN, 0, 75)
    assert verdict.roster is not None
    assert not verdict.roster.is_known
    assert any("that the members of the roster exist" in one for one in verdict.not_shown)
    assert "the roster of the endorsers of 1 of the masses" in verdict.reductions[0]
    assert "the roster of the endorsers of 2 of the 2 listed inputs" in verdict.reductions[1]


def test_a_roster_whose_key_was_revoked() -> None:
    for since, part in ((CREATED, "roster"), (CREATED - timedelta(days=1), "roster")):
        trusted = TrustList(rosters=[replace(KNOWN, revoked=since)])
        assert "was revoked" in refused(part, trusted=trusted).message
    later = replace(KNOWN, revoked=CREATED + timedelta(seconds=1))
    assert CHAIN.verify(trusted=TrustList(rosters=[later])).grade is Grade.MASS


@pytest.mark.parametrize("count", [0, 1, 3])
def test_other_numbers_of_inputs(count: int) -> None:
    chain = HiddenChain(parts=(Part(),) * count, mass="0" if not count else "0.4")
    verdict = chain.verify()
    assert verdict.roster is not None
    assert (verdict.roster.members, verdict.roster.inputs) == (count, count)


def test_one_member_with_two_products_counts_once() -> None:
    chain = HiddenChain(parts=(Part(), Part()), endorser=membership("s0"))
    found = chain.verify().roster
    assert found is not None
    assert (found.members, found.inputs) == (1, 2)


# What is altered afterwards


@settings(max_examples=120, deadline=None)
@given(at=st.integers(0, len(DATA) * 8 - 1))
def test_every_bit_counts(at: int) -> None:
    data = bytearray(DATA)
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(SealRefusedError):
        CHAIN.verify(bytes(data))


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, len(DATA) - 1), insert=st.binary(max_size=2), remove=st.integers(0, 3))
def test_bytes_that_are_missing_or_too_many(at: int, insert: bytes, remove: int) -> None:
    data = DATA[:at] + insert + DATA[at + remove :]
    if data != DATA:
        with pytest.raises(SealRefusedError):
            CHAIN.verify(data)


def _member(index: int, **changes: Any) -> dict[str, Any]:
    members = list(SEALED.members)
    endorsement = replace(members[index].endorsement, **changes)
    members[index] = replace(members[index], endorsement=endorsement)
    return {"members": tuple(members)}


FIRST, SECOND = (one.endorsement for one in SEALED.members)


def _use(**changes: Any) -> RosterUse:
    assert SEALED.roster is not None
    return replace(SEALED.roster, **changes)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("endorsement 1", _member(0, origin=bytes(32))),
        ("endorsement 2", _member(1, origin=bytes(32))),
        ("endorsement 2", _member(1, proof=FIRST.proof)),
        ("endorsement 2", _member(1, terms=replace(SECOND.terms, mass=5))),
        ("roster", {"roster": _use(roster=roster(name="another"))}),
        ("roster", {"roster": _use(roster=roster(issuer=CUSTOMER))}),
        ("roster", {"roster": _use(roster=roster(key=generate().public_key))}),
        ("roster", {"roster": _use(roster=roster(not_after=ROSTER.not_after + 1))}),
        ("roster", {"roster": _use(roster=roster(not_after=int(CREATED.timestamp())))}),
        ("roster", {"roster": _use(mark=mark(membership("s0"), CONTEXT))}),
        ("sum", {"own": SEALED.own + GENERATOR}),
        ("sum", {"roster": _use(mark=mark(PACK, CONTEXT))}),  # honest, but not what was sealed
    ],
)  # fmt: skip
def test_each_part_that_is_altered_is_named(part: str, changes: dict[str, Any]) -> None:
    refused(part, altered(**changes))


def test_another_total() -> None:
    other = footprint("70.0000", "4")
    assert refused("core", document=other)


# Tricks of a publisher that is a member


def test_own_inventions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """When sealing, and by readers if the publisher's own node does not ask."""
    chain = HiddenChain(parts=(Part(),), endorser=membership("s0"))
    cheat = replace(chain, parts=(Part(),), endorser=None)
    own = replace(chain.members[0].endorsement)
    forged = replace(own, pseudonym=chain.use.mark.pseudonym)
    with pytest.raises(SealRefusedError, match="endorsement 1: it is of the publisher itself"):
        seal(replace(chain.order, members=[replace(chain.members[0], endorsement=forged)]))
    monkeypatch.setattr("underseal_protocol.seal.sealing.verify_hidden", lambda *_, **__: None)
    data = seal(replace(chain.order, members=[replace(chain.members[0], endorsement=forged)]))
    with pytest.raises(SealRefusedError, match="endorsement 1: it is of the publisher itself"):
        cheat.verify(data.document, document=chain.document)


def test_a_mark_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = HiddenChain(publisher=membership("other"))
    with pytest.raises(SealRefusedError, match="roster: the mark of the publisher is of"):
        _ = other.result
    monkeypatch.setattr("underseal_protocol.seal.sealing.verify_hidden", lambda *_, **__: None)
    with pytest.raises(SealRefusedError, match="roster: the mark of the publisher"):
        HiddenChain(publisher=membership("other")).verify()


def test_named_and_hidden_inputs_do_not_mix() -> None:
    for changes in (
        {"roster": None},
        {"inputs": Chain().inputs},
        {"inputs": Chain().inputs, "members": ()},
    ):
        with pytest.raises(SealRefusedError, match="roster: some suppliers are named"):
            CHAIN.sealed_with(**changes)


def test_schemes_do_not_mix() -> None:
    other = bytearray(DATA)
    other[11] = 1
    refused("file", bytes(other))
    named = bytearray(Chain().result.document)
    named[11] = 2
    refused("file", bytes(named))
    named[11] = 3
    assert "scheme 3" in refused("file", bytes(named)).message


def test_the_assessment_reports_of_members_are_those_of_the_footprint() -> None:
    chain = HiddenChain(parts=(Part(),), sealed=CHAIN.sealed)
    document = chain.document | {"pcf": {**chain.document["pcf"]}}
    document["pcf"]["ipccCharacterizationFactors"] = ["AR5"]
    with pytest.raises(SealRefusedError, match="another set of GWP"):
        chain.sealed_with(document=document)


def test_the_same_document_of_the_same_randomness() -> None:
    """Nothing is drawn but by the given source."""

    def source() -> Any:
        state = [0]

        def give(length: int) -> bytes:
            state[0] += 1
            return state[0].to_bytes(8, "big") * (length // 8) + bytes(length % 8)

        return give

    chains = [HiddenChain(random_bytes=source()) for _ in range(2)]
    first, second = (one.result.document for one in chains)
    assert first == second
    assert isinstance(read_document(first), SealedDocument)
    assert prover.seal is seal


# What no proof excludes, and what the explanation names


def test_a_company_that_the_issuer_admits_twice_endorses_for_itself() -> None:
    """As a subsidiary would: to the issuer it is another company."""
    chain = HiddenChain(parts=(Part("0"),), mass="0.4", endorser=membership("pack-invented"))
    assert chain.verify().grade is Grade.MASS


def test_a_lent_membership_endorses_what_its_member_has_never_seen() -> None:
    lent = membership("s0")
    chain = HiddenChain(parts=(Part("0.001"),), endorser=lent)
    verdict = chain.verify()
    assert verdict.roster is not None
    assert verdict.roster.members == 1
