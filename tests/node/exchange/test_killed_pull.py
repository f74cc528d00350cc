"""`kill -9` during a pull: what was stored stays, and only what was not stored is fetched again."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.node.exchange.conftest import Company

from underseal_node.node import open_node
from underseal_node.store import received
from underseal_node.store.exchange_tables import PullState
from underseal_node.store.tables import KeyKind

MakeFootprint = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[3]

COUNT = 600
PAGE = 30
PAGES = COUNT // PAGE
AHEAD = 3
KILLS = 3

# Both companies in one process; says which page is asked for before it is answered.
PULLER = """
import asyncio, sys
from pathlib import Path
from tests.node.exchange.conftest import Network, no_pause
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.pulls import pull_peer
from underseal_node.node import open_node
from underseal_node.pact.app import create_public_app
from underseal_node.home import Home
from underseal_node.settings import Settings, load_settings
from underseal_node.store import peers
from underseal_protocol.criteria import Criteria

seller, buyer = Path(sys.argv[1]), Path(sys.argv[2])
page, ahead = int(sys.argv[3]), int(sys.argv[4])

def say(request):
    if request.url.path == "/3/footprints":
        print(request.url, flush=True)

async def main():
    network = Network()
    network.fault = say
    network.apps["seller.example"] = create_public_app(open_node(seller))
    url = load_settings(Home(buyer)).database_url
    settings = Settings(
        database_url=url, pull_page_size=page, pull_pages_ahead=ahead, receipt_wait_seconds=0.001
    )
    node = open_node(buyer, settings=settings)
    exchange = Exchange(node, http=PeerHttp(settings, transport=network, sleep=no_pause))
    peer = node.store.read_sync(lambda session: peers.by_name(session, "seller"))
    await pull_peer(exchange, peer.id, Criteria(), PullProgress("seller"))
    print("done", flush=True)

asyncio.run(main())
"""


def start(seller: Path, buyer: Path) -> subprocess.Popen[str]:
    arguments = [str(seller), str(buyer), str(PAGE), str(AHEAD)]
    return subprocess.Popen(
        [sys.executable, "-c", PULLER, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def asked(process: subprocess.Popen[str], kill_after: int | None = None) -> list[str]:
    """The pages that were asked for, until the end or until so many were: then it is killed."""
    pages: list[str] = []
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("https:"):
                pages.append(line.strip())
            if len(pages) == kill_after:
                process.kill()
                kill_after = None
    return pages


async def test_killed_again_and_again_little_is_fetched_twice(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    ids = await seller.publish(*(make_footprint(number) for number in range(COUNT)))
    seller.grant(buyer, KeyKind.ALL)
    homes = seller.node.home.path, buyer.node.home.path
    chance = random.Random(11)
    pages: list[str] = []
    for _ in range(KILLS):
        process = start(*homes)
        pages += await asyncio.to_thread(asked, process, chance.randint(1, PAGES // KILLS + AHEAD))
        assert process.returncode != 0
        with closing(open_node(homes[1])) as node:
            state = node.store.read_sync(lambda session: session.get(PullState, 1))
            assert state is not None
            assert state.completed_at is None
    process = start(*homes)
    pages += await asyncio.to_thread(asked, process)
    assert process.returncode == 0
    # What was under way or waited, and the page that was being stored.
    assert PAGES <= len(pages) <= PAGES + KILLS * (AHEAD + 1)
    assert len(set(pages)) == PAGES
    rows = buyer.node.store.read_sync(lambda session: received.listing(session, limit=2 * COUNT))
    assert sorted(row.footprint_id for row, _ in rows) == sorted(ids)
    assert {row.verification for row, _ in rows} == {"verified"}
