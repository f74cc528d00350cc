"""Entries of the audit log, signed heads of it, and what a check of it finds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol import canonical
from underseal_protocol.audit import (
    TreeHead,
    issue_tree_head,
    make_entry,
    pack_ids,
    read_entry,
    read_tree_head,
    unpack_ids,
)
from underseal_protocol.audit_check import Claim, LogCheck, Problem, ProblemKind
from underseal_protocol.errors import AuditError, CredentialError, SignatureMismatchError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import Tree, leaf_hash

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MEMBERS = {"time": "2026-03-01T12:00:00.000000Z", "actor": "peer", "act": "a", "outcome": "done"}
SIZES = st.integers(2, 40)


def make_log(size: int, *, first: int = 1, before: bytes | None = None) -> list[bytes]:
    """Entries that follow each other."""
    bodies: list[bytes] = []
    for number in range(first, first + size):
        random = uuid.uuid4().bytes
        bodies.append(make_entry(number, before, random, {**MEMBERS, "detail": {"n": number}}))
        before = leaf_hash(bodies[-1])
    return bodies


def rechained(bodies: list[bytes], start: int) -> list[bytes]:
    """The same entries from `start` (an index) on, numbered and chained anew."""
    made, before = bodies[:start], leaf_hash(bodies[start - 1]) if start else None
    for body in bodies[start:]:
        members = json.loads(body)
        random = uuid.UUID(bytes=b"0" * 16).bytes
        members.pop("previous", None)
        made.append(make_entry(len(made) + 1, before, random, members))
        before = leaf_hash(made[-1])
    return made


def root_of(bodies: list[bytes]) -> bytes:
    tree = Tree()
    for body in bodies:
        tree.append(leaf_hash(body))
    return tree.head()


def head_of(bodies: list[bytes], *, is_witness: bool = False) -> Claim:
    return Claim("the head", size=len(bodies), root=root_of(bodies), is_witness=is_witness)


def check(rows: Sequence[tuple[int, bytes, bytes] | bytes], *claims: Claim) -> list[Problem]:
    log_check = LogCheck(claims)
    for place, row in enumerate(rows, 1):
        if isinstance(row, bytes):
            log_check.entry(place, row, leaf_hash(row))
        else:
            log_check.entry(*row)
    return log_check.finish()


def kinds(problems: list[Problem]) -> list[ProblemKind]:
    return [problem.kind for problem in problems]


@given(SIZES)
def test_a_log_that_nobody_touched_has_no_problem(size: int) -> None:
    log = make_log(size)
    assert check(log, head_of(log), head_of(log[:1]), head_of(log[: size // 2 + 1])) == []


@given(SIZES, st.data())
def test_an_edited_entry_is_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    index = data.draw(st.integers(0, size - 1))
    edited = log[index].replace(b'"peer"', b'"node"')
    rows = [(place, body, leaf_hash(body)) for place, body in enumerate(log, 1)]
    rows[index] = (index + 1, edited, leaf_hash(log[index]))
    problems = check(rows, head_of(log))
    assert [(one.kind, one.number) for one in problems] == [(ProblemKind.EDITED, index + 1)]


@given(SIZES, st.data())
def test_an_entry_edited_with_its_hash_is_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    index = data.draw(st.integers(0, size - 1))
    edited = [*log]
    edited[index] = log[index].replace(b'"peer"', b'"node"')
    problems = check(edited, head_of(log))
    expected = ProblemKind.REWRITTEN if index == size - 1 else ProblemKind.BROKEN_CHAIN
    assert kinds(problems) == [expected]
    # The next entry names the hash of what stood there; the last has none after it.
    assert problems[0].number == min(index + 2, size)


@given(SIZES, st.data())
def test_deleted_entries_are_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    first = data.draw(st.integers(1, size - 1))
    last = data.draw(st.integers(first, size - 1))
    rows = [(place, body, leaf_hash(body)) for place, body in enumerate(log, 1)]
    problems = check(rows[: first - 1] + rows[last:], head_of(log))
    assert [(one.kind, one.number) for one in problems] == [(ProblemKind.DELETED, first)]
    closed = check(log[: first - 1] + log[last:], head_of(log))
    assert set(kinds(closed)) == {ProblemKind.REORDERED, ProblemKind.TRUNCATED}
    # Numbered anew, with the hashes that were there.
    renumbered = [
        canonical.canonical_bytes({**json.loads(body), "number": place})
        for place, body in enumerate(log[: first - 1] + log[last:], 1)
        if place > 1
    ]
    if first > 1:
        found = check([log[0], *renumbered], head_of(log))
        assert ProblemKind.BROKEN_CHAIN in kinds(found)
        assert ProblemKind.TRUNCATED in kinds(found)


@given(SIZES, st.data())
def test_swapped_and_reordered_entries_are_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    first, second = data.draw(
        st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)
    )
    swapped = [*log]
    swapped[first], swapped[second] = log[second], log[first]
    problems = check(swapped, head_of(log))
    assert [(one.kind, one.number) for one in problems] == [
        (ProblemKind.SWAPPED, min(first, second) + 1)
    ]
    moved = [*log]
    moved.insert(second, moved.pop(first))
    assert set(kinds(check(moved, head_of(log)))) <= {ProblemKind.REORDERED, ProblemKind.SWAPPED}
    assert check(moved, head_of(log))


@given(SIZES, st.data())
def test_a_log_that_was_cut_off_is_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    left = data.draw(st.integers(0, size - 1))
    problems = check(log[:left], head_of(log), head_of(log[: left or 1]))
    assert set(kinds(problems)) == {ProblemKind.TRUNCATED}
    assert f"ends with entry {left};" in problems[-1].message


@given(SIZES, st.data())
def test_entries_that_no_head_covers_are_found(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    signed = data.draw(st.integers(0, size - 1))
    heads = [head_of(log[:signed])] if signed else []
    for witnesses in ([], [head_of(log, is_witness=True)]):
        problems = check(log, *heads, *witnesses)
        assert [(one.kind, one.number) for one in problems] == [(ProblemKind.UNSIGNED, signed + 1)]
        assert f"entry {signed + 1} to entry {size}" in problems[0].message


@given(SIZES)
def test_a_log_that_was_made_anew_without_a_key_is_found(size: int) -> None:
    log = make_log(size)
    anew = rechained([log[0].replace(b'"peer"', b'"node"'), *log[1:]], 0)
    assert kinds(check(anew)) == [ProblemKind.UNSIGNED]
    assert ProblemKind.REWRITTEN in kinds(check(anew, head_of(log)))


@given(SIZES, st.data())
def test_only_witnesses_find_a_log_that_was_cut_back_to_a_head(
    size: int, data: st.DataObject
) -> None:
    log = make_log(size)
    left = data.draw(st.integers(1, size - 1))
    assert check(log[:left], head_of(log[:left])) == []
    problems = check(log[:left], head_of(log[:left]), head_of(log, is_witness=True))
    assert kinds(problems) == [ProblemKind.TRUNCATED]


@given(SIZES, st.data())
def test_only_witnesses_find_a_log_that_was_made_anew(size: int, data: st.DataObject) -> None:
    log = make_log(size)
    index = data.draw(st.integers(0, size - 1))
    edited = [*log]
    edited[index] = log[index].replace(b'"peer"', b'"node"')
    anew = rechained(edited, index)
    # With a new head of its own there is nothing to see.
    assert check(anew, head_of(anew)) == []
    witness = Claim("the receipt of the buyer", is_witness=True, size=size, root=root_of(log))
    problems = check(anew, head_of(anew), witness)
    assert [(one.kind, one.number) for one in problems] == [(ProblemKind.REWRITTEN, size)]
    assert "the receipt of the buyer" in problems[0].message
    leaf = Claim("the receipt", is_witness=True, number=index + 1, leaf=leaf_hash(log[index]))
    problems = check(anew, head_of(anew), leaf)
    assert [(one.kind, one.number) for one in problems] == [(ProblemKind.REWRITTEN, index + 1)]


def test_what_no_entry_records_is_found() -> None:
    log = make_log(2)
    recorded = make_entry(
        3, leaf_hash(log[1]), bytes(16), {**MEMBERS, "detail": {"acknowledgement": "abc"}}
    )
    claims = [
        Claim(f"the acknowledgement {one}", is_witness=True, acknowledgement=one)
        for one in ("abc", "def")
    ]
    problems = check([*log, recorded], head_of([*log, recorded]), *claims)
    assert kinds(problems) == [ProblemKind.DELETED]
    assert "def" in problems[0].message


def test_changed_and_missing_sets_are_found() -> None:
    packed, digest = pack_ids(str(uuid.uuid4()) for _ in range(20))
    entry = make_entry(
        1, None, bytes(16), {**MEMBERS, "footprints": {"count": 20, "digest": digest}}
    )
    for stored, expected in (
        ({digest: packed}, []),
        ({}, [ProblemKind.DELETED]),
        ({digest: packed[16:]}, [ProblemKind.DELETED, ProblemKind.EDITED]),
        ({digest: packed[1:]}, [ProblemKind.DELETED, ProblemKind.EDITED]),
    ):
        log_check = LogCheck([head_of([entry])])
        log_check.entry(1, entry, leaf_hash(entry))
        for name, content in stored.items():
            log_check.footprint_set(name, content)
        assert kinds(log_check.finish()) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        make_entry(1, None, bytes(16), MEMBERS).replace(b'"number":1', b'"number":0'),
        make_entry(1, None, bytes(16), MEMBERS).replace(b'"number":1', b'"number":2'),
        make_entry(1, None, bytes(16), MEMBERS).replace(b'"number":1', b'"number":true'),
        make_entry(1, None, bytes(16), MEMBERS).replace(b'"peer"', b"7"),
        make_entry(2, bytes(32), bytes(16), MEMBERS).replace(b"AAAA", b"****"),
    ],
)
def test_what_is_no_entry_is_refused(body: bytes) -> None:
    with pytest.raises(AuditError):
        read_entry(body)
    assert ProblemKind.EDITED in kinds(check([body]))


def test_an_entry_needs_random_bits() -> None:
    with pytest.raises(AuditError, match="16 random bytes"):
        make_entry(1, None, b"few", MEMBERS)


@given(st.lists(st.uuids().map(str), max_size=30))
def test_sets_of_ids_survive(ids: list[str]) -> None:
    packed, digest = pack_ids([*ids, *(one.upper() for one in ids)])
    assert unpack_ids(packed) == sorted(set(ids))
    assert pack_ids(reversed(ids)) == (packed, digest)


@pytest.mark.parametrize("odd", ["", "abc", "0" * 31, "zz" * 16, "ü"])
def test_what_is_no_id_is_in_no_set(odd: str) -> None:
    with pytest.raises(AuditError):
        pack_ids([str(uuid.uuid4()), odd or "1"])


def test_a_head_is_signed_with_the_receipt_key() -> None:
    key = SigningKey.generate(KeyPurpose.RECEIPT)
    root = root_of(make_log(3))
    token = issue_tree_head(size=3, root=root, key=key, issuer="https://a.example/", issued_at=NOW)
    keys = PublicKeySet([key.public_key()])
    assert read_tree_head(token, keys) == TreeHead(3, root, "https://a.example", NOW)
    with pytest.raises(SignatureMismatchError):
        read_tree_head(token[:-6] + "AAAAAA", keys)
    other = SigningKey.generate(KeyPurpose.FOOTPRINT)
    with pytest.raises(CredentialError, match="footprint"):
        issue_tree_head(size=3, root=root, key=other, issuer="https://a.example", issued_at=NOW)
