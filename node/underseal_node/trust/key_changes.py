"""Changing the keys and the address of this node: rotate, revoke, move, another recovery key.

Each change is one transaction: the keys, the entry of the key log that tells of it, signed with a
key that peers have pinned, and what is sent to them. Nothing has to be restarted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.store import announcements, audit, key_log, keys
from underseal_node.store import identity as identities
from underseal_node.store.audit import Act
from underseal_node.store.identity_tables import SigningKeyRow
from underseal_node.trust.keyring import (
    VAULT_PURPOSE,
    add_key,
    newest_entry,
    public_keys,
    signing_key,
)
from underseal_protocol.errors import KeyLogError, KeySetError
from underseal_protocol.key_log import SHORT_LIVED, KeyLogEntry, next_entry
from underseal_protocol.keys import KeyPurpose, PublicKey, SigningKey
from underseal_protocol.times import format_time

__all__ = ["KeyChange", "OwnKey", "change_recovery", "move", "own_keys", "revoke", "rotate"]

# Longer than any token or assertion is good for, whatever the settings are.
SHORT_LIFE = timedelta(days=2)


@dataclass(frozen=True)
class OwnKey:
    """A key of this node, as its operator sees it.

    Attributes:
        kid: its RFC 7638 thumbprint.
        purpose: what it signs.
        state: `in use`, `rotated` or `revoked`.
        since: when that state began, by our clock.
        compromised_since: of a revoked one: since when it may have been in other hands.
    """

    kid: str
    purpose: KeyPurpose
    state: str
    since: datetime
    compromised_since: datetime | None = None


@dataclass(frozen=True)
class KeyChange:
    """What a change has done.

    Attributes:
        entry: of the key log, that tells of it.
        new: the names of new keys, by purpose.
        rotated: the keys that sign no more; what they signed stays valid.
        revoked: the keys that nobody should trust any more.
        peers: the names of the peers that are told.
    """

    entry: KeyLogEntry
    new: Mapping[KeyPurpose, str]
    rotated: Sequence[str] = ()
    revoked: Sequence[str] = ()
    peers: Sequence[str] = ()


async def rotate(node: Node, purposes: Sequence[KeyPurpose]) -> KeyChange:
    """Begin with new keys; what the old ones signed stays valid.

    Args:
        node: in the management role.
        purposes: for which; all by default.

    Raises:
        RefusedError: a purpose is the recovery key, or there are too many keys.
    """
    wanted = list(dict.fromkeys(purposes or VAULT_PURPOSE))
    if not VAULT_PURPOSE.keys() >= set(wanted):
        raise RefusedError(
            "the recovery key is not in this node, so it cannot be rotated here",
            hint="`underseal key recovery --new` puts another one in its place.",
        )
    now = node.now()

    def work(session: Session) -> KeyChange:
        before = newest_entry(session)
        signer = signing_key(session, node.vault, KeyPurpose.IDENTITY)
        rotated = [_retire(session, purpose, now) for purpose in wanted]
        new = {purpose: add_key(session, node.vault, purpose, now).kid for purpose in wanted}
        entry = _append(session, before, signer, now)
        _record(session, Act.KEYS_ROTATED, now, entry, keys=" ".join(rotated))
        return KeyChange(entry, new, rotated=rotated)

    return await _change(node, work)


async def revoke(
    node: Node,
    kids: Sequence[str],
    since: datetime,
    recovery_key: SigningKey,
    reason: str | None = None,
) -> KeyChange:
    """Tell that keys have been in other hands, and put new ones in their places.

    What was signed with them counts no more, but for what a peer can prove to itself to have had
    before that time.

    Args:
        node: in the management role.
        kids: names of keys of this node.
        since: aware; since when they may have been in other hands.
        recovery_key: signs this; it is not stored.
        reason: for the audit log.

    Raises:
        NotFoundError: there is no such key.
        RefusedError: it is revoked already, the time is in the future, or the recovery key is
            another one or there is none.
    """
    now = node.now()
    if since > now:
        raise RefusedError("the keys cannot have been in other hands since a time to come")
    since = since.replace(microsecond=0)

    def work(session: Session) -> KeyChange:
        before = newest_entry(session)
        _require_recovery_key(before, recovery_key)
        new: dict[KeyPurpose, str] = {}
        for row in [_revocable(session, kid) for kid in dict.fromkeys(kids)]:
            was_in_use = row.retired_at is None
            keys.revoke(session, row, now, forget=row.purpose != KeyPurpose.ACCESS_TOKEN)
            if was_in_use:
                purpose = KeyPurpose(row.purpose)
                new[purpose] = add_key(session, node.vault, purpose, now).kid
        revoked = {**before.revoked, **dict.fromkeys(kids, since)}
        entry = _append(session, before, recovery_key, now, revoked=revoked)
        _record(
            session,
            Act.KEYS_REVOKED,
            now,
            entry,
            keys=" ".join(dict.fromkeys(kids)),
            since=format_time(since),
            reason=reason,
        )
        return KeyChange(entry, new, revoked=list(dict.fromkeys(kids)))

    return await _change(node, work)


async def change_recovery(
    node: Node, new: PublicKey, recovery_key: SigningKey | None = None
) -> KeyChange:
    """Put another recovery key in the place of the present one, or a first one where there is none.

    Args:
        node: in the management role.
        new: its public half.
        recovery_key: the present one; not needed while there is none.

    Raises:
        RefusedError: the present one is needed, or is another one.
    """
    if new.purpose is not KeyPurpose.RECOVERY:
        raise RefusedError(f"this is a key for {new.purpose}, no recovery key")
    now = node.now()

    def work(session: Session) -> KeyChange:
        before = newest_entry(session)
        signer = recovery_key
        if before.recovery is not None:
            _require_recovery_key(before, recovery_key)
        elif recovery_key is not None:
            raise RefusedError(
                "this node has no recovery key yet", hint="Leave --recovery-key-file out."
            )
        if signer is None:
            signer = signing_key(session, node.vault, KeyPurpose.IDENTITY)
        entry = _append(session, before, signer, now, recovery=new)
        _record(session, Act.RECOVERY_KEY_CHANGED, now, entry, new=new.kid)
        return KeyChange(entry, {KeyPurpose.RECOVERY: new.kid})

    return await _change(node, work)


async def move(node: Node, url: str) -> KeyChange:
    """Tell under which address this node is from now on. What it signed before stays valid.

    Args:
        node: in the management role.
        url: as `node_url` returns it.

    Raises:
        RefusedError: it is there already.
    """
    now = node.now()

    def work(session: Session) -> KeyChange:
        before = newest_entry(session)
        if before.url == url:
            raise RefusedError(f"this node is at {url} already")
        signer = signing_key(session, node.vault, KeyPurpose.IDENTITY)
        identities.move(session, url)
        entry = _append(session, before, signer, now, url=url)
        _record(session, Act.NODE_MOVED, now, entry, url=url, **{"from": before.url})
        return KeyChange(entry, {})

    return await _change(node, work)


def own_keys(session: Session) -> tuple[list[OwnKey], KeyLogEntry]:
    """All keys there are or were, those in use first, and the newest entry of the key log.

    Raises:
        ConfigurationError: there is no key log yet.
    """
    entry = newest_entry(session)
    order = {"in use": 0, "rotated": 1, "revoked": 2}
    found = [_own_key(row, entry) for row in keys.every(session)]
    return sorted(found, key=lambda one: order[one.state]), entry


def _own_key(row: SigningKeyRow, entry: KeyLogEntry) -> OwnKey:
    purpose = KeyPurpose(row.purpose)
    if row.revoked_at is not None:
        stolen = entry.revoked.get(row.kid)
        return OwnKey(row.kid, purpose, "revoked", row.revoked_at, stolen)
    if row.retired_at is not None:
        return OwnKey(row.kid, purpose, "rotated", row.retired_at)
    return OwnKey(row.kid, purpose, "in use", row.created_at)


async def _change(node: Node, work: Callable[[Session], KeyChange]) -> KeyChange:
    def change(session: Session) -> KeyChange:
        try:
            made = work(session)
        except KeyLogError as error:
            raise RefusedError(error.message, hint=error.hint) from error
        give_up_after = timedelta(hours=node.settings.outbox_give_up_hours)
        told = announcements.enqueue_key_log(session, node.now(), give_up_after=give_up_after)
        return replace(made, peers=told)

    done = await node.store.write(change)
    await node.look()
    return done


def _record(
    session: Session, act: Act, now: datetime, entry: KeyLogEntry, **detail: str | None
) -> None:
    audit.record(session, act, now, detail={"entry": entry.number, **detail})


def _append(
    session: Session,
    before: KeyLogEntry,
    signer: SigningKey,
    now: datetime,
    *,
    url: str | None = None,
    revoked: Mapping[str, datetime] | None = None,
    recovery: PublicKey | None = None,
) -> KeyLogEntry:
    """The next entry of the key log, with the keys that there are now."""
    try:
        public = public_keys(session, rotated_since=now - SHORT_LIFE)
    except KeySetError as error:
        raise RefusedError(
            f"this node would have more keys than peers read: {error.message}",
            hint="Rotated keys stay public, because what they signed stays valid.",
        ) from error
    entry = next_entry(
        before,
        key=signer,
        issued_at=now,
        url=url,
        keys=public,
        revoked=revoked,
        recovery=recovery,
    )
    key_log.append(session, entry.number, entry.token, now)
    return entry


def _retire(session: Session, purpose: KeyPurpose, now: datetime) -> str:
    """The key in use signs no more. What lasts must not be signed by it any more, by nobody, so
    its private half goes; those for tokens open what was sealed with them."""
    row = keys.active(session, purpose)
    if row is None:
        raise RefusedError(f"this node has no key for {purpose}")
    keys.retire(session, row, now, forget=purpose not in SHORT_LIVED)
    return row.kid


def _revocable(session: Session, kid: str) -> SigningKeyRow:
    row = keys.find(session, kid)
    if row is None:
        raise NotFoundError(
            f"this node has no key {kid}", hint="`underseal key list` shows them all."
        )
    if row.revoked_at is not None:
        raise RefusedError(f"the key {kid} is revoked already")
    return row


def _require_recovery_key(before: KeyLogEntry, given: SigningKey | None) -> None:
    if before.recovery is None:
        raise RefusedError(
            "this node has no recovery key, and nothing else can revoke a key",
            hint="`underseal key recovery --new` makes one, for the next time. Your peers have to "
            "confirm new keys by hand.",
        )
    if given is None:
        raise RefusedError(
            "the recovery key of this node is needed",
            hint="`underseal init` has printed it: name the file that it is in with "
            "--recovery-key-file.",
        )
    if given.kid != before.recovery.kid:
        raise RefusedError(
            f"this is not the recovery key of this node, which is {before.recovery.kid}",
            hint=f"The one that was given is {given.kid}.",
        )
