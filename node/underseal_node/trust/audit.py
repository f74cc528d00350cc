"""The audit log of this node: putting into it what was recorded, and checking it.

Before anything is added, the end of the log is compared with the newest head that was signed of it.
Otherwise the next head would make what somebody has done to the database into what the node says.
"""

from __future__ import annotations

import json
from dataclasses import replace

from sqlmodel import Session

from underseal_node.errors import AuditLogError
from underseal_node.node import Node
from underseal_node.store import audit_log, keys
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit_log import Appended, End
from underseal_node.store.turns import Turn, alone
from underseal_node.trust.keyring import newest_entry
from underseal_protocol.audit import issue_tree_head, read_tree_head
from underseal_protocol.audit_check import Claim, Problem, ProblemKind
from underseal_protocol.audit_export import begin_check, finish_check, head_claim
from underseal_protocol.audit_result import Checked, KeysFrom
from underseal_protocol.errors import AuditError, ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet
from underseal_protocol.merkle import inclusion_proof, leaf_hash, tree_head, verify_inclusion
from underseal_protocol.witness import Witnesses

__all__ = [
    "Checked",
    "append",
    "append_all",
    "check",
    "checked_end",
    "raise_stopped",
    "receipt_keys",
]


def append(session: Session, node: Node) -> Appended:
    """Put what was recorded into the log and sign its head, in this transaction.

    Args:
        session: writes.
        node: in the role `manage`; it signs with its receipt key.

    Raises:
        AuditLogError: the log is not the one that was signed; what was recorded has to wait.
    """
    now, key = node.now(), node.signing_key(KeyPurpose.RECEIPT)

    def sign(size: int, root: bytes) -> str:
        return issue_tree_head(
            size=size, root=root, key=key, issuer=node.identity.url, issued_at=now
        )

    alone(session, Turn.APPEND_TO_LOG)  # two would go on from the same end
    return audit_log.append_pending(session, checked_end(session), sign, now)


async def append_all(node: Node) -> int:
    """Put everything that was recorded into the log, in as many transactions as it takes.

    Returns:
        how many entries that were.

    Raises:
        AuditLogError: the log is not the one that was signed; what was recorded has to wait.
        VaultError: the receipt key cannot be opened.
    """
    total, has_more = 0, await node.store.read(audit_log.is_waiting)
    if has_more:
        node.signing_key(KeyPurpose.RECEIPT)  # here, not in the writer thread
    while has_more:
        appended = await node.store.write(lambda session: append(session, node))
        total, has_more = total + appended.count, appended.has_more
    return total


def checked_end(session: Session) -> End:
    """The end of the log, compared with the newest head: signature, size, tree and last entry.

    That takes a few dozen look-ups, whatever the size of the log (RFC 9162 section 2.1). What was
    done to entries before the last one is for `check` to find.

    Raises:
        AuditLogError: it is not the end that was signed.
    """
    end = audit_log.end_of(session)
    try:
        if end.size or end.token is not None:
            _require_signed(session, end)
        _require_whole(session, end)
    except (ProtocolError, AuditLogError) as error:
        raise AuditLogError(
            f"nothing is added to the audit log, because it is not what was signed: {error.message}"
        ) from error
    return end


def raise_stopped(session: Session, node: Node, error: AuditLogError) -> None:
    """Tell the operator that nothing is added to the log.

    Args:
        session: writes.
        node: whose log it is.
        error: of `append`.
    """
    raise_alert(session, AlertKind.AUDIT_LOG, error.message, node.now())


def _require_whole(session: Session, end: End) -> None:
    """
    Raises:
        AuditError: the log was cut off, together with the heads over what is gone.
    """
    reach = audit_log.covered(session)
    if reach > end.size:
        raise AuditError(
            f"it has {end.size} entries, and its stored tree is over at least {reach}: "
            "entries were removed from its end"
        )


def _require_signed(session: Session, end: End) -> None:
    """
    Raises:
        AuditError: there is no head, or it is about another number of entries, or the last entry
            was edited.
        AuditLogError: a part of the tree is missing.
        CredentialError: the head is not signed by this node.
        KeySetError: the head is signed with a key that this node never had.
        MerkleError: the tree, or its last entry, is not what the head is about.
    """
    if end.token is None:
        raise AuditError(f"it has {end.size} entries, and no signed head")
    head = read_tree_head(end.token, receipt_keys(session))
    if not head.size == end.head_size == end.size:
        raise AuditError(f"it has {end.size} entries, and its newest head is about {head.size}")
    nodes = audit_log.nodes_of(session)
    if end.leaf is None or tree_head(end.size, nodes) != head.root:
        raise AuditError(f"its {end.size} entries are not those that its newest head is about")
    proof = inclusion_proof(end.size - 1, end.size, nodes)
    verify_inclusion(end.leaf, end.size - 1, end.size, proof, head.root)
    if end.body is None or leaf_hash(end.body) != end.leaf:
        raise AuditError(f"its last entry, {end.size}, is not the one that was hashed")


def receipt_keys(session: Session) -> PublicKeySet:
    """Every key that this node has ever signed tree heads and receipts with, revoked ones too."""
    rows = [row for row in keys.every(session) if row.purpose == KeyPurpose.RECEIPT]
    # One by one: a key set from outside has a limit, and the log must not end at it.
    sets = [PublicKeySet.from_jwks({"keys": [json.loads(row.public_jwk)]}) for row in rows]
    return PublicKeySet([key for one in sets for key in one])


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
    checked = finish_check(
        log_check,
        heads,
        witnesses,
        problems,
        keys_from=KeysFrom.NODE,
        revoked=newest_entry(session).revoked,
    )
    if not checked.is_log_sound:
        return checked
    return replace(checked, problems=[*checked.problems, *_stopped(session)])


def _stopped(session: Session) -> list[Problem]:
    """What keeps the node from adding to a log whose entries are in order: its stored tree."""
    try:
        _require_whole(session, audit_log.end_of(session))
    except AuditError as error:
        size = audit_log.newest_number(session)
        return [Problem(ProblemKind.TRUNCATED, size + 1, f"the log was cut off: {error.message}")]
    try:
        checked_end(session)
    except AuditLogError as error:
        return [Problem(ProblemKind.STOPPED, None, error.message)]
    return []


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
