"""Peers: register, change, look at, renew credentials, remove."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fastapi import APIRouter

from underseal_node.errors import RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.base import Listing
from underseal_node.manage.shapes.peers import (
    CredentialsShape,
    PeerAddedShape,
    PeerInput,
    PeerKeysShape,
    PeerShape,
    RemovedShape,
)
from underseal_node.store import peers
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust.peers import PeerChange, add_peer, change_peer, remove_peer, renew
from underseal_protocol.keys import PublicKeySet

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
        peer=_shape(peer, [credentials.client_id], warnings),
    )


@router.get("", **RESPONSE)
async def list_peers(context: Context) -> Listing[PeerShape]:
    """All peers by name."""
    found, clients = await context.node.store.read(
        lambda session: (peers.listing(session), peers.credentials_of_all(session))
    )
    return Listing(data=[_shape(peer, clients.get(peer.id or 0, [])) for peer in found])


@router.get("/{name}", **RESPONSE)
async def show(context: Context, name: str) -> PeerShape:
    """One peer."""
    return await _peer(context, name)


@router.get("/{name}/keys", **RESPONSE)
async def show_keys(context: Context, name: str) -> PeerKeysShape:
    """The keys that are pinned for a peer, to verify with them elsewhere."""
    peer = await context.node.store.read(lambda session: peers.by_name(session, name))
    keys = [] if peer.key_set is None else json.loads(peer.key_set)["keys"]
    return PeerKeysShape(issuer=peer.issuer, keys=keys)


@router.patch("/{name}", **RESPONSE)
async def change(context: Context, name: str, given: PeerInput) -> PeerShape:
    """Change what is known of a peer."""
    if given.name is not None:
        raise RefusedError("the name of a peer cannot be changed")
    peer, warnings = await change_peer(context.exchange, name, _change(given))
    return await _peer(context, peer.name, warnings)


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


async def _peer(context: Context, name: str, warnings: Sequence[str] = ()) -> PeerShape:
    peer, clients = await context.node.store.read(
        lambda session: (
            (found := peers.by_name(session, name)),
            peers.client_ids(session, found.id or 0),
        )
    )
    return _shape(peer, clients, warnings)


def _change(given: PeerInput) -> PeerChange:
    return PeerChange(**given.model_dump(exclude={"name"}))


def _shape(peer: Peer, clients: Sequence[str], warnings: Sequence[str] = ()) -> PeerShape:
    pending = peer.pending_key_set
    return PeerShape(
        name=peer.name,
        state=PeerState(peer.state),
        url=peer.base_url,
        auth_url=peer.auth_url,
        token_endpoint=peer.token_endpoint,
        token_origin=peer.token_origin,
        pending_token_endpoint=peer.pending_token_endpoint,
        is_underseal=peer.is_underseal,
        issuer=peer.issuer,
        key_thumbprints=[] if peer.key_set is None else _thumbprints(peer.key_set),
        pending_key_thumbprints=None if pending is None else _thumbprints(pending),
        has_credentials=peer.client_id is not None and peer.client_secret_encrypted is not None,
        client_id=peer.client_id,
        scope=peer.scope,
        audience=peer.audience,
        resource=peer.resource,
        has_ca=peer.ca_pem is not None,
        accept_unsigned=peer.accept_unsigned,
        signed_before=peer.signed_before,
        issued_client_ids=list(clients),
        created_at=peer.created_at,
        last_contact_at=peer.last_contact_at,
        warnings=list(warnings),
    )


def _thumbprints(key_set: str) -> list[str]:
    """Computed, not taken from the names of the keys: a peer names its keys as it likes."""
    return sorted(PublicKeySet.from_jwks(json.loads(key_set)).thumbprints())
