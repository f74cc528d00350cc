"""Openings: what was committed to verifies, at every level, and nothing else does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.attested import NOW, OWNER, OWNER_KEY, OWNER_KEYS, VERIFIER_KEY
from tests.protocol.committed import (
    AUDITOR,
    COMMITMENT,
    CREDENTIAL,
    DOCUMENT,
    LEAVES,
    leaf,
    opened,
    shown,
    signed,
)

from underseal_protocol import base64url, jws, strict_json
from underseal_protocol.canonical import digest
from underseal_protocol.commitment import commit
from underseal_protocol.credential import VerifiedCredential, verify
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import (
    CommitmentError,
    CredentialError,
    KeySetError,
    SignatureMismatchError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.opening import MAX_OPENED, OPENING_TYPE, Opening, verify_opening

Document = dict[str, Any]
Change = Callable[[Document], object]
SHOWN = opened("line-1", "meter-7")


def proven(level: Level = Level.FULL, credential: Any = CREDENTIAL) -> VerifiedCredential:
    return verify(shown(level, credential), keys=OWNER_KEYS, issuer=OWNER)


def checked(value: Any, **changes: Any) -> Opening:
    arguments: dict[str, Any] = {
        "keys": OWNER_KEYS,
        "issuer": OWNER,
        "footprint_id": DOCUMENT["id"],
        "proven": proven(),
    }
    return verify_opening(value, **(arguments | changes))


def resigned(change: Change, claims: Change = lambda _: None) -> Document:
    """An opening that its owner has signed like that."""
    made = copy.deepcopy(SHOWN)
    change(made)
    payload = copy.deepcopy(jws.parse(made["statement"]).payload)
    payload["leaves"] = digest(made["leaves"])
    claims(payload)
    made["statement"] = jws.sign(payload, typ=OPENING_TYPE, key=OWNER_KEY)
    return made


@pytest.mark.parametrize("level", list(Level))
def test_it_verifies_with_the_footprint_at_every_level(level: Level) -> None:
    found = checked(SHOWN, proven=proven(level))
    assert sorted(one["id"] for one in found.lines) == ["line-1", "meter-7"]
    assert all(one in LEAVES for one in found.lines)
    assert (found.verifier, found.issuer, found.issued_at) == (AUDITOR, OWNER, NOW)
    assert (found.size, found.is_whole, found.kid) == (16, False, OWNER_KEY.kid)
    assert found.root == base64url.encode(COMMITMENT.root)


def test_all_of_it_shows_that_there_is_nothing_else() -> None:
    found = checked(opened())
    assert found.is_whole
    assert sorted(map(str, found.lines)) == sorted(map(str, LEAVES))


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 40), min_size=1), st.data())
def test_any_lines_make_a_round_trip(numbers: set[int], data: st.DataObject) -> None:
    leaves = [leaf(number) for number in numbers]
    made = commit(leaves)
    credential = signed(made)
    chosen = data.draw(st.sets(st.sampled_from([one["id"] for one in leaves]), min_size=1))
    document = opened(*chosen, commitment=made, credential_digest=credential.digest)
    read = strict_json.loads(json.dumps(document, indent=2))
    found = checked(read, proven=proven(credential=credential))
    assert {one["id"] for one in found.lines} == chosen


def test_nothing_of_other_lines_is_in_it() -> None:
    text = json.dumps(opened("line-1"), ensure_ascii=False)
    for one in COMMITMENT.salted:
        is_opened = one.leaf["id"] == "line-1"
        assert (base64url.encode(one.salt) in text) is is_opened
        assert (f'"{one.leaf["id"]}"' in text) is is_opened


def test_no_level_shows_the_root() -> None:
    for level in Level:
        document = shown(level)
        text = json.dumps(document)
        assert COMMITMENT.disclosure not in text
        assert base64url.encode(COMMITMENT.root) not in text
        found = verify(document, keys=OWNER_KEYS, issuer=OWNER)
        assert (found.commitment, found.root) == (COMMITMENT.digest, None)


# --- other than it was signed -------------------------------------------------------------------


def flip(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return ("B" if value[:1] != "B" else "C") + value[1:]
    return value + 1 if isinstance(value, int) else None


FIELDS = [
    *((place, name) for place in (0, 1) for name in ("index", "salt", "leaf", "proof")),
]


@pytest.mark.parametrize(("place", "name"), FIELDS)
def test_no_field_of_a_line_can_be_changed(place: int, name: str) -> None:
    made = copy.deepcopy(SHOWN)
    value = made["leaves"][place][name]
    if name == "leaf":
        value["id"] = "line-2"
    elif name == "proof":
        value[0] = flip(value[0])
    else:
        made["leaves"][place][name] = flip(value)
    with pytest.raises(CommitmentError, match="the lines that are opened is"):
        checked(made)
    with pytest.raises(CommitmentError):  # even if the owner signs it
        checked(resigned(lambda d: d.update(leaves=made["leaves"])))


@pytest.mark.parametrize("member", list(LEAVES[1]))
def test_no_member_of_what_is_opened_can_be_changed(member: str) -> None:
    def change(document: Document) -> None:
        (line,) = (one for one in document["leaves"] if one["leaf"]["id"] == "line-1")
        line["leaf"][member] = flip(line["leaf"][member])

    with pytest.raises(CommitmentError, match=r"is not what was committed to: .* expected"):
        checked(resigned(change))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["leaves"].reverse(), "the lines that are opened is"),
        (lambda d: d["leaves"].pop(), "the lines that are opened is"),
        (lambda d: d["leaves"].append(d["leaves"][0]), "the lines that are opened is"),
        (lambda d: d["leaves"].clear(), "0 lines are opened"),
        (lambda d: d["leaves"].__setitem__(0, 7), "the lines that are opened is"),
        (lambda d: d["leaves"][0].update(more=2**60), "were not signed like this"),
        (lambda d: d.update(version=2), "this is no opening"),
        (lambda d: d.update(type="underseal-draft"), "this is no opening"),
        (lambda d: d.update(more=1), "this is no opening"),
        (lambda d: d.pop("leaves"), "this is no opening"),
        (lambda d: d.update(leaves={}), "this is no opening"),
        (lambda d: d.update(statement=None), "this is no opening"),
        (lambda d: d.update(statement="a.b"), "three parts"),
    ],
)
def test_no_document_is_accepted_that_was_changed(change: Change, named: str) -> None:
    made = copy.deepcopy(SHOWN)
    change(made)
    with pytest.raises(CredentialError) as caught:
        checked(made)
    assert named in caught.value.message


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_what_is_no_document(value: Any) -> None:
    with pytest.raises(CommitmentError, match="this is no opening"):
        checked(value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["leaves"].append(d["leaves"][0]), "is opened twice"),
        (lambda d: d["leaves"].__setitem__(0, 7), "does not have exactly the members"),
        (lambda d: d["leaves"][0].pop("salt"), "does not have exactly the members"),
        (lambda d: d["leaves"][0].update(index="1"), "has the index '1'"),
        (lambda d: d["leaves"][0].update(index=True), "has the index True"),
        (lambda d: d["leaves"][0].update(index=-1), "has no leaf -1"),
        (lambda d: d["leaves"][0].update(index=16), "has no leaf 16"),
        (lambda d: d["leaves"][0].update(proof="A"), "the proof 'A'"),
        (lambda d: d["leaves"][0].update(proof=[7]), "cannot be read"),
        (lambda d: d["leaves"][0].update(proof=["AAAA"]), "has 3 bytes, expected 32"),
        (lambda d: d["leaves"][0]["proof"].pop(), "shorter than the tree"),
        (lambda d: d["leaves"][0]["proof"].append("A" * 43), "longer than the tree"),
        (lambda d: d["leaves"][0].update(salt=None), "cannot be read"),
        (lambda d: d["leaves"][0].update(salt="AAAA"), "a salt has 3 bytes"),
        (lambda d: d["leaves"][0].update(leaf=[]), "expected a JSON object"),
        (lambda d: d["leaves"][0].update(leaf={"kind": "padding"}), "the line 'the padding'"),
        (lambda d: d["leaves"][0]["leaf"].update(kind="padding"), "which is none"),
        (lambda d: d["leaves"][0].update(proof=d["leaves"][1]["proof"]), "not what was committed"),
        (lambda d: d["leaves"][0].update(leaf=d["leaves"][1]["leaf"]), "not what was committed"),
    ],
)
def test_the_owner_cannot_sign_lines_that_were_not_committed_to(change: Change, named: str) -> None:
    with pytest.raises(CommitmentError) as caught:
        checked(resigned(change))
    assert named in caught.value.message


OTHER = commit(LEAVES)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.update(iss="https://other.example"), "expected 'https://wire.example'"),
        (lambda c: c.update(sub="other"), "the footprint is"),
        (lambda c: c.update(credential="A" * 43), "its credential is"),
        (lambda c: c.update(root=OTHER.disclosure), "is not the one of this footprint"),
        (lambda c: c.update(root=CREDENTIAL.compact(Level.FULL).split("~")[1]), "expected 'root'"),
        (lambda c: c.update(root=7), "expected a text"),
        (lambda c: c.update(size=8), "is not what was committed to"),
        (lambda c: c.update(size=32), "shorter than the tree"),
        (lambda c: c.update(size=15), "expected a power of two"),
        (lambda c: c.update(size=0), "expected a power of two"),
        (lambda c: c.update(size="16"), "expected a power of two"),
        (lambda c: c.update(size=True), "expected a power of two"),
        (lambda c: c.update(leaves="A" * 43), "the lines that are opened is"),
        (lambda c: c.update(iat="now"), "iat is 'now'"),
        (lambda c: c.update(sub=7), "has sub = 7"),
        (lambda c: c.update({"for": ""}), "is for ''"),
        (lambda c: c.update({"for": " "}), "is for ' '"),
        (lambda c: c.update({"for": "x" * 301}), "expected a name"),
        (lambda c: c.update({"for": None}), "is for None"),
        (lambda c: c.pop("for"), "has the claims"),
        (lambda c: c.update(more=1), "has the claims"),
    ],
)
def test_every_claim_has_to_hold(change: Change, named: str) -> None:
    with pytest.raises(CredentialError) as caught:
        checked(resigned(lambda _: None, change))
    assert named in caught.value.message


# --- of something else --------------------------------------------------------------------------


def test_the_opening_of_another_footprint() -> None:
    other = signed(OTHER)
    with pytest.raises(CommitmentError, match="its credential is"):
        checked(SHOWN, proven=proven(credential=other))
    passed_off = opened("line-1", credential_digest=other.digest)
    with pytest.raises(CommitmentError, match="is not the one of this footprint"):
        checked(passed_off, proven=proven(credential=other))
    with pytest.raises(CommitmentError, match="the footprint is"):
        checked(SHOWN, footprint_id="0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111")


def test_a_footprint_without_a_commitment() -> None:
    bare = signed(None)
    found = proven(credential=bare)
    assert (found.commitment, found.root) == (None, None)
    passed_off = opened("line-1", credential_digest=bare.digest)
    with pytest.raises(CommitmentError, match="without a commitment") as caught:
        checked(passed_off, proven=found)
    assert caught.value.hint


def test_who_signed_it() -> None:
    stranger = SigningKey.generate(KeyPurpose.FOOTPRINT)
    with pytest.raises(KeySetError):
        checked(opened("line-1", key=stranger))
    with pytest.raises(KeySetError):
        checked(SHOWN, keys=PublicKeySet([VERIFIER_KEY.public_key()]))
    made = copy.deepcopy(SHOWN)
    head, _, signature = made["statement"].rpartition(".")
    made["statement"] = f"{head}.{flip(signature)}"
    with pytest.raises(SignatureMismatchError):
        checked(made)
    made["statement"] = CREDENTIAL.jwt
    with pytest.raises(CredentialError, match="of the type"):
        checked(made)


def test_a_node_that_has_moved_has_several_addresses() -> None:
    moved = opened("line-1", issuer="https://new.example/")
    with pytest.raises(CommitmentError, match=r"the opening is of 'https://new\.example'"):
        checked(moved)
    assert checked(moved, issuer=[OWNER, "https://new.example"]).issuer == "https://new.example"
    assert checked(moved, issuer=None).issuer == "https://new.example"


# --- what is not made ---------------------------------------------------------------------------


@pytest.mark.parametrize("verifier", ["", " ", "x" * 301, "a\0", None])
def test_an_opening_is_for_somebody(verifier: Any) -> None:
    with pytest.raises(CommitmentError, match="expected a name"):
        opened("line-1", verifier=verifier)


def test_what_cannot_be_opened() -> None:
    with pytest.raises(CommitmentError, match="no line 'line-99'"):
        opened("line-99")
    with pytest.raises(CredentialError, match="was used to sign an opening"):
        opened("line-1", key=VERIFIER_KEY)
    with pytest.raises(ValueError, match="no time zone"):
        opened("line-1", issued_at=NOW.replace(tzinfo=None))
    many = commit([leaf(number) for number in range(MAX_OPENED + 1)])
    with pytest.raises(CommitmentError, match="at most 16384 are at once"):
        opened(commitment=many)
    assert opened("line-7", commitment=many, issued_at=NOW + timedelta(days=1))
