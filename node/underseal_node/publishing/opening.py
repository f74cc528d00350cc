"""Opening lines that a footprint was calculated from, for one auditor."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.sealing.keeping import openings_in
from underseal_node.store import audit, commitments, footprints, seals
from underseal_node.store.audit import Act
from underseal_node.store.seal_tables import Seal
from underseal_node.store.tables import Footprint
from underseal_protocol import base64url, jws
from underseal_protocol.commitment import Commitment, Leaf
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.opening import issue_opening
from underseal_protocol.seal.opened import OpenedQuantity, sealed_opening_json

__all__ = ["Opened", "lines_of", "open_lines"]

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """Lines that were opened.

    Attributes:
        footprint_id: of which footprint.
        verifier: for whom.
        root: of the tree, base64url.
        lines: ids of the lines, sorted.
        is_whole: all of them, so that nothing else can have been committed to.
        quantities: how many sealed ones were opened with them.
        document: what the auditor gets.
    """

    footprint_id: str
    verifier: str
    root: str
    lines: tuple[str, ...]
    is_whole: bool
    quantities: int
    document: dict[str, Any] = field(repr=False)


async def lines_of(node: Node, footprint_id: str) -> list[Leaf]:
    """What can be opened of an own footprint, in the order in which it was committed to.

    Raises:
        NotFoundError: there is no such own footprint.
        RefusedError: it was published without a commitment.
    """
    _, commitment = await node.store.read(lambda session: _committed(session, footprint_id))
    return commitment.leaves


async def open_lines(
    node: Node, footprint_id: str, lines: Collection[str] | None, verifier: str
) -> Opened:
    """Open lines, and record for whom; of a sealed sum, the quantities of these lines, too.

    Args:
        node: the owner's; its process must be able to open the footprint key.
        footprint_id: of an own footprint.
        lines: ids of the lines, or the part after the product where only one line has it; None for
            all, which shows that there are no others.
        verifier: the name of the auditor.

    Raises:
        NotFoundError: there is no such own footprint.
        RefusedError: it was published without a commitment, or several lines are called like that.
        CommitmentError: there is no such line, too many are asked for, or nobody is named.
        VaultError: what opens the sealed sum cannot be decrypted.
    """
    row, commitment = await node.store.read(lambda session: _committed(session, footprint_id))
    if lines is not None:
        lines = _full_ids(commitment, lines)
    seal = await node.store.read(lambda session: seals.find(session, row.id))
    quantities = [] if seal is None else _quantities(node, seal, lines)
    sealed = None
    if seal is not None and quantities:
        sealed = sealed_opening_json(seal.document, quantities)
    now = node.now()
    document = await asyncio.to_thread(
        issue_opening,
        commitment,
        lines,
        verifier=verifier,
        footprint_id=row.id,
        credential_digest=row.credential_digest,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        issued_at=now,
        sealed=sealed,
    )
    named = [one["id"] for one in commitment.leaves] if lines is None else set(lines)
    opened = tuple(sorted(named))
    detail: audit.Detail = {
        "verifier": verifier,
        "lines": len(opened),
        "whole": lines is None,
        "opening": jws.statement_digest(document["statement"]),
        "quantities": len(quantities) or None,
    }
    await node.store.write(
        lambda session: audit.record(
            session, Act.LINES_OPENED, now, footprint_ids=[row.id], detail=detail
        )
    )
    root = base64url.encode(commitment.root)
    return Opened(row.id, verifier, root, opened, lines is None, len(quantities), document)


def _quantities(node: Node, seal: Seal, lines: Collection[str] | None) -> list[OpenedQuantity]:
    """Those sealed quantities that belong to the lines; all with all lines."""
    found = openings_in(node.vault, seal)
    return [one for one in found if lines is None or one.line in lines]


def _full_ids(commitment: Commitment, named: Collection[str]) -> set[str]:
    """`wire` is `316/wire`, if no other product of it has a line `wire`.

    Raises:
        RefusedError: several have.
    """
    known = {str(one["id"]) for one in commitment.leaves}
    by_line: dict[str, list[str]] = {}
    for leaf in commitment.leaves:
        _, slash, line = str(leaf["id"]).partition("/")
        if leaf["kind"] == "line" and slash:
            by_line.setdefault(line, []).append(str(leaf["id"]))
    found = set()
    for one in named:
        meant = [one] if one in known else by_line.get(one, [one])
        if len(meant) > 1:
            raise RefusedError(
                f"{len(meant)} lines are called {one!r}: {', '.join(sorted(meant)[:SHOWN])}",
                hint="Name the product as well, as the list does.",
            )
        found.add(meant[0])
    return found


def _committed(session: Session, footprint_id: str) -> tuple[Footprint, Commitment]:
    row = footprints.row(session, footprint_id)
    return row, commitments.get(session, row.id)
