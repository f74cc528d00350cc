"""Commitments: every leaf can be proven, and nothing else follows from a root or a proof."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.committed import COMMITMENT, LEAVES, leaf

from underseal_protocol import base64url, merkle, strict_json
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.commitment import (
    MAX_LEAVES,
    PADDING_KIND,
    Commitment,
    ProvenLeaf,
    commit,
    digest_of_root,
    leaf_entry,
    read_commitment,
    root_in,
)
from underseal_protocol.errors import CommitmentError
from underseal_protocol.sd_jwt import Disclosure

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
CONTENTS = st.dictionaries(
    TEXTS, st.recursive(TEXTS | st.booleans() | st.none(), st.lists, max_leaves=4), max_size=3
)


def proves(commitment: Commitment, one: ProvenLeaf) -> None:
    merkle.verify_inclusion(one.leaf.hash, one.index, commitment.size, one.proof, commitment.root)


def test_every_leaf_can_be_proven() -> None:
    found = COMMITMENT.prove(None)
    assert [one.index for one in found] == list(range(16))
    for one in found:
        proves(COMMITMENT, one)
        assert len(one.proof) == 4
    shown = [dict(one.leaf.leaf) for one in found if one.leaf.leaf["kind"] != PADDING_KIND]
    assert sorted(shown, key=json.dumps) == sorted(LEAVES, key=json.dumps)
    assert COMMITMENT.leaves == LEAVES


def test_the_tree_is_that_of_rfc_9162() -> None:
    """Against the tree of the audit log, which has vectors of its own."""
    tree = merkle.Tree()
    for one in COMMITMENT.prove(None):
        salted = one.leaf.salt + canonical_bytes(dict(one.leaf.leaf))
        tree.append(merkle.leaf_hash(salted))
    assert tree.head() == COMMITMENT.root


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTENTS, min_size=1, max_size=70), st.data())
def test_any_leaves_make_a_round_trip(contents: list[dict[str, Any]], data: st.DataObject) -> None:
    leaves = [one | {"kind": "line", "id": str(n)} for n, one in enumerate(contents)]
    made = commit(leaves)
    assert made.size >= max(16, len(leaves))
    assert made.size & (made.size - 1) == 0
    stored = read_commitment(strict_json.loads(strict_json.dumps(made.to_json())))
    assert stored == made
    chosen = data.draw(st.sets(st.sampled_from([one["id"] for one in leaves]), min_size=1))
    found = stored.prove(chosen)
    assert {one.leaf.leaf["id"] for one in found} == chosen
    for one in found:
        proves(made, one)


@pytest.mark.parametrize(("count", "size"), [(1, 16), (16, 16), (17, 32), (32, 32), (33, 64)])
def test_the_number_of_lines_is_hidden_up_to_a_power_of_two(count: int, size: int) -> None:
    made = commit([leaf(number) for number in range(count)])
    assert (made.size, len(made.padding)) == (size, size - count)


def test_padding_looks_like_everything_else() -> None:
    """Of a leaf that is not opened there is a hash; of padding, too."""
    found = COMMITMENT.prove(None)
    assert len({one.leaf.salt for one in found}) == len({one.leaf.hash for one in found}) == 16
    assert {dict(one.leaf.leaf) == {"kind": "padding"} for one in found} == {True, False}
    padded = [one.index for one in found if one.leaf.leaf["kind"] == PADDING_KIND]
    places = {
        tuple(one.index for one in commit(LEAVES).prove(None) if "id" not in one.leaf.leaf)
        for _ in range(8)
    }
    assert places != {tuple(padded)}


def test_the_place_of_a_leaf_tells_nothing() -> None:
    """Whatever the order in which leaves are given, each place is as likely as any other."""
    places = [commit(LEAVES).prove(["product"])[0].index for _ in range(640)]
    counts = [places.count(place) for place in range(16)]
    assert min(counts) > 10  # 40 each are expected; less than 11 is a matter of 1 in 10^6
    assert max(counts) < 85


def test_every_version_has_salts_of_its_own() -> None:
    other = commit(LEAVES)
    assert other.root != COMMITMENT.root
    assert other.digest != COMMITMENT.digest
    known = {one.leaf.salt for made in (other, COMMITMENT) for one in made.prove(None)}
    assert len(known) == 32
    hashes = {one.leaf.hash for made in (other, COMMITMENT) for one in made.prove(None)}
    assert len(hashes) == 32


def test_the_root_is_a_salted_disclosure() -> None:
    disclosure = Disclosure.parse(COMMITMENT.disclosure)
    assert (disclosure.name, disclosure.value) == ("root", base64url.encode(COMMITMENT.root))
    assert digest_of_root(COMMITMENT.disclosure) == COMMITMENT.digest == disclosure.digest
    (salt, *_) = json.loads(base64url.decode(COMMITMENT.disclosure))
    assert len(base64url.decode(salt)) == 16


@pytest.mark.parametrize(
    ("leaves", "named"),
    [
        ([], "there are 0 lines"),
        ([leaf(1)] * 2, "two lines have the id 'line-1'"),
        ([leaf(1, kind="padding")], "which is none"),
        ([leaf(1, kind="")], "a line has kind = ''"),
        ([leaf(1, kind=None)], "a line has kind = None"),
        ([leaf(1, id=7)], "a line has id = 7"),
        ([leaf(1, id="x" * 301)], "a line has id = "),
        ([{"kind": "line"}], "a line has id = None"),
        (["line"], "a line is str"),
        ([leaf(1, name="x" * 70_000)], "expected at most 65536"),
        ([leaf(1, value=2**60)], "no canonical JSON form"),
        ([leaf(1, value="\ud800")], "lone surrogate"),
    ],
)
def test_what_cannot_be_committed_to(leaves: list[Any], named: str) -> None:
    with pytest.raises(CommitmentError) as caught:
        commit(leaves)
    assert named in caught.value.message


def test_too_many_leaves() -> None:
    with pytest.raises(CommitmentError, match="expected 1 to"):
        commit(range(MAX_LEAVES + 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [lambda n: b"\0" * n, lambda n: b"", lambda n: bytes(range(9))])
def test_a_source_that_is_not_random_is_refused(source: Callable[[int], bytes]) -> None:
    with pytest.raises(CommitmentError, match="random"):
        commit(LEAVES, source)


def test_a_salt_has_its_length() -> None:
    with pytest.raises(CommitmentError, match="a salt has 15 bytes, expected 16"):
        leaf_entry(b"x" * 15, LEAVES[0])


def test_what_is_not_there_cannot_be_proven() -> None:
    with pytest.raises(CommitmentError, match="no line 'line-99'"):
        COMMITMENT.prove(["line-1", "line-99"])
    with pytest.raises(CommitmentError, match="nothing to open"):
        COMMITMENT.prove([])


def altered(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    record = copy.deepcopy(COMMITMENT.to_json())
    change(record)
    return record


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda r: r.update(type="other"), "this is no commitment"),
        (lambda r: r.update(version=2), "this is no commitment"),
        (lambda r: r.pop("padding"), "this is no commitment"),
        (lambda r: r["leaves"][1]["leaf"].update(quantity="0.99"), "have the root"),
        (lambda r: r["leaves"][1].update(salt=r["leaves"][2]["salt"]), "have the root"),
        (lambda r: r["leaves"][1].update(salt="!"), "cannot be read"),
        (lambda r: r["leaves"][1].pop("salt"), "cannot be read"),
        (lambda r: r["leaves"].pop(), "a tree has 15 leaves"),
        (lambda r: r["padding"].pop(), "a tree has 15 leaves"),
        (lambda r: r["padding"].__setitem__(0, r["padding"][1]), "have the root"),
        (lambda r: r.update(root="A" * 43), "have the root"),
        (lambda r: r.update(disclosure=commit(LEAVES).disclosure), "have the root"),
        (lambda r: r.update(disclosure=7), "expected a text"),
        (lambda r: r.update(disclosure="AAAA"), "cannot be read"),
    ],
)
def test_a_record_that_was_altered_is_noticed(
    change: Callable[[dict[str, Any]], object], named: str
) -> None:
    with pytest.raises(CommitmentError) as caught:
        read_commitment(altered(change))
    assert named in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("quality", "A" * 43, "expected 'root'"),
        ("root", "A" * 42, "a root is"),
        ("root", ["A" * 43], "a root is"),
        ("root", "!" * 43, "a root is"),
    ],
)
def test_another_disclosure_is_no_root(name: str, value: Any, named: str) -> None:
    with pytest.raises(CommitmentError) as caught:
        root_in(Disclosure.of_claim("salt", name, value).encoded)
    assert named in caught.value.message


def test_secrets_are_in_no_representation() -> None:
    text = repr(COMMITMENT) + repr(COMMITMENT.prove(None))
    for one in COMMITMENT.salted:
        assert base64url.encode(one.salt) not in text
        assert repr(one.salt) not in text
    assert "0.05" not in text
