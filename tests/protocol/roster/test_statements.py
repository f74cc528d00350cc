"""What issuer and members sign: read, verified by whose keys they are, refused with words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.protocol.roster.members import ISSUER, KEY, ROSTER, membership, roster
from tests.protocol.seal.parties import CONTEXT, CREATED

from underseal_protocol import jws
from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.roster.membership import admit, apply, join
from underseal_protocol.roster.questions import AsMember, read_question
from underseal_protocol.roster.roster import Member
from underseal_protocol.roster.statements import (
    AdmissionStatement,
    ApplicationStatement,
    RosterStatement,
    fingerprint,
    read_admission,
    read_application,
    read_roster,
)
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty

SIGNER = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet([SIGNER.public_key()])
OTHER = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])
MEMBER = Member("https://s0.example", "LEI of s0")
ASKED = EndorsementRequest(
    "f9f1aeb6-4ca0-4b4f-a5e1-9a8b0e0b5b11", SealedProperty.EXCLUDING, CONTEXT
)


def texts() -> dict[str, str]:
    application, _ = apply()
    admission = admit(KEY, ROSTER, MEMBER, application, admitted=[])
    given: dict[str, Any] = {"key": SIGNER, "issued_at": CREATED}
    return {
        "roster": RosterStatement.issue(ROSTER, **given),
        "application": ApplicationStatement.issue(ROSTER, MEMBER, application, **given),
        "admission": AdmissionStatement.issue(ROSTER, MEMBER, admission, **given),
    }


READ: dict[str, Callable[[str], Any]] = {
    "roster": read_roster,
    "application": read_application,
    "admission": read_admission,
}
BY = {"roster": ISSUER, "application": MEMBER.url, "admission": ISSUER}


@pytest.mark.parametrize("kind", READ)
def test_it_is_read_and_verified_by_whose_keys_it_is(kind: str) -> None:
    found = READ[kind](f" {texts()[kind]}\n")
    assert (found.roster.header, found.issued_at) == (ROSTER.header, CREATED.replace(microsecond=0))
    found.require_signed(KEYS, [BY[kind]])
    with pytest.raises(RosterError, match="key"):
        found.require_signed(OTHER, [BY[kind]])
    with pytest.raises(RosterError, match=r"expected https://c\.example"):
        found.require_signed(KEYS, ["https://c.example"])


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("other", READ)
def test_one_is_none_of_the_others(kind: str, other: str) -> None:
    if kind == other:
        return
    with pytest.raises(RosterError, match="it is no "):
        READ[other](texts()[kind])


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"iss": 7},
        {"iat": "now"},
        {"iat": -1},
        {"roster": None},
        {"roster": {}},
        {"entity": ""},
        {"entity": 5},
        {"aud": "https://other.example"},
        {"aud": None},
        {"application": "AAAA"},
        {"application": 5},
        {"admission": "AAAA"},
        {"admission": "="},
        {"more": 1},
    ],
)
def test_what_is_altered_does_not_pass(kind: str, change: dict[str, Any]) -> None:
    """Also signed by the right node, except where it becomes another good statement."""
    token = texts()[kind]
    parsed = jws.parse(token)
    if not (change.keys() <= parsed.payload.keys() or "more" in change):
        return
    changed = jws.sign(parsed.payload | change, typ=parsed.header["typ"], key=SIGNER)
    if (kind, change.get("aud")) == ("admission", "https://other.example"):
        assert READ[kind](changed).member.url != MEMBER.url  # it is for its member to refuse
        return
    with pytest.raises(RosterError):
        READ[kind](changed).require_signed(KEYS, [BY[kind]])


def test_a_member_joins_by_what_travels() -> None:
    application, wish = apply()
    token = ApplicationStatement.issue(ROSTER, MEMBER, application, key=SIGNER, issued_at=CREATED)
    read = read_application(token)
    admission = admit(KEY, read.roster, read.member, read.application, admitted=[])
    back = AdmissionStatement.issue(
        read.roster, read.member, admission, key=SIGNER, issued_at=CREATED
    )
    joined = join(ROSTER, MEMBER, wish, read_admission(back).admission)
    assert joined.member == MEMBER
    assert "scalar" not in repr(read_admission(back)).lower()


def test_a_key_for_something_else_signs_none() -> None:
    key = SigningKey.generate(KeyPurpose.RECEIPT)
    with pytest.raises(RosterError, match="receipt"):
        RosterStatement.issue(ROSTER, key=key, issued_at=CREATED)


def test_two_keys_have_two_fingerprints() -> None:
    assert len(fingerprint(ROSTER.key)) == 43
    assert fingerprint(ROSTER.key) == fingerprint(roster(name="another").key)


def test_a_question_to_a_member_is_read() -> None:
    found, asked_roster = read_question(AsMember(ASKED, ROSTER).to_json())
    assert (found, asked_roster) == (ASKED, ROSTER)
    assert read_question(ASKED.to_json()) == (ASKED, None)
    assert membership("s0").roster.header == ROSTER.header


@pytest.mark.parametrize(
    "change",
    [{"roster": None}, {"roster": {}}, {"version": 1}, {"version": 3}, {"more": 1}, {"context": 1}],
)
def test_other_questions_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EndorsementError):
        read_question(AsMember(ASKED, ROSTER).to_json() | change)
