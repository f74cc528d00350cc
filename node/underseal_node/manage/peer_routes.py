"""Peers: register, change, look at, renew credentials, remove."""

from __future__ import annotations

import json

from fastapi import APIRouter

from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.peer_view import peer_detail, peer_shape, peer_shapes
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.peers import (
    CredentialsShape,
    PeerAddedShape,
    PeerDetailShape,
    PeerInput,
    PeerKeysShape,
    PeerShape,
    RemovedShape,
)
from underseal_node.store import peers
from underseal_node.trust.peers import PeerChange, add_peer, change_peer, remove_peer, renew

__all__ = ["router"]

router = APIRouter(prefix="/peers")


@router.post("", status_code=201, **RESPONSE)
async def add(context: Context, given: PeerInput) -> PeerAddedShape:
    """Register a peer and issue credentials to it."""
    if given.name is None:
        raise RefusedError("a peer needs a name")
    peer, credentials, warnings = await add_peer(context.exchange, given.name, _change(given))
    return PeerAddedShape(
        name=peer.name,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        token_url=credentials.token_url,
        base_url=credentials.base_url,
        peer=await peer_shape(context.node, peer.name, warnings),
    )


@router.get("", **RESPONSE)
async def list_peers(context: Context) -> Listing[PeerShape]:
    """All peers by name."""
    return Listing(data=await peer_shapes(context.node))


@router.get("/{name}", **RESPONSE)
async def show(context: Context, name: str) -> PeerDetailShape:
    """One peer, with the grants both ways."""
    return await peer_detail(context.node, name)


@router.get("/{name}/keys", **RESPONSE)
async def show_keys(context: Context, name: str) -> PeerKeysShape:
    """The keys that are pinned for a peer, to verify with them elsewhere."""
    peer = await context.node.store.read(lambda session: peers.by_name(session, name))
    keys = [] if peer.key_set is None else json.loads(peer.key_set)["keys"]
    former = json.loads(peer.former_issuers)
    return PeerKeysShape(issuer=peer.issuer, former_issuers=former, keys=keys)


@router.patch("/{name}", **RESPONSE)
async def change(context: Context, name: str, given: PeerInput) -> PeerShape:
    """Change what is known of a peer."""
    if given.name is not None:
        raise RefusedError("the name of a peer cannot be changed")
    peer, warnings = await change_peer(context.exchange, name, _change(given))
    return await peer_shape(context.node, peer.name, warnings)


@router.post("/{name}/credentials", status_code=201, **RESPONSE)
async def renew_credentials(context: Context, name: str) -> CredentialsShape:
    """Issue new credentials; the old ones end at once."""
    credentials = await renew(context.node, name)
    return CredentialsShape(
        name=name,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        token_url=credentials.token_url,
        base_url=credentials.base_url,
    )


@router.delete("/{name}", **RESPONSE)
async def remove(context: Context, name: str) -> RemovedShape:
    """End what connects us with a peer."""
    kept_as = await remove_peer(context.node, name)
    return RemovedShape(name=name, is_forgotten=kept_as is None, kept_as=kept_as)


def _change(given: PeerInput) -> PeerChange:
    return PeerChange(**given.model_dump(exclude={"name"}))
