"""Publishing what the node has calculated, with a commitment to what it was calculated from.

It takes the way of an import: complete, check, compare, sign, store and tell. What is added is a
commitment over the leaves (`underseal_protocol.commitment`), with salts that are drawn here, once
for each footprint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from underseal_node.node import Node
from underseal_node.publishing.changing import require_active, store_signed, successor
from underseal_node.publishing.comparing import compare
from underseal_node.publishing.drafting import Published
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, draft_of, sign
from underseal_node.publishing.results import UnpublishableError
from underseal_node.store import footprints
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import Footprint
from underseal_protocol.commitment import Leaf, commit
from underseal_protocol.keys import KeyPurpose

__all__ = ["publish_calculated"]


async def publish_calculated(
    node: Node,
    document: Mapping[str, Any],
    leaves: Sequence[Leaf],
    *,
    supersedes: str | None = None,
    name: str = "the roll-up",
) -> Published:
    """Publish a footprint whose inputs are committed to.

    The same content under the same id changes nothing; then the commitment of the first time
    stands. The figures are taken as they are: rounding is a matter of the calculation.

    Args:
        node: who publishes; its process must be able to open the footprint key.
        document: the footprint; what the node knows itself may be left out, as in a file.
        leaves: what it was calculated from; each has a `kind` and an `id` of its own.
        supersedes: id of an own, active footprint that it replaces.
        name: of what it comes from, for messages and the audit log.

    Raises:
        NotFoundError: there is no own footprint to replace.
        RefusedError: what it replaces is deprecated.
        UnpublishableError: the document cannot be published; with all problems.
        CommitmentError: the leaves cannot be committed to.
    """
    source = PlacedDocument(dict(document), lambda pointer: pointer)
    old: Footprint | None = None
    if supersedes is not None:
        wanted = supersedes
        old = await node.store.read(lambda session: footprints.row(session, wanted))
        require_active(old)
        draft, is_new = successor(source, old, node, name, None), True
    else:
        draft, is_new = await _fresh(node, source, name)
    if not is_new:
        return Published(draft.id, False, None, (), draft.findings)
    new = await asyncio.to_thread(_signed, node, draft, leaves)
    notified = await store_signed(node, name, new, old)
    deprecated = None if old is None else old.id
    return Published(draft.id, True, deprecated, tuple(notified), draft.findings)


async def _fresh(node: Node, source: PlacedDocument, name: str) -> tuple[Draft, bool]:
    """The draft of a document, and whether it is to be published."""
    made = await asyncio.to_thread(draft_of, source, name, node.identity, node.now())
    if not isinstance(made, Draft):
        raise UnpublishableError(made)
    (compared,) = await node.store.read(
        lambda session: compare(session, [made], name, node.identity, node.now())
    )
    return compared.draft, compared.is_new


def _signed(node: Node, draft: Draft, leaves: Sequence[Leaf]) -> NewFootprint:
    """Signed, with a fresh commitment."""
    return sign(
        draft,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        now=node.now(),
        commitment=commit(leaves),
    )
