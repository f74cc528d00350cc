"""The signing keys of a node: one ES256 key per purpose, private halves encrypted at rest.

Whoever makes a key tells so in the key log of the node, in the same transaction.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import ConfigurationError
from underseal_node.store import key_log, keys
from underseal_node.store.identity_tables import SigningKeyRow
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol.key_log import SHORT_LIVED, KeyLogEntry, first_entry, next_entry, read_entry
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet, SigningKey

__all__ = [
    "VAULT_PURPOSE",
    "add_key",
    "client_keys",
    "ensure_keys",
    "is_complete",
    "newest_entry",
    "open_key",
    "public_keys",
    "signing_key",
]

# A peer that has missed more rotations than this has to look at our key log first.
MAX_CLIENT_KEYS = 4

VAULT_PURPOSE = {
    KeyPurpose.ACCESS_TOKEN: VaultPurpose.TOKEN_KEY,
    KeyPurpose.FOOTPRINT: VaultPurpose.FOOTPRINT_KEY,
    KeyPurpose.RECEIPT: VaultPurpose.RECEIPT_KEY,
    KeyPurpose.IDENTITY: VaultPurpose.IDENTITY_KEY,
    KeyPurpose.CLIENT: VaultPurpose.CLIENT_KEY,
    KeyPurpose.ATTESTATION: VaultPurpose.ATTESTATION_KEY,
}
"""What this node has a key for. The recovery key is not among them: it is kept elsewhere."""


def ensure_keys(
    session: Session,
    vault: Vault,
    url: str,
    now: datetime,
    *,
    recovery: PublicKey | None = None,
) -> None:
    """Make a key for each purpose that has none, and begin or go on with the key log.

    Args:
        session: writes.
        vault: of the whole node.
        url: of the node.
        now: aware.
        recovery: the recovery key of a new node.
    """
    missing = [purpose for purpose in VAULT_PURPOSE if keys.active(session, purpose) is None]
    for purpose in missing:
        add_key(session, vault, purpose, now)
    newest = key_log.newest(session)
    identity = signing_key(session, vault, KeyPurpose.IDENTITY)
    public = public_keys(session)
    if newest is None:
        entry = first_entry(url=url, keys=public, recovery=recovery, key=identity, issued_at=now)
    elif missing:
        entry = next_entry(read_entry(newest), key=identity, issued_at=now, keys=public)
    else:
        return
    key_log.append(session, entry.number, entry.token, now)


def is_complete(session: Session) -> bool:
    """Whether there is a key for each purpose, and a key log."""
    has_keys = all(keys.active(session, purpose) is not None for purpose in VAULT_PURPOSE)
    return has_keys and key_log.newest(session) is not None


def newest_entry(session: Session) -> KeyLogEntry:
    """What the key log of this node says now.

    Raises:
        ConfigurationError: there is none yet; it is begun when the node is first opened.
    """
    newest = key_log.newest(session)
    if newest is None:
        raise ConfigurationError("this node has no key log yet", hint="Start it once.")
    return read_entry(newest)


def add_key(session: Session, vault: Vault, purpose: KeyPurpose, now: datetime) -> SigningKey:
    """Generate and store a key; from now on it is the one for its purpose."""
    key = SigningKey.generate(purpose)
    keys.add(
        session,
        kid=key.kid,
        purpose=purpose,
        public_jwk=json.dumps(key.public_jwk(), sort_keys=True),
        private_encrypted=vault.seal(VAULT_PURPOSE[purpose], key.to_pem(), context=key.kid),
        now=now,
    )
    return key


def signing_key(session: Session, vault: Vault, purpose: KeyPurpose) -> SigningKey:
    """The key this node signs with for a purpose.

    Raises:
        ConfigurationError: there is none.
        VaultError: this process must not open it, or the master key is another one.
    """
    row = keys.active(session, purpose)
    if row is None:
        raise ConfigurationError(f"this node has no key for {purpose}")
    return open_key(vault, row)


def client_keys(session: Session, vault: Vault) -> list[SigningKey]:
    """The client key in use, and those before it that are not revoked: newest first.

    A peer that has not heard of a rotation yet knows an earlier one.
    """
    used = keys.active(session, KeyPurpose.CLIENT)
    rows = [
        row
        for row in keys.every(session)
        if row.purpose == KeyPurpose.CLIENT and row.revoked_at is None and row.private_encrypted
    ]
    rows.sort(key=lambda row: (used is not None and row.kid == used.kid, row.created_at))
    return [open_key(vault, row) for row in rows[: -MAX_CLIENT_KEYS - 1 : -1]]


def open_key(vault: Vault, row: SigningKeyRow) -> SigningKey:
    """Decrypt the private half of a key.

    Raises:
        VaultError: this process must not open it, or the master key is another one.
    """
    purpose = KeyPurpose(row.purpose)
    pem = vault.open(VAULT_PURPOSE[purpose], row.private_encrypted, context=row.kid)
    return SigningKey.from_pem(pem, purpose)


def public_keys(session: Session, *, rotated_since: datetime | None = None) -> PublicKeySet:
    """Every public key of this node, rotated ones too: what they signed stays verifiable.

    Revoked ones are not among them. The one in use for a purpose comes last.

    Args:
        rotated_since: leave out those for tokens and assertions that were rotated earlier.
    """
    rows = [row for row in keys.every(session) if row.revoked_at is None]
    if rotated_since is not None:
        rows = [row for row in rows if not _is_expired(row, rotated_since)]
    rows.sort(key=lambda row: row.retired_at is None)
    return PublicKeySet.from_jwks({"keys": [json.loads(row.public_jwk) for row in rows]})


def _is_expired(row: SigningKeyRow, rotated_since: datetime) -> bool:
    """Whether everything that a key can have signed is over."""
    is_old = row.retired_at is not None and row.retired_at < rotated_since
    return is_old and KeyPurpose(row.purpose) in SHORT_LIVED
