"""Footprints with a commitment that no product stands behind: openings are of such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from underseal_node.node import Node
from underseal_node.publishing.changing import store_signed
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, draft_of
from underseal_node.publishing.publish import sign_all
from underseal_protocol.commitment import Leaf, commit

NAME = "a test"


async def publish_committed(node: Node, document: Mapping[str, Any], leaves: Sequence[Leaf]) -> str:
    """Publish a footprint with a commitment to these leaves; returns its id."""
    source = PlacedDocument(dict(document), lambda pointer: pointer)
    draft = draft_of(source, NAME, node.identity, node.now())
    assert isinstance(draft, Draft), draft
    (signed,) = sign_all(node, [draft], {draft.id: commit(leaves)})
    await store_signed(node, NAME, signed, None)
    return signed.id
