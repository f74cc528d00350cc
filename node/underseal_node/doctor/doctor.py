"""Everything that the doctor looks at, in the order in which it is shown."""

from __future__ import annotations

from underseal_node.doctor.checks import Check
from underseal_node.doctor.inside import look_inside
from underseal_node.doctor.outside import look_from_outside
from underseal_node.exchange.http import PeerHttp
from underseal_node.node import Node

__all__ = ["examine"]


async def examine(node: Node, *, http: PeerHttp | None = None) -> list[Check]:
    """Look at the public address over the network, and at the node itself.

    Never fails: what goes wrong is what is reported.

    Args:
        node: opened in the role `manage`.
        http: calls the public address; made for the purpose by default.
    """
    return [*await look_from_outside(node, http), *await look_inside(node)]
