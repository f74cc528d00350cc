"""Reading from a replica: only what is not out of date, and never what has been taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlmodel import Session, col, delete
from tests.node.pact.conftest import NOW, URL, World
from tests.postgresql import Databases

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.node import create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_node.store import peers
from underseal_node.store.database import next_change, open_store
from underseal_node.store.tables import AccessGrant, KeyKind, PeerState

pytestmark = pytest.mark.xdist_group("postgresql")

Listed = Callable[[httpx.Response], list[str]]


@dataclass
class Pair:
    """A node, the URL of its database, and that of a copy which follows when it is told."""

    world: World
    databases: Databases
    home: Home
    primary: str
    replica: str

    def follow(self) -> None:
        """Make the copy anew, as it is when it does not lag behind."""
        self.close()
        self.databases.drop_url(self.replica)
        self.replica = self.databases.copy(self.primary)
        self.open()

    def open(self, **settings: Any) -> None:
        urls = {"database_url": self.primary, "database_replica_url": self.replica}
        node = open_node(
            self.home.path, settings=Settings(**{**urls, **settings}), clock=lambda: NOW
        )
        self.world.node, self.world.app = node, create_public_app(node)

    def close(self) -> None:
        self.world.app.state.context.serving.close()
        self.world.node.close()

    def mark(self) -> None:
        """Let what is read from the copy be told from what is read from the database."""
        engine = create_engine(make_url(self.replica).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE footprint SET status = 'Deprecated'")
        engine.dispose()


@pytest.fixture
def pair(tmp_path: Path, databases: Databases) -> Iterator[Pair]:
    primary, replica = databases.new(), databases.new()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSEAL_DATABASE_URL", primary)
        home = create_node(
            tmp_path / "home",
            company_name="Node AG",
            company_ids=["urn:lei:529900T8BM49AURSDO55"],
            url=URL,
        )
    pair = Pair(World(None, None), databases, home, primary, replica)  # type: ignore[arg-type]
    pair.open()
    yield pair
    pair.close()
    for url in (pair.primary, pair.replica):
        databases.drop_url(url)


async def seen(world: World, path: str) -> list[tuple[str, str]]:
    """Id and status of what is listed, or of the one footprint."""
    async with world.client("buyer") as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]
    return [(one["id"], one["status"]) for one in (found if isinstance(found, list) else [found])]


async def test_what_a_replica_has_is_read_from_it(pair: Pair) -> None:
    world = pair.world
    one, two = world.publish(), world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    pair.follow()
    pair.mark()
    for path, ids in (("/3/footprints", [one, two]), (f"/3/footprints/{two}", [two])):
        assert await seen(world, path) == [(each, "Deprecated") for each in ids]


async def test_what_it_does_not_have_yet_is_read_from_the_database(pair: Pair) -> None:
    world = pair.world
    one = world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    pair.follow()
    pair.mark()
    two = world.publish()
    for path, ids in (("/3/footprints", [one, two]), (f"/3/footprints/{two}", [two])):
        assert await seen(world, path) == [(each, "Active") for each in ids]


async def test_a_grant_that_is_taken_back_shows_nothing_with_the_next_request(
    pair: Pair, listed: Listed
) -> None:
    world = pair.world
    one = world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.CLASSIFICATION, "urn:pact:productclassification:cas:554-13-2")
    pair.follow()
    pair.mark()
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == [one]

        def take_back(session: Session) -> None:
            session.execute(delete(AccessGrant).where(col(AccessGrant.peer_id) > 0))
            next_change(session)

        world.write(take_back)
        assert listed(await client.get("/3/footprints")) == []
        assert (await client.get(f"/3/footprints/{one}")).status_code == 404


@pytest.mark.parametrize("way", ["the peer", "the client", "its tokens"])
async def test_who_is_revoked_is_refused_with_the_next_request(pair: Pair, way: str) -> None:
    """The change counter does not say so; the database does, each time."""
    world = pair.world
    one = world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    pair.follow()
    async with world.client("buyer") as client:
        for path in ("/3/footprints", f"/3/footprints/{one}"):
            assert (await client.get(path)).status_code == 200
        if way == "the peer":
            world.change_peer("buyer", state=PeerState.REVOKED)
        elif way == "the client":
            world.change_credential("buyer", revoked_at=NOW)
        else:
            world.change_peer("buyer", token_not_before=NOW.replace(year=NOW.year + 1))
        for path in ("/3/footprints", f"/3/footprints/{one}"):
            assert (await client.get(path)).status_code in {401, 403}


async def test_a_client_that_it_does_not_know_yet_is_served(pair: Pair) -> None:
    world = pair.world
    one = world.publish()
    pair.follow()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    assert await seen(world, f"/3/footprints/{one}") == [(one, "Active")]


async def test_without_it_the_database_answers(pair: Pair) -> None:
    world = pair.world
    one = world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    pair.close()
    nobody = make_url(pair.primary).set(database="nobody").render_as_string(hide_password=False)
    pair.open(database_replica_url=nobody)
    for path in ("/3/footprints", f"/3/footprints/{one}"):
        assert await seen(world, path) == [(one, "Active")]


async def test_the_same_server_is_a_replica_too(pair: Pair) -> None:
    world = pair.world
    pair.close()
    pair.open(database_replica_url=pair.primary)
    one = world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    for path in ("/3/footprints", f"/3/footprints/{one}"):
        assert await seen(world, path) == [(one, "Active")]
    assert world.node.store.read_sync(lambda s: peers.by_name(s, "buyer")).name == "buyer"


def test_only_postgresql_has_replicas(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    for url in ("sqlite:///x.db", "no url"):
        with pytest.raises(ConfigurationError, match="database_replica_url"):
            open_store(Settings(database_replica_url=url), home)  # type: ignore[arg-type]
