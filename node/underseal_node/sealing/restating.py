"""Signing seals again whose statement a key has signed that is revoked now.

A seal that was made with its footprint is signed with it. One that was made later has a statement
of its own: whoever fetches it after the key was revoked cannot rely on that. What it says stays
true, of the same document and the same credential, so it is said again with the key in use. The
document, and what it shows, stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.publishing.publish import tell
from underseal_node.sealing.keeping import statement_in
from underseal_node.store import audit, footprints, seals
from underseal_node.store.audit import Act
from underseal_node.store.seal_tables import Seal
from underseal_protocol.criteria import ACTIVE
from underseal_protocol.jws import named_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.seal.binding import issue_seal_statement
from underseal_protocol.seal.document_format import read_document

__all__ = ["restate", "stated_by"]


def stated_by(session: Session, kid: str) -> list[str]:
    """The active footprints of ours the statement of whose seal a key has signed; sorted."""
    found = [one.footprint_id for one in seals.with_statement(session) if _signer(one) == kid]
    rows = footprints.find_many(session, found)
    return sorted(one for one in found if one in rows and rows[one].status == ACTIVE)


async def restate(node: Node, kid: str, footprint_ids: Sequence[str]) -> list[str]:
    """Sign the statements of seals again with the key in use, and tell who may see them.

    Args:
        node: in the role `manage`.
        kid: the key that has signed them.
        footprint_ids: of which; those that are another's meanwhile, or deprecated, are left.

    Returns:
        names of the peers that are told.
    """
    if not footprint_ids:
        return []
    node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread

    def work(session: Session) -> list[str]:
        wanted = set(footprint_ids)
        now = [one for one in stated_by(session, kid) if one in wanted]
        for one in now:
            _sign(session, node, one, kid)
        return tell(session, node, now) if now else []

    return await node.store.write(work)


def _sign(session: Session, node: Node, footprint_id: str, kid: str) -> None:
    row, own = seals.find(session, footprint_id), footprints.row(session, footprint_id)
    if row is None:
        return
    document = read_document(row.document)
    statement = issue_seal_statement(
        document,
        credential_digest=own.credential_digest,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        # As the document has it: a node that has moved signs for its former address, too.
        issuer=document.header.publisher,
        issued_at=node.now(),
    )
    row.binding = json.dumps({"statement": statement})
    seals.keep(session, row)
    audit.record(
        session,
        Act.FOOTPRINT_SEALED,
        node.now(),
        footprint_ids=[footprint_id],
        detail={"digest": row.digest, "key": kid},
    )


def _signer(row: Seal) -> str | None:
    statement = statement_in(row)
    return None if statement is None else named_key(statement)
