"""Signing again what a key of this node has signed about rosters that is revoked now.

Nobody accepts it any more, and it cannot be made anew: an epoch is not begun twice, and an
application and its admission belong to secrets that are made once. So the same is said again with
the key in use.
"""

from __future__ import annotations

from sqlmodel import Session

from underseal_node.node import Node
from underseal_node.store import rosters
from underseal_node.store.roster_tables import Admitted, Joined, RosterEpoch
from underseal_protocol.jws import named_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.statements import (
    AdmissionStatement,
    ApplicationStatement,
    RosterStatement,
    read_admission,
    read_application,
    read_roster,
)

__all__ = ["sign_epochs", "signed_admission", "signed_application"]


async def sign_epochs(node: Node) -> None:
    """Sign the statements of our rosters again that a revoked key has signed.

    Args:
        node: in the role `manage`.
    """

    def find(session: Session) -> list[RosterEpoch]:
        return [one for one in rosters.all_epochs(session) if _is_void(node, one.statement)]

    if not await node.store.read(find):
        return
    key = node.signing_key(KeyPurpose.FOOTPRINT)  # here, not in the writer thread

    def work(session: Session) -> None:
        for one in find(session):
            roster = read_roster(one.statement).roster
            one.statement = RosterStatement.issue(roster, key=key, issued_at=node.now())
            rosters.save(session, one)

    await node.store.write(work)


def signed_admission(session: Session, node: Node, row: Admitted) -> Admitted:
    """An admission with a signature that counts.

    Args:
        session: writes.
        node: whose signing key is in memory.
        row: the admission.
    """
    if _is_void(node, row.statement):
        said = read_admission(row.statement)
        row.statement = AdmissionStatement.issue(
            said.roster,
            said.member,
            said.admission,
            key=node.signing_key(KeyPurpose.FOOTPRINT),
            issued_at=node.now(),
        )
        rosters.save(session, row)
    return row


def signed_application(session: Session, node: Node, row: Joined) -> Joined:
    """The same of an application of ours."""
    if _is_void(node, row.statement):
        said = read_application(row.statement)
        row.statement = ApplicationStatement.issue(
            said.roster,
            said.member,
            said.application,
            key=node.signing_key(KeyPurpose.FOOTPRINT),
            issued_at=node.now(),
        )
        rosters.save(session, row)
    return row


def _is_void(node: Node, token: str) -> bool:
    return named_key(token) not in {key.kid for key in node.public_keys}
