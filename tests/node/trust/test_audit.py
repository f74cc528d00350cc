"""The audit log of a node: what is recorded gets into it, and what is done to it shows."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select
from tests.behind import sql

from underseal_node.errors import AuditLogError
from underseal_node.node import Node
from underseal_node.store import audit as recording
from underseal_node.store import audit_lists, audit_log
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.audit_tables import AuditNode, AuditPending, AuditRow
from underseal_node.trust import audit
from underseal_node.trust.audit import Checked
from underseal_protocol.audit import make_entry, read_entry, read_tree_head, unpack_ids
from underseal_protocol.audit_check import Claim, ProblemKind
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.merkle import (
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_head,
    verify_consistency,
    verify_inclusion,
)
from underseal_protocol.witness import Witnesses

TREE_CUT_BACK = "DELETE FROM audit_node WHERE ((position + 1) << level) > 5"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "audit-log.md"

OTHER_HASH = "(SELECT leaf FROM audit_entry WHERE number = 1)"


def put(node: Node, *acts: Act, **given: Any) -> None:
    def work(session: Session) -> None:
        for act in acts:
            recording.record(session, act, node.now(), **given)

    node.store.write_sync(work)


def append(node: Node) -> int:
    node.signing_key(KeyPurpose.RECEIPT)
    return node.store.write_sync(lambda session: audit.append(session, node)).count


def check(node: Node, *witnesses: Claim) -> Checked:
    others = Witnesses()
    others.claims += witnesses
    return node.store.read_sync(lambda session: audit.check(session, others))


def found(node: Node, *witnesses: Claim) -> list[tuple[ProblemKind, int | None]]:
    return [(one.kind, one.number) for one in check(node, *witnesses).problems]


def recent(node: Node, **given: Any) -> list[dict[str, Any]]:
    return node.store.read_sync(lambda session: audit_lists.recent(session, **given))


@pytest.fixture
def spoil(node: Node) -> Callable[..., None]:
    """Do to the database what somebody with access to its file can do."""

    def run(*statements: str) -> None:
        sql(node, *statements)

    return run


@pytest.fixture
def log(node: Node) -> Node:
    """The node with ten entries in its log, in two batches."""
    for _ in range(2):
        put(node, *[Act.TOKEN_ISSUED] * 5, actor=Actor.PEER)
        assert append(node) == 5
    return node


def test_entries_say_who_did_what_when(node: Node) -> None:
    few, many = [str(uuid.uuid4())], [str(uuid.uuid4()) for _ in range(40)]
    put(node, Act.FOOTPRINTS_READ, actor=Actor.PEER, footprint_ids=few, level=Level.TOTAL,
        grants=[7, 3], peer_name="buyer", peer_id=1)  # fmt: skip
    put(node, Act.FOOTPRINTS_PUBLISHED, footprint_ids=many, outcome=Outcome.FAILED,
        detail={"file": "a.xlsx", "nothing": None})  # fmt: skip
    put(node, Act.FOOTPRINTS_PUBLISHED, footprint_ids=reversed(many))
    assert append(node) == 3
    third, second, first = recent(node)
    assert first == first | {
        "number": 1,
        "act": "footprints-read",
        "actor": "peer",
        "outcome": "done",
        "time": "2026-03-01T12:00:00.000000Z",
        "peer": {"id": 1, "name": "buyer"},
        "footprints": {"count": 1, "ids": few},
        "level": "total",
        "grants": [3, 7],
    }
    assert len(first["random"]) == 22
    assert "previous" not in first
    assert second["detail"] == {"file": "a.xlsx"}
    assert second["footprints"] == third["footprints"]
    digest = second["footprints"]["digest"]
    kept = node.store.read_sync(lambda session: list(audit_log.sets(session)))
    assert [unpack_ids(one.packed) for one in kept if one.digest == digest] == [sorted(many)]
    assert recent(node, peer_name="buyer") == [first]
    assert recent(node, footprint_id=few[0]) == [first]
    assert recent(node, footprint_id=many[3], limit=1) == [third]
    assert found(node) == []


def test_random_bits_differ(log: Node) -> None:
    assert len({one["random"] for one in recent(log)}) == 10


def test_nothing_new_makes_no_head(log: Node) -> None:
    assert append(log) == 0
    assert [one.size for one in log.store.read_sync(lambda s: list(audit_log.heads(s)))] == [5, 10]


def test_what_is_rolled_back_was_not_done(node: Node) -> None:
    def work(session: Session) -> None:
        recording.record(session, Act.GRANT_ADDED, node.now())
        raise LookupError

    with pytest.raises(LookupError):
        node.store.write_sync(work)
    assert append(node) == 0


def test_heads_and_proofs_come_from_the_stored_tree(log: Node) -> None:
    def work(session: Session) -> None:
        nodes = audit_log.nodes_of(session)
        keys = audit.receipt_keys(session)
        heads = [read_tree_head(one.token, keys) for one in audit_log.heads(session)]
        leaves = [read_entry(one.body.encode()).leaf for one in audit_log.entries(session)]
        five, ten = heads
        assert ten.root == tree_head(10, nodes)
        assert ten.issuer == log.identity.url
        verify_consistency(5, five.root, 10, ten.root, consistency_proof(5, 10, nodes))
        for index, leaf in enumerate(leaves):
            proof = inclusion_proof(index, 10, nodes)
            verify_inclusion(leaf, index, 10, proof, ten.root)

    log.store.read_sync(work)


def test_two_sequencers_do_no_harm(log: Node) -> None:
    put(log, Act.TOKEN_ISSUED)

    def late(session: Session) -> None:
        # One that has not seen what the other one wrote.
        row = session.exec(select(AuditRow).where(AuditRow.number == 10)).one()
        session.add(AuditRow(number=10, body=row.body, leaf=row.leaf))
        session.expunge(row)
        session.flush()

    with pytest.raises(IntegrityError):
        log.store.write_sync(late)
    assert append(log) == 1
    assert append(log) == 0
    assert found(log) == []


def test_a_log_that_nobody_touched_is_sound(log: Node) -> None:
    checked = check(log)
    assert (checked.size, checked.heads, checked.witnesses) == (10, 2, 0)
    assert checked.problems == []


def test_an_edited_entry_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("UPDATE audit_entry SET body = replace(body, 'token-issued', 'token-refused') "
          "WHERE number = 4")  # fmt: skip
    assert found(log) == [(ProblemKind.EDITED, 4)]


def test_an_edited_hash_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil(f"UPDATE audit_entry SET leaf = {OTHER_HASH} WHERE number = 4")
    assert found(log) == [(ProblemKind.EDITED, 4)]


def test_a_deleted_entry_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("DELETE FROM audit_entry WHERE number = 4")
    assert found(log) == [(ProblemKind.DELETED, 4)]


def test_a_deleted_entry_whose_gap_was_closed_is_found(
    log: Node, spoil: Callable[..., None]
) -> None:
    spoil("DELETE FROM audit_entry WHERE number = 4",
          *(f"UPDATE audit_entry SET number = {n - 1} WHERE number = {n}" for n in range(5, 11)),
          )  # fmt: skip
    assert {kind for kind, _ in found(log)} == {ProblemKind.REORDERED, ProblemKind.TRUNCATED}


def test_swapped_entries_are_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("UPDATE audit_entry SET number = -1 WHERE number = 4",
          "UPDATE audit_entry SET number = 4 WHERE number = 8",
          "UPDATE audit_entry SET number = 8 WHERE number = -1")  # fmt: skip
    assert found(log) == [(ProblemKind.SWAPPED, 4)]


def test_reordered_entries_are_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("UPDATE audit_entry SET number = -1 WHERE number = 4",
          "UPDATE audit_entry SET number = 4 WHERE number = 5",
          "UPDATE audit_entry SET number = 5 WHERE number = 6",
          "UPDATE audit_entry SET number = 6 WHERE number = -1")  # fmt: skip
    assert found(log) == [(ProblemKind.REORDERED, number) for number in (4, 5, 6)]


def test_a_truncated_log_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("DELETE FROM audit_entry WHERE number > 7")
    assert found(log) == [(ProblemKind.TRUNCATED, 8)]


def test_a_log_truncated_with_its_heads_is_found_with_a_receipt(
    log: Node, spoil: Callable[..., None]
) -> None:
    held = receipt_of(log)
    spoil("DELETE FROM audit_entry WHERE number > 5", "DELETE FROM audit_head WHERE size > 5",
          TREE_CUT_BACK)  # fmt: skip
    assert found(log) == []
    assert found(log, held) == [(ProblemKind.TRUNCATED, 6)]


@pytest.mark.parametrize("size", [5, 0])
def test_a_log_truncated_with_its_heads_is_found_by_its_tree_and_stops(
    log: Node, spoil: Callable[..., None], size: int
) -> None:
    spoil(f"DELETE FROM audit_entry WHERE number > {size}",
          f"DELETE FROM audit_head WHERE size > {size}")  # fmt: skip
    assert found(log) == [(ProblemKind.TRUNCATED, size + 1)]
    put(log, *[Act.TOKEN_ISSUED] * 6)
    for _ in range(2):
        with pytest.raises(AuditLogError, match=r"stored tree is over at least 10: entries were"):
            append(log)
    assert found(log) == [(ProblemKind.TRUNCATED, size + 1)]
    assert check(log).size == size


def test_parts_of_the_tree_that_come_too_early_stop_the_log(
    log: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should they not be found before."""

    def work(session: Session) -> None:
        session.add(AuditNode(level=1, position=5, hash=bytes(32)))

    log.store.write_sync(work)
    monkeypatch.setattr(audit_log, "covered", lambda _session: 0)
    put(log, *[Act.TOKEN_ISSUED] * 2)
    with pytest.raises(AuditLogError, match="entries still to come"):
        append(log)


def test_a_log_made_anew_with_the_keys_of_the_node_is_found_with_a_receipt(
    log: Node, spoil: Callable[..., None]
) -> None:
    held = receipt_of(log)
    spoil(*(f"DELETE FROM {table}" for table in ("audit_entry", "audit_head", "audit_node")))
    put(log, *[Act.TOKEN_REFUSED] * 10)
    assert append(log) == 10
    assert found(log) == []
    assert found(log, held) == [(ProblemKind.REWRITTEN, 10)]


def test_a_head_of_somebody_else_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("UPDATE audit_head SET token = substr(token, 1, length(token) - 6) || 'AAAAAA' "
          "WHERE size = 5")  # fmt: skip
    assert found(log) == [(ProblemKind.UNKNOWN_SIGNATURE, None)]


def test_a_log_whose_heads_were_deleted_is_found(log: Node, spoil: Callable[..., None]) -> None:
    spoil("DELETE FROM audit_head WHERE size = 10")
    assert found(log) == [(ProblemKind.UNSIGNED, 6)]
    spoil("DELETE FROM audit_head")
    assert found(log) == [(ProblemKind.UNSIGNED, 1)]


def rewrite_without_keys(node: Node) -> None:
    """Make another log of the entries, with all that needs no key, and no heads."""
    previous, tree = None, Tree()
    sql(node, "DELETE FROM audit_node", "DELETE FROM audit_head")
    for number, body in sql(node, "SELECT number, body FROM audit_entry ORDER BY number"):
        members = json.loads(body) | {"act": "token-refused"}
        members.pop("previous", None)
        made = make_entry(number, previous, bytes(16), members)
        previous = leaf_hash(made)
        change = "UPDATE audit_entry SET body = :body, leaf = :leaf WHERE number = :number"
        sql(node, change, body=made.decode(), leaf=previous, number=number)
        for level, position, value in tree.append(previous):
            insert = "INSERT INTO audit_node (level, position, hash) VALUES (:level, :at, :hash)"
            if level:
                sql(node, insert, level=level, at=position, hash=value)


def test_a_log_that_was_made_anew_without_a_key_is_found_and_not_signed(log: Node) -> None:
    rewrite_without_keys(log)
    assert found(log) == [(ProblemKind.UNSIGNED, 1)]
    put(log, Act.TOKEN_ISSUED)
    with pytest.raises(AuditLogError, match="it has 10 entries, and no signed head"):
        append(log)
    assert found(log) == [(ProblemKind.UNSIGNED, 1)]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM audit_head", "no signed head"),
        ("DELETE FROM audit_head WHERE size = 10", "newest head is about 5"),
        ("DELETE FROM audit_entry WHERE number > 7", "newest head is about 10"),
        ("DELETE FROM audit_entry", "newest head is about 10"),
        ("UPDATE audit_head SET size = 11 WHERE size = 10", "newest head is about 10"),
        ("UPDATE audit_head SET token = substr(token, 1, length(token) - 6) || 'AAAAAA'",
         "not made over this content"),
        ("UPDATE audit_head SET token = 'no token'", "three parts"),
        (f"UPDATE audit_node SET hash = {OTHER_HASH}", "not those that its newest head is about"),
        ("DELETE FROM audit_node", "is missing"),
        (f"UPDATE audit_entry SET leaf = {OTHER_HASH} WHERE number = 10", "leaf 9 is not in"),
        ("UPDATE audit_entry SET body = replace(body, 'token-issued', 'token-refused') "
         "WHERE number = 10", "its last entry, 10, is not the one that was hashed"),
    ],
)  # fmt: skip
def test_nothing_is_added_to_a_log_that_is_not_the_signed_one(
    log: Node, spoil: Callable[..., None], statement: str, reason: str
) -> None:
    put(log, Act.GRANT_ADDED)
    spoil(statement)
    with pytest.raises(AuditLogError, match=reason):
        append(log)
    waiting = log.store.read_sync(lambda session: session.exec(select(AuditPending)).all())
    assert ["grant-added" in one.members for one in waiting] == [True]
    assert found(log)
    assert len(log.store.read_sync(lambda session: list(audit_log.heads(session)))) <= 2


def test_a_log_that_was_cut_back_to_a_head_is_found_by_nothing_in_the_node(
    log: Node, spoil: Callable[..., None]
) -> None:
    spoil("DELETE FROM audit_entry WHERE number > 5", "DELETE FROM audit_head WHERE size > 5",
          TREE_CUT_BACK)  # fmt: skip
    put(log, Act.TOKEN_ISSUED)
    assert append(log) == 1
    checked = check(log)
    assert checked.problems == []
    assert "that the log did not go on after entry 6" in checked.not_proved[-1]


def test_a_stored_tree_that_was_spoiled_is_told(log: Node, spoil: Callable[..., None]) -> None:
    spoil("DELETE FROM audit_node WHERE level = 3")
    assert found(log) == [(ProblemKind.STOPPED, None)]


def test_an_empty_log_says_that_nothing_was_compared(node: Node) -> None:
    checked = check(node)
    assert (checked.size, checked.heads, checked.url, checked.problems) == (0, 0, None, [])
    assert checked.not_proved == [
        "that the log was always empty: without a key it can be cut back to an earlier head, by "
        "removing the newer ones too, and only a receipt or an export from after that head shows it"
    ]


def test_an_edited_set_is_found(node: Node, spoil: Callable[..., None]) -> None:
    put(node, Act.FOOTPRINTS_PUBLISHED, footprint_ids=[str(uuid.uuid4()) for _ in range(20)])
    append(node)
    assert found(node) == []
    spoil("UPDATE audit_set SET packed = substr(packed, 17)")
    assert found(node) == [(ProblemKind.DELETED, 1), (ProblemKind.EDITED, None)]
    spoil("DELETE FROM audit_set")
    assert found(node) == [(ProblemKind.DELETED, 1)]


def test_lists_survive_a_spoiled_entry(log: Node, spoil: Callable[..., None]) -> None:
    spoil("UPDATE audit_entry SET body = '?' WHERE number = 4")
    assert [one["act"] for one in recent(log)].count("unreadable") == 1
    assert (ProblemKind.EDITED, 4) in found(log)


def test_long_texts_and_halves_of_characters_do_not_stop_the_log(node: Node) -> None:
    put(node, Act.PEER_CHANGED, peer_name="\ud800" * 9, detail={"why": "x" * 10_000, "n": True})
    assert append(node) == 1
    (entry,) = recent(node)
    assert entry["detail"] == {"why": "x" * 500, "n": True}
    assert found(node) == []


def test_much_at_once_takes_several_transactions(node: Node) -> None:
    put(node, *[Act.TOKEN_ISSUED] * (audit_log.ENTRIES_PER_TRANSACTION + 1))
    appended = node.store.write_sync(lambda session: audit.append(session, node))
    assert appended.has_more
    assert append(node) == 1
    assert check(node).problems == []
    pending = node.store.read_sync(lambda session: session.exec(select(AuditPending)).all())
    assert pending == []
    subtrees = node.store.read_sync(lambda session: len(session.exec(select(AuditNode)).all()))
    assert subtrees < check(node).size


def test_every_act_is_described() -> None:
    acts = REFERENCE.read_text(encoding="utf-8").partition("## The acts")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `([a-z-]+)` \|", acts, re.M)
    assert sorted(described) == sorted(Act)


def receipt_of(node: Node) -> Claim:
    """What somebody else would hold of the log as it is now."""

    def work(session: Session) -> Claim:
        *_, head = audit_log.heads(session)
        read = read_tree_head(head.token, audit.receipt_keys(session))
        return Claim("the receipt", is_witness=True, size=read.size, root=read.root)

    return node.store.read_sync(work)
