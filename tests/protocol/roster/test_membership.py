"""Applying, admitting, joining."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.roster.members import ISSUER, KEY, PACK, ROSTER, membership, roster
from tests.protocol.seal.parties import CREATED

from underseal_protocol.bbs.keys import generate
from underseal_protocol.errors import RosterError, SealEncodingError, SealError
from underseal_protocol.roster.membership import (
    Admission,
    Application,
    Membership,
    Wish,
    admit,
    apply,
    join,
)
from underseal_protocol.roster.roster import Member
from underseal_protocol.seal.scalars import ONE

CELL = Member("https://cell.example", "529900T8BM49AURSDO55")
APPLICATION, WISH = apply()
ADMISSION = admit(KEY, ROSTER, CELL, APPLICATION, admitted=[PACK.member])


def test_a_company_becomes_a_member() -> None:
    application = Application.decode(APPLICATION.encode())
    wish = Wish.decode(WISH.encode())
    admission = Admission.decode(admit(KEY, ROSTER, CELL, application, admitted=[]).encode())
    joined = join(ROSTER, CELL, wish, admission)
    assert Membership.decode(joined.encode(), ROSTER, CELL) == joined
    assert joined.secret == wish.part + admission.entropy


def test_secrets_do_not_show() -> None:
    joined = join(ROSTER, CELL, WISH, ADMISSION)
    for value, of in ((joined.secret, joined), (joined.blinding, joined), (WISH.part, WISH)):
        assert str(value.value) not in repr(of)
        assert value.encode().hex() not in repr(of)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (CELL, "the URL https://cell.example has a credential"),
        (Member("https://cell.example", "another"), "the URL https://cell.example"),
        (Member("https://cell2.example", CELL.entity), "the legal entity 529900T8BM49AURSDO55"),
    ],
)
def test_each_company_is_admitted_once(member: Member, told: str) -> None:
    with pytest.raises(RosterError, match=told) as refused:
        admit(KEY, ROSTER, member, APPLICATION, admitted=[PACK.member, CELL])
    assert refused.value.hint == "Admit it to the next epoch."


def test_an_issuer_refuses_what_is_no_application() -> None:
    with pytest.raises(RosterError, match=r"application of https://cell.example: .*public key"):
        admit(generate(), ROSTER, CELL, APPLICATION, admitted=[])


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 144 * 8 - 1))
def test_every_bit_of_an_application_counts(at: int) -> None:
    data = bytearray(APPLICATION.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises((RosterError, SealError)):
        admit(KEY, ROSTER, CELL, Application.decode(bytes(data)), admitted=[])


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 112 * 8 - 1))
def test_every_bit_of_an_admission_counts(at: int) -> None:
    data = bytearray(ADMISSION.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises((RosterError, SealError)):
        join(ROSTER, CELL, WISH, Admission.decode(bytes(data)))


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 144 * 8 - 1))
def test_every_bit_of_a_membership_counts(at: int) -> None:
    data = bytearray(PACK.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(RosterError):
        Membership.decode(bytes(data), ROSTER, PACK.member)


def test_a_member_finds_out_that_it_was_admitted_as_somebody_else() -> None:
    for within, member, wish in (
        (ROSTER, PACK.member, WISH),
        (ROSTER, Member(CELL.url, "another"), WISH),
        (roster(name="another"), CELL, WISH),
        (roster(not_after=ROSTER.not_after + 1), CELL, WISH),
        (roster(key=generate().public_key), CELL, WISH),
        (ROSTER, CELL, Wish(WISH.part + ONE, WISH.blinding)),
        (ROSTER, CELL, Wish(WISH.part, WISH.blinding + ONE)),
    ):
        with pytest.raises(RosterError, match=r"admission to the roster .* does not hold"):
            join(within, member, wish, ADMISSION)


@pytest.mark.parametrize("read", [Application.decode, Wish.decode, Admission.decode])
@pytest.mark.parametrize("length", [0, 1, 63, 65, 111, 113, 143, 145, 1000])
def test_bytes_of_other_lengths(read: Callable[[bytes], object], length: int) -> None:
    with pytest.raises(SealEncodingError):
        read(bytes(length))


def test_a_membership_of_other_bytes() -> None:
    with pytest.raises(RosterError, match="143 bytes for a membership"):
        Membership.decode(PACK.encode()[:-1], ROSTER, PACK.member)
    with pytest.raises(RosterError, match="its secret is 0"):
        Membership.decode(PACK.encode()[:-32] + bytes(32), ROSTER, PACK.member)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": "association"}, "the issuer of a roster is 'association'"),
        ({"issuer": ISSUER + "/"}, "without a slash"),
        ({"name": ""}, "the name of a roster is ''"),
        ({"name": "a" * 101}, "1 to 100 printable"),
        ({"name": "a\u202eb"}, "printable"),
        ({"not_before": -1}, "an end of an epoch"),
        ({"not_after": 2**40}, "an end of an epoch"),
        ({"not_after": ROSTER.not_before}, "ends before it begins"),
    ],
)
def test_rosters_that_are_none(changes: dict[str, object], told: str) -> None:
    with pytest.raises(RosterError, match=told):
        roster(**changes)


def test_members_that_are_none() -> None:
    for url, entity in (("cell.example/", "a"), ("https://cell.example", ""), ("", "a")):
        with pytest.raises(RosterError):
            Member(url, entity)


def test_no_two_headers_and_no_two_members_are_the_same() -> None:
    """Lengths stand in front, so nothing moves from one field to the next."""
    names = [("https://a.example", "bc"), ("https://a.exampleb", "c")]
    assert len({Member(*one).message for one in names}) == 2
    assert len({roster(issuer=url, name=name).header for url, name in names}) == 2
    later = roster(not_before=ROSTER.not_before + 1)
    assert len({ROSTER.header, later.header, roster(name="x").header}) == 3


def test_the_epoch_of_a_roster() -> None:
    for seconds in (ROSTER.not_before, ROSTER.not_after - 1):
        ROSTER.require_valid_for(CREATED + timedelta(seconds=seconds - CREATED.timestamp()))
    for seconds in (ROSTER.not_before - 1, ROSTER.not_after):
        with pytest.raises(RosterError, match="the epoch of the roster is for footprints created"):
            ROSTER.require_valid_for(CREATED + timedelta(seconds=seconds - CREATED.timestamp()))


def test_a_membership_is_found_again_after_a_copy() -> None:
    assert copy.deepcopy(membership("s0")) == membership("s0")
