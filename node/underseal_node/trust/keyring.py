"""The signing keys of a node: one ES256 key per purpose, private halves encrypted at rest."""

from __future__ import annotations

import json
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import ConfigurationError
from underseal_node.store import keys
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = ["create_keys", "public_keys", "signing_key"]

VAULT_PURPOSE = {
    KeyPurpose.ACCESS_TOKEN: VaultPurpose.TOKEN_KEY,
    KeyPurpose.FOOTPRINT: VaultPurpose.FOOTPRINT_KEY,
    KeyPurpose.RECEIPT: VaultPurpose.RECEIPT_KEY,
}


def create_keys(session: Session, vault: Vault, now: datetime) -> None:
    """Generate and store one key for each purpose.

    Raises:
        ConfigurationError: there is a key for a purpose already.
    """
    for purpose in KeyPurpose:
        if keys.active(session, purpose) is not None:
            raise ConfigurationError(f"there is a key for {purpose} already")
        key = SigningKey.generate(purpose)
        keys.add(
            session,
            kid=key.kid,
            purpose=purpose,
            public_jwk=json.dumps(key.public_jwk(), sort_keys=True),
            private_encrypted=vault.seal(VAULT_PURPOSE[purpose], key.to_pem(), context=key.kid),
            now=now,
        )


def signing_key(session: Session, vault: Vault, purpose: KeyPurpose) -> SigningKey:
    """The key this node signs with for a purpose.

    Raises:
        ConfigurationError: there is none.
        VaultError: this process must not open it, or the master key is another one.
    """
    row = keys.active(session, purpose)
    if row is None:
        raise ConfigurationError(f"this node has no key for {purpose}")
    pem = vault.open(VAULT_PURPOSE[purpose], row.private_encrypted, context=row.kid)
    return SigningKey.from_pem(pem, purpose)


def public_keys(session: Session) -> PublicKeySet:
    """Every public key of this node, retired ones too: what they signed stays verifiable."""
    return PublicKeySet.from_jwks(
        {"keys": [json.loads(row.public_jwk) for row in keys.every(session)]}
    )
