"""What is true of this node at present: its address and its keys, as every process sees them.

The number of the newest entry of the key log says whether anything has changed: whatever changes
keys or address appends one. So looking costs one small query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sqlmodel import Session

from underseal_node.errors import ConfigurationError
from underseal_node.store import identity as identities
from underseal_node.store import key_log, keys
from underseal_node.store.identity import Identity
from underseal_node.trust import keyring
from underseal_node.trust.vault import Vault
from underseal_protocol.key_log import read_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = ["OwnState", "TokenKeys", "load_state", "load_token_keys"]


@dataclass(frozen=True)
class OwnState:
    """One state of this node.

    Attributes:
        number: of the newest entry of its key log; 0 while there is none.
        identity: company and address.
        public_keys: all that are not revoked; the one in use for a purpose comes last.
        in_use: the name of the key that signs, by purpose.
        entries: the whole key log (JWS), oldest first.
    """

    number: int
    identity: Identity
    public_keys: PublicKeySet = field(compare=False)
    in_use: Mapping[KeyPurpose, str]
    entries: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def urls(self) -> tuple[str, ...]:
        """Every address that it has or had; the present one first."""
        return (self.identity.url, *self.identity.former_urls)


@dataclass(frozen=True)
class TokenKeys:
    """What access tokens of this node are signed and checked with.

    Attributes:
        number: of the state that it belongs to.
        keys: those for access tokens that are not revoked, by name; the one in use is the last.
        sealing: all there ever were, the one in use last: positions that were handed out stay
            readable (they open nothing).
        issuers: the addresses under which tokens may have been issued; the present one first.
    """

    number: int
    keys: Mapping[str, SigningKey]
    sealing: tuple[SigningKey, ...]
    issuers: tuple[str, ...]


def load_state(session: Session) -> OwnState:
    """Read the present state.

    Raises:
        ConfigurationError: `underseal init` has not been completed.
    """
    identity = identities.load(session)
    entries = tuple(key_log.entries(session))
    log = [read_entry(entry) for entry in entries]
    urls = [entry.url for entry in log if entry.url != identity.url]
    if urls:
        identity = replace(identity, former_urls=tuple(dict.fromkeys(urls)), first_url=log[0].url)
    rows = ((purpose, keys.active(session, purpose)) for purpose in keyring.VAULT_PURPOSE)
    return OwnState(
        number=log[-1].number if log else 0,
        identity=identity,
        public_keys=log[-1].keys if log else keyring.public_keys(session),
        in_use={purpose: row.kid for purpose, row in rows if row is not None},
        entries=entries,
    )


def load_token_keys(session: Session, vault: Vault, state: OwnState) -> TokenKeys:
    """Open every key for access tokens.

    Raises:
        ConfigurationError: there is none in use.
        VaultError: this process must not open them, or the master key is another one.
    """
    used = state.in_use.get(KeyPurpose.ACCESS_TOKEN)
    if used is None:
        raise ConfigurationError(f"this node has no key for {KeyPurpose.ACCESS_TOKEN}")
    rows = [row for row in keys.every(session) if row.purpose == KeyPurpose.ACCESS_TOKEN]
    rows.sort(key=lambda row: row.kid == used)
    opened = {row.kid: keyring.open_key(vault, row) for row in rows if row.private_encrypted}
    return TokenKeys(
        number=state.number,
        keys={row.kid: opened[row.kid] for row in rows if row.revoked_at is None},
        sealing=tuple(opened.values()),
        issuers=state.urls,
    )
