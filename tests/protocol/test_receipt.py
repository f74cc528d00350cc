"""Acknowledgements and receipts: what they say, and that anything else is refused as such."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol import jws
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import CredentialError, ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import Tree, consistency_proof, inclusion_proof, leaf_hash
from underseal_protocol.receipt import (
    ACKNOWLEDGEMENT_TYPE,
    MAX_CHARACTERS,
    RECEIPT_TYPE,
    Acknowledgement,
    Head,
    Receipt,
    Received,
    footprints_of,
    issue_acknowledgement,
    issue_receipt,
    read_acknowledgement,
    read_receipt,
)

SELLER, BUYER = "https://seller.example", "https://buyer.example"
SELLER_KEY, BUYER_KEY = (SigningKey.generate(KeyPurpose.RECEIPT) for _ in range(2))
SELLER_KEYS, BUYER_KEYS = (PublicKeySet([key.public_key()]) for key in (SELLER_KEY, BUYER_KEY))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = [f"{number:08x}-0000-4000-8000-00000000abcd" for number in range(3)]
DIGESTS = ["A" * 43, "B" * 43, "C" * 43]
Claims = dict[str, Any]

LEAVES = [leaf_hash(bytes([number])) for number in range(5)]
NODES: dict[tuple[int, int], bytes] = {}
_tree = Tree()
for _leaf in LEAVES:
    NODES.update({(level, position): value for level, position, value in _tree.append(_leaf)})
ROOT = _tree.head()


def node(level: int, position: int) -> bytes:
    return NODES[level, position]


def acknowledgement(footprints: list[Received] | None = None) -> Acknowledgement:
    token = issue_acknowledgement(
        footprints=footprints or [Received(*one) for one in zip(IDS, DIGESTS, strict=True)],
        head=Head(5, ROOT),
        known_size=3,
        key=BUYER_KEY,
        issuer=BUYER,
        audience=SELLER,
        issued_at=NOW,
    )
    return read_acknowledgement(token, keys=BUYER_KEYS)


GIVEN = acknowledgement()


def receipt(issued_at: datetime = NOW, given: Acknowledgement = GIVEN) -> str:
    return issue_receipt(
        given,
        confirmed={(IDS[0], DIGESTS[0]): Level.TOTAL, (IDS[1], DIGESTS[1]): Level.FULL},
        head=Head(5, ROOT),
        number=4,
        leaf=LEAVES[3],
        inclusion=inclusion_proof(3, 5, node),
        consistency=consistency_proof(3, 5, node),
        key=SELLER_KEY,
        issued_at=issued_at,
    )


def changed(token: str, change: Callable[[Claims], None]) -> str:
    """Signed by the same side, with other claims."""
    parsed = jws.parse(token, max_characters=MAX_CHARACTERS)
    claims = copy.deepcopy(parsed.payload)
    change(claims)
    key = SELLER_KEY if parsed.header["typ"] == RECEIPT_TYPE else BUYER_KEY
    return jws.sign(claims, typ=parsed.header["typ"], key=key)


def read(token: str) -> Receipt:
    return read_receipt(token, keys=SELLER_KEYS, acknowledgement=GIVEN)


def test_a_receipt_says_what_was_shown_and_what_was_not() -> None:
    found = read(receipt())
    assert [(one.footprint_id, one.digest, one.level) for one in found.footprints] == [
        (IDS[0], DIGESTS[0], Level.TOTAL),
        (IDS[1], DIGESTS[1], Level.FULL),
    ]
    assert list(found.unconfirmed) == [IDS[2]]
    assert (found.number, found.known_size) == (4, 3)
    found.check_continues(Head(3, Tree(3, node).head()))
    assert footprints_of(receipt()) == found.footprints


def test_the_digest_counts_not_only_the_id() -> None:
    other = acknowledgement([Received(IDS[0], "F" * 43), Received(IDS[1], DIGESTS[1])])
    token = receipt(given=other)
    found = read_receipt(token, keys=SELLER_KEYS, acknowledgement=other)
    assert [one.footprint_id for one in found.footprints] == [IDS[1]]
    assert list(found.unconfirmed) == [IDS[0]]


@pytest.mark.parametrize("second", ["A" * 43, "F" * 43])
@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_no_footprint_is_acknowledged_twice(second: str, spelt: Callable[[str], str]) -> None:
    twice = [Received(IDS[0], DIGESTS[0]), Received(spelt(IDS[0]), second)]
    with pytest.raises(CredentialError, match="twice"):
        acknowledgement(twice)
    pairs = [[one.footprint_id, one.digest] for one in twice]
    token = changed(GIVEN.token, lambda claims: claims.update(footprints=pairs))
    with pytest.raises(CredentialError, match=f"names the footprint {IDS[0]} twice"):
        read_acknowledgement(token, keys=BUYER_KEYS)


CONFIRMED = [[IDS[0], DIGESTS[0], "total"], [IDS[1], DIGESTS[1], "full"]]


@pytest.mark.parametrize(
    ("confirmed", "unconfirmed", "message"),
    [
        ([], [], "other footprints than were acknowledged"),
        (CONFIRMED, [], f"such as {IDS[2]}"),
        (CONFIRMED[:1], IDS[2:], f"such as {IDS[1]}"),
        (CONFIRMED, [IDS[2], IDS[2]], "twice"),
        (CONFIRMED, IDS[1:], "twice"),
        ([*CONFIRMED, CONFIRMED[0]], IDS[2:], "twice"),
        ([[IDS[0], "F" * 43, "total"], CONFIRMED[1]], IDS[2:], "was not acknowledged"),
        (CONFIRMED, [IDS[2], "f" * 8 + IDS[0][8:]], "other footprints"),
    ],
)
def test_a_receipt_answers_for_exactly_what_was_acknowledged(
    confirmed: list[Any], unconfirmed: list[str], message: str
) -> None:
    members = {"footprints": confirmed, "unconfirmed": unconfirmed}
    token = changed(receipt(), lambda claims: claims.update(members))
    with pytest.raises(CredentialError, match=message):
        read(token)


@pytest.mark.parametrize(
    ("seconds", "holds"),
    [(-61, False), (-60, True), (0, True), (160, True), (161, False), (10**9, False)],
)
def test_a_fresh_receipt_is_signed_between_the_acknowledgement_and_now(
    seconds: int, holds: bool
) -> None:
    found = read(receipt(NOW + timedelta(seconds=seconds)))
    now = NOW + timedelta(seconds=100)
    if holds:
        found.check_time(GIVEN.issued_at, now)
    else:
        with pytest.raises(CredentialError, match="expected between 2026-03-01T11:59:00Z and"):
            found.check_time(GIVEN.issued_at, now)


@pytest.mark.parametrize(
    "members",
    [
        {"consistency": 5},
        {"consistency": None},
        {"consistency": {"size": True, "proof": []}},
        {"inclusion": 5},
        {"inclusion": {"number": 4, "leaf": [], "proof": []}},
        {"footprints": [[IDS[0], DIGESTS[0], []]]},
        {"footprints": [[IDS[0], "\u00e9" * 43, "total"]]},
        {"footprints": {}},
        {"unconfirmed": [1]},
        {"unconfirmed": IDS[0]},
        {"acknowledgement": 5},
        {"iat": 10**30},
        {"iss": []},
        {"head": []},
    ],
    ids=str,
)
def test_a_malformed_member_is_refused(members: Claims) -> None:
    token = changed(receipt(), lambda claims: claims.update(members))
    with pytest.raises(CredentialError):
        read(token)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50) | st.sampled_from([*IDS, *DIGESTS, *Level]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=6,
)  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in a JSON value, at every depth."""
    if isinstance(value, dict):
        inside = list(value.items())
    else:
        inside = list(enumerate(value)) if isinstance(value, list) else []
    return [at, *(path for key, one in inside for path in paths(one, (*at, key)))]


def put(claims: Claims, path: tuple[Any, ...], value: Any) -> None:
    *outer, last = path
    place: Any = claims
    for key in outer:
        place = place[key]
    place[last] = value


def reading(token: str) -> None:
    """Read it in every way there is: only a `ProtocolError` may come of it."""
    messages = []
    for work in (
        lambda: read(token),
        lambda: read_receipt(token, keys=SELLER_KEYS),
        lambda: footprints_of(token),
        lambda: read_acknowledgement(token, keys=BUYER_KEYS),
    ):
        try:
            work()
        except ProtocolError as error:
            messages.append(error.message)
    # They are stored and shown: not too long, and without halves of characters.
    assert all(len(one.encode()) < 10_000 for one in messages)


@given(data=st.data(), value=ANY_JSON, of_receipt=st.booleans())
def test_whatever_is_in_a_member_is_read_or_refused(
    data: st.DataObject, value: Any, of_receipt: bool
) -> None:
    token = receipt() if of_receipt else GIVEN.token
    claims = jws.parse(token, max_characters=MAX_CHARACTERS).payload
    path = data.draw(st.sampled_from([one for one in paths(claims) if one]))
    reading(changed(token, lambda claims: put(claims, path, value)))


@given(claims=st.dictionaries(st.text(max_size=10), ANY_JSON, max_size=5), text=st.text())
def test_whatever_is_signed_or_sent_is_read_or_refused(claims: Claims, text: str) -> None:
    for typ, key in ((RECEIPT_TYPE, SELLER_KEY), (ACKNOWLEDGEMENT_TYPE, BUYER_KEY)):
        reading(jws.sign(claims, typ=typ, key=key))
    reading(text)
