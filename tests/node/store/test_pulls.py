"""How far pulls have come: what two walks see is what the first of them has begun with."""

from __future__ import annotations

from collections.abc import Callable

from underseal_node.node import Node
from underseal_node.store import pulls


def test_of_two_walks_that_began_together_the_older_watermark_counts(
    node: Node, add_peer: Callable[..., int]
) -> None:
    """What has changed between the two may be on pages that the first one has passed."""
    peer_id, now = add_peer(), node.now()

    def advance(link: str | None, watermark: str | None) -> None:
        node.store.write_sync(
            lambda s: pulls.advance(s, peer_id, "", next_link=link, watermark=watermark)
        )

    for _ in ("this host", "another one"):
        node.store.write_sync(lambda s: pulls.begin(s, peer_id, "", now))
    advance("https://a.example/2", "first")
    advance("https://a.example/2", "second")
    advance(None, None)
    node.store.write_sync(lambda s: pulls.completed(s, peer_id, "", now))
    state = node.store.read_sync(lambda s: pulls.state_of(s, peer_id, ""))
    assert state is not None
    assert (state.watermark, state.pending_watermark, state.next_link) == ("first", None, None)
    # The next walk begins anew.
    node.store.write_sync(lambda s: pulls.begin(s, peer_id, "", now))
    advance(None, "third")
    node.store.write_sync(lambda s: pulls.completed(s, peer_id, "", now))
    state = node.store.read_sync(lambda s: pulls.state_of(s, peer_id, ""))
    assert state is not None
    assert state.watermark == "third"
