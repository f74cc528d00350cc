"""Registering peers: what may be said of one, and what is kept of secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import httpx
import pytest
import trustme
from tests.behind import sql

from underseal_node.errors import RefusedError
from underseal_node.exchange.access import access_of
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import AddressError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.node import Node
from underseal_node.store import peers
from underseal_node.store.tables import ClientCredential, Peer
from underseal_node.trust.peers import (
    PeerChange,
    add_peer,
    change_peer,
    checked_name,
    remove_peer,
    renew,
)
from underseal_node.trust.secrets import SecretMismatchError, check_secret

SECRET = "cAnArY-of-theirs-5d1f"
URL = "https://other.example"


@pytest.fixture
async def exchange(node: Node) -> AsyncIterator[Exchange]:
    """One whose calls reach nobody."""

    def nobody(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens there")

    made = Exchange(node, http=PeerHttp(node.settings, transport=httpx.MockTransport(nobody)))
    yield made
    await made.aclose()


def stored(node: Node) -> tuple[list[Peer], list[ClientCredential]]:
    def read(session: Any) -> tuple[list[Peer], list[ClientCredential]]:
        held = peers.credentials(session, node.now())
        return list(peers.listing(session)), [row for rows in held.values() for row in rows]

    return node.store.read_sync(read)


@pytest.mark.parametrize(
    "name",
    ["a", "A" * 64, "Wierzbolit Katody", "Straße & Söhne", "鋰業", "acme-2 (EU)", "É", "o'neill",
     ".a"],
)  # fmt: skip
def test_a_name_may_be_written_in_any_language(name: str) -> None:
    checked_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", "A" * 65, "a/b", " a", "a ", "a\n", "a\tb", "a\0b", "\u200b", "a\u202eb", "\ud800",
     ".", "..", "a\u00a0b"],
)  # fmt: skip
def test_a_name_that_cannot_be_seen_or_addressed_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="cannot be the name of a peer"):
        checked_name(name)


@pytest.mark.sqlite("the bytes of its files")
async def test_of_what_we_issue_only_the_hash_is_stored(node: Node, exchange: Exchange) -> None:
    _, credentials, _ = await add_peer(exchange, "buyer", PeerChange())
    _, (row,) = stored(node)
    assert row.client_id == credentials.client_id
    check_secret(credentials.client_secret, row.secret_hash)
    with pytest.raises(SecretMismatchError):
        check_secret(credentials.client_secret + "x", row.secret_hash)
    node.store.close()
    content = b"".join(file.read_bytes() for file in node.home.path.glob("underseal.db*"))
    assert b"buyer" in content
    assert credentials.client_secret.encode() not in content


async def test_what_they_issued_is_stored_encrypted(node: Node, exchange: Exchange) -> None:
    change = PeerChange(url=URL, client_id="ours", client_secret=SECRET)
    peer, _, _ = await add_peer(exchange, "other", change)
    assert peer.client_secret_encrypted is not None
    assert SECRET.encode() not in peer.client_secret_encrypted
    assert access_of(peer, node.vault).client_secret == SECRET


async def test_the_secret_of_one_peer_is_of_no_use_at_another(
    node: Node, exchange: Exchange
) -> None:
    """Whoever can write to the database cannot make the node show a secret to somebody else."""
    change = PeerChange(url=URL, client_id="ours", client_secret=SECRET)
    await add_peer(exchange, "other", change)
    await add_peer(exchange, "evil", PeerChange(url="https://evil.example", client_id="x"))
    sql(
        node,
        "UPDATE peer SET client_secret_encrypted = "
        "(SELECT client_secret_encrypted FROM peer WHERE name = 'other') WHERE name = 'evil'",
    )
    found, _ = stored(node)
    with pytest.raises(Exception, match="cannot be decrypted"):
        access_of(next(peer for peer in found if peer.name == "evil"), node.vault)


def test_secrets_are_in_no_representation() -> None:
    change = PeerChange(client_id="ours", client_secret=SECRET, ca_pem=SECRET)
    assert SECRET not in repr(change)
    assert SECRET in {getattr(change, one.name) for one in fields(change)}


async def test_issued_secrets_are_in_no_representation(exchange: Exchange) -> None:
    _, credentials, _ = await add_peer(exchange, "buyer", PeerChange())
    renewed = await renew(exchange.node, "buyer")
    assert credentials.client_secret not in repr(credentials)
    assert renewed.client_secret not in repr(renewed)
    assert renewed.client_secret != credentials.client_secret


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://other.example/", "https://other.example"),
        (" https://other.example/pact/3/footprints ", "https://other.example/pact"),
        ("https://other.example/pact/3/events/", "https://other.example/pact"),
    ],
)
async def test_the_base_url_is_what_comes_before_the_paths_of_pact(
    exchange: Exchange, given: str, kept: str
) -> None:
    peer, _, _ = await add_peer(exchange, "other", PeerChange(url=given))
    assert peer.base_url == kept
    assert peer.token_origin == str(origin_of(kept))


async def test_a_refused_change_changes_nothing(node: Node, exchange: Exchange) -> None:
    await add_peer(exchange, "other", PeerChange(scope="a"))
    before = stored(node)[0][0].model_dump()
    for error, change in (
        (AddressError, PeerChange(scope="b", url="http://x.example")),
        (RefusedError, PeerChange(scope="b", ca_pem="no certificate")),
        (RefusedError, PeerChange(scope="b", auth_url="https://login.example")),
        (RefusedError, PeerChange(scope="b", confirm_endpoint=True)),
        (RefusedError, PeerChange(scope="b", confirm_keys=True)),
    ):
        with pytest.raises(error):
            await change_peer(exchange, "other", change)
    assert stored(node)[0][0].model_dump() == before


async def test_an_authority_of_the_peer_is_kept_and_cleared(node: Node, exchange: Exchange) -> None:
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    peer, _, _ = await add_peer(exchange, "other", PeerChange(ca_pem=pem))
    assert peer.ca_pem == pem
    peer, _ = await change_peer(exchange, "other", PeerChange(ca_pem=""))
    assert peer.ca_pem is None


async def test_a_secret_that_cannot_be_typed_is_refused_without_being_shown(
    exchange: Exchange,
) -> None:
    with pytest.raises(RefusedError) as refused:
        await add_peer(exchange, "other", PeerChange(client_secret=f"{SECRET}\n"))
    assert SECRET not in refused.value.diagnosis()


async def test_a_removed_secret_is_gone(node: Node, exchange: Exchange) -> None:
    await add_peer(exchange, "other", PeerChange(client_id="ours", client_secret=SECRET))
    await remove_peer(node, "other")
    assert stored(node) == ([], [])
