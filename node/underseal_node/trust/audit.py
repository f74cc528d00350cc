"""The audit log of this node: putting into it what was recorded, and checking it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.store import audit_log, keys
from underseal_node.store.audit_log import Appended
from underseal_protocol.audit import issue_tree_head, read_tree_head
from underseal_protocol.audit_check import Claim, LogCheck, Problem, ProblemKind
from underseal_protocol.errors import ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet

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


@dataclass(frozen=True)
class Checked:
    """What a check of the log brought.

    Attributes:
        size: entries in the log.
        root: hash of the tree over them.
        heads: signed heads that it was compared with.
        witnesses: receipts and acknowledgements of others that it was compared with.
        problems: what is wrong.
    """

    size: int
    root: bytes
    heads: int
    witnesses: int
    problems: list[Problem]


def check(session: Session, witnesses: Iterable[Claim] = (), forged: Iterable[str] = ()) -> Checked:
    """Check the whole log of this node.

    Args:
        session: reads, on one snapshot.
        witnesses: what others hold of this node's signatures; verified.
        forged: about each thing that others hold and that is not signed by this node, a sentence.
    """
    held, problems = list(witnesses), []
    own: list[Claim] = []
    for claim in _own_heads(session, receipt_keys(session)):
        if isinstance(claim, Problem):
            problems.append(claim)
        else:
            own.append(claim)
    log_check = LogCheck([*own, *held])
    for message in forged:
        log_check.unknown_signature(message)
    for row in audit_log.entries(session):
        log_check.entry(row.number, row.body.encode(), row.leaf)
    for one in audit_log.sets(session):
        log_check.footprint_set(one.digest, one.packed)
    problems += log_check.finish()
    return Checked(log_check.size, log_check.root(), len(own), len(held), problems)


def _own_heads(session: Session, trusted: PublicKeySet) -> Iterator[Claim | Problem]:
    for row in audit_log.heads(session):
        try:
            head = read_tree_head(row.token, trusted)
        except ProtocolError as error:
            yield Problem(
                ProblemKind.UNKNOWN_SIGNATURE,
                None,
                f"the stored head of {row.size} entries does not verify: {error.message}",
            )
            continue
        if head.size != row.size:
            message = f"the stored head of {row.size} entries is one of {head.size}"
            yield Problem(ProblemKind.EDITED, None, message)
        source = f"the head signed at {head.issued_at:%Y-%m-%dT%H:%M:%SZ}"
        yield Claim(source, size=head.size, root=head.root)
