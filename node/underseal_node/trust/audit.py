"""The audit log of this node: putting into it what was recorded, and checking it."""

from __future__ import annotations

import json

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.store import audit_log, keys
from underseal_node.store.audit_log import Appended
from underseal_protocol.audit import issue_tree_head
from underseal_protocol.audit_check import Claim, Problem, ProblemKind
from underseal_protocol.audit_export import Checked, begin_check, finish_check, head_claim
from underseal_protocol.keys import KeyPurpose, PublicKeySet
from underseal_protocol.witness import Witnesses

__all__ = ["Checked", "append", "append_all", "check", "receipt_keys"]


def append(session: Session, node: Node) -> Appended:
    """Put what was recorded into the log and sign its head, in this transaction.

    Args:
        session: writes.
        node: in the role `manage`; it signs with its receipt key.
    """
    now, key = node.now(), node.signing_key(KeyPurpose.RECEIPT)

    def sign(size: int, root: bytes) -> str:
        return issue_tree_head(
            size=size, root=root, key=key, issuer=node.identity.url, issued_at=now
        )

    return audit_log.append_pending(session, sign, now)


async def append_all(node: Node) -> int:
    """Put everything that was recorded into the log, in as many transactions as it takes.

    Returns:
        how many entries that were.

    Raises:
        VaultError: the receipt key cannot be opened.
    """
    total, has_more = 0, await node.store.read(audit_log.is_waiting)
    if has_more:
        node.signing_key(KeyPurpose.RECEIPT)  # here, not in the writer thread
    while has_more:
        appended = await node.store.write(lambda session: append(session, node))
        total, has_more = total + appended.count, appended.has_more
    return total


def receipt_keys(session: Session) -> PublicKeySet:
    """Every key that this node has ever signed tree heads and receipts with, revoked ones too."""
    rows = [row for row in keys.every(session) if row.purpose == KeyPurpose.RECEIPT]
    return PublicKeySet.from_jwks({"keys": [json.loads(row.public_jwk) for row in rows]})


def check(session: Session, witnesses: Witnesses) -> Checked:
    """Check the whole log of this node.

    Args:
        session: reads, on one snapshot.
        witnesses: what others hold of this node's signatures.
    """
    heads, problems = _own_heads(session, receipt_keys(session))
    log_check = begin_check(heads, witnesses)
    for row in audit_log.entries(session):
        log_check.entry(row.number, row.body.encode(), row.leaf)
    for one in audit_log.sets(session):
        log_check.footprint_set(one.digest, one.packed)
    return finish_check(log_check, heads, witnesses, problems)


def _own_heads(session: Session, keys: PublicKeySet) -> tuple[list[Claim], list[Problem]]:
    claims: list[Claim] = []
    problems: list[Problem] = []
    for row in audit_log.heads(session):
        found = head_claim(row.token, keys)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        claims.append(found)
        if found.size != row.size:
            message = f"{found.source} is of {found.size} entries, and is stored as of {row.size}"
            problems.append(Problem(ProblemKind.EDITED, None, message))
    return claims, problems
