"""Public workers put events into the inbox while the management process handles it.

They are separate processes on one SQLite file: here real ones, which send the same events.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter

from tests.node.exchange.conftest import Company, product
from tests.node.exchange.test_inbox import rows

from underseal_node.exchange.inbox import InboxWorker
from underseal_protocol.criteria import Criteria
from underseal_protocol.events import request_created_event

PROCESSES = 3
EVENTS = 40

# A public worker: its vault opens no more than the key of access tokens.
RECEIVE = """
import json, sys
from underseal_node.node import Role, open_node
from underseal_node.store import inbox

home, peer_id, order = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
node = open_node(home, role=Role.PUBLIC)
events = [json.loads(line) for line in sys.stdin]
if order % 2:
    events.reverse()
new = 0
for event in events:
    body = json.dumps(event).encode()
    new += node.store.write_sync(
        lambda session: inbox.accept(
            session, peer_id, event["id"], event["type"], body, node.now()
        )
    )
node.close()
print(new)
"""


async def test_events_that_several_processes_take_are_handled_once(
    seller: Company, buyer: Company
) -> None:
    peer_id = seller.peer(buyer).id or 0
    lines = b"\n".join(
        request_created_event(
            event_id=f"event-{number}",
            source=buyer.url,
            time=seller.clock(),
            criteria=Criteria(product_ids=(product(number),)),
            comment=None,
        )
        for number in range(EVENTS)
    )
    receivers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RECEIVE, str(seller.node.home.path), str(peer_id), str(one)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for one in range(PROCESSES)
    ]
    receiving = asyncio.gather(*(one.communicate(lines) for one in receivers))
    worker = InboxWorker(seller.exchange)
    while not receiving.done():
        await worker.drain()
        await asyncio.sleep(0.01)
    results = await receiving
    await worker.drain()
    assert [one.returncode for one in receivers] == [0] * PROCESSES, results
    assert sum(int(out) for out, _ in results) == EVENTS
    assert all(row.handled_at is not None and row.attempts == 0 for row in rows(seller))
    assert Counter(one.event_id for one in seller.requests()) == {
        f"event-{number}": 1 for number in range(EVENTS)
    }
