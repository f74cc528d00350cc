"""The node's own keys and its address: look, rotate, revoke, move."""

from __future__ import annotations

from fastapi import APIRouter

from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.shapes.keys import (
    KeyChangeShape,
    KeyShape,
    KeysShape,
    MoveInput,
    MoveShape,
    RecoveryInput,
    RevokeInput,
    RotateInput,
)
from underseal_node.node import node_url
from underseal_node.publishing.reissuing import count_signed_by
from underseal_node.trust import key_changes, moving
from underseal_node.trust.key_changes import KeyChange
from underseal_protocol.errors import KeySetError
from underseal_protocol.keys import KeyPurpose, PublicKeySet
from underseal_protocol.recovery import recovery_key_of

__all__ = ["router"]

router = APIRouter()


@router.get("/keys", **RESPONSE)
async def list_keys(context: Context) -> KeysShape:
    """All keys of this node, those in use first."""
    found, entry = await context.node.store.read(key_changes.own_keys)
    return KeysShape(
        data=[
            KeyShape(
                kid=one.kid,
                purpose=one.purpose,
                state=one.state,
                since=one.since,
                compromised_since=one.compromised_since,
            )
            for one in found
        ],
        entry=entry.number,
        recovery_kid=None if entry.recovery is None else entry.recovery.kid,
    )


@router.post("/keys/rotate", **RESPONSE)
async def rotate(context: Context, given: RotateInput) -> KeyChangeShape:
    """Begin with new keys; what the old ones signed stays valid."""
    return _shape(await key_changes.rotate(context.node, given.purposes))


@router.post("/keys/revoke", **RESPONSE)
async def revoke(context: Context, given: RevokeInput) -> KeyChangeShape:
    """Tell that keys have been in other hands, and put new ones in their places."""
    recovery_key = recovery_key_of(given.recovery_key)
    change = await key_changes.revoke(
        context.node, given.kids, given.since, recovery_key, given.reason
    )
    footprints = await context.node.store.read(lambda session: count_signed_by(session, given.kids))
    return _shape(change, footprints, given.reason)


@router.post("/keys/recovery", **RESPONSE)
async def change_recovery(context: Context, given: RecoveryInput) -> KeyChangeShape:
    """Put another recovery key in the place of the present one, or a first one."""
    keys = list(PublicKeySet.from_jwks({"keys": [given.jwk]}))
    if not keys or keys[0].purpose is not KeyPurpose.RECOVERY:
        raise KeySetError("the JWK is not the public half of a recovery key")
    present = None if given.recovery_key is None else recovery_key_of(given.recovery_key)
    return _shape(await key_changes.change_recovery(context.node, keys[0], present))


@router.post("/node/move", **RESPONSE)
async def move(context: Context, given: MoveInput) -> MoveShape:
    """Tell peers under which address this node is from now on."""
    try:
        url = node_url(given.url)
    except ConfigurationError as error:
        raise RefusedError(error.message, hint=error.hint) from error
    plan = await moving.plan(context.node, url)
    if not given.dry_run:
        await key_changes.move(context.node, url)
    return MoveShape(
        dry_run=given.dry_run,
        url=url,
        former_url=plan.former_url,
        notified=list(plan.told),
        todo=list(plan.todo),
    )


def _shape(change: KeyChange, footprints: int = 0, reason: str | None = None) -> KeyChangeShape:
    return KeyChangeShape(
        entry=change.entry.number,
        new=dict(change.new),
        rotated=list(change.rotated),
        revoked=list(change.revoked),
        notified=list(change.peers),
        footprints=footprints,
        reason=reason,
    )
