"""The keyring: one key per purpose, private halves never in the clear in the database."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from underseal_node.errors import ConfigurationError
from underseal_node.node import Node, open_node
from underseal_node.store import keys
from underseal_node.store.identity_tables import KeyLogRow
from underseal_node.trust.keyring import (
    VAULT_PURPOSE,
    ensure_keys,
    newest_entry,
    public_keys,
    signing_key,
)
from underseal_node.trust.vault import Vault, VaultError
from underseal_protocol.keys import KeyPurpose


def test_each_purpose_has_its_own_key(node: Node) -> None:
    found = {node.signing_key(purpose).kid for purpose in VAULT_PURPOSE}
    assert len(found) == len(VAULT_PURPOSE)


def test_the_public_key_set_holds_exactly_the_public_halves(node: Node) -> None:
    jwks = node.store.read_sync(public_keys).to_jwks()
    expected = [node.signing_key(purpose).public_jwk() for purpose in VAULT_PURPOSE]
    assert sorted(jwks["keys"], key=lambda jwk: jwk["kid"]) == sorted(
        expected, key=lambda jwk: jwk["kid"]
    )
    assert all("d" not in jwk for jwk in jwks["keys"])


@pytest.mark.sqlite("the bytes of its files")
def test_private_keys_are_encrypted_at_rest(node: Node) -> None:
    pem = node.signing_key(KeyPurpose.FOOTPRINT).to_pem()
    body = b"".join(pem.splitlines()[1:-1])
    files = [file for file in node.home.path.rglob("*") if file.is_file()]
    assert any(b"signing_key" in file.read_bytes() for file in files)
    for file in files:
        content = file.read_bytes()
        assert b"PRIVATE KEY" not in content
        assert body[:40] not in content


def test_what_is_there_is_not_made_again(node: Node) -> None:
    before = node.store.read_sync(newest_entry)
    node.store.write_sync(
        lambda session: ensure_keys(session, node.vault, node.identity.url, node.now())
    )
    assert node.store.read_sync(newest_entry).digest == before.digest
    assert len(node.store.read_sync(public_keys)) == len(VAULT_PURPOSE)


def test_a_node_of_an_earlier_version_gets_what_it_lacks(node: Node) -> None:
    """It had three keys and no key log; opening it makes the others and begins the log."""
    later = [KeyPurpose.IDENTITY, KeyPurpose.CLIENT, KeyPurpose.ATTESTATION]

    def as_before(session: Session) -> None:
        for purpose in later:
            session.delete(keys.active(session, purpose))
        for row in session.exec(select(KeyLogRow)).all():
            session.delete(row)

    footprint_kid = node.signing_key(KeyPurpose.FOOTPRINT).kid
    node.store.write_sync(as_before)
    node.close()
    again = open_node(node.home.path, clock=node.clock)
    entry = again.store.read_sync(newest_entry)
    assert (entry.number, entry.recovery) == (1, None)
    assert entry.keys.thumbprints() == again.public_keys.thumbprints()
    assert again.signing_key(KeyPurpose.FOOTPRINT).kid == footprint_kid
    for purpose in VAULT_PURPOSE:
        assert entry.current(purpose).kid == again.signing_key(purpose).kid
    again.close()


def test_a_key_moved_to_another_row_is_not_opened(node: Node) -> None:
    """The encryption is bound to the key id: swapping rows cannot make a key sign as another."""

    def swap(session: Session) -> None:
        token = keys.active(session, KeyPurpose.ACCESS_TOKEN)
        footprint = keys.active(session, KeyPurpose.FOOTPRINT)
        assert token
        assert footprint
        footprint.private_encrypted = token.private_encrypted

    node.store.write_sync(swap)
    with pytest.raises(VaultError):
        node.signing_key(KeyPurpose.FOOTPRINT)


def test_another_master_key_opens_nothing(node: Node) -> None:
    other = Vault.from_master_key(bytes(32))
    with pytest.raises(VaultError, match="with this master key"):
        node.store.read_sync(lambda session: signing_key(session, other, KeyPurpose.FOOTPRINT))


def test_a_retired_key_stays_public_and_signs_no_more(node: Node) -> None:
    def retire(session: Session) -> str:
        row = keys.active(session, KeyPurpose.RECEIPT)
        assert row
        row.retired_at = node.now()
        return row.kid

    kid = node.store.write_sync(retire)
    assert kid in {jwk["kid"] for jwk in node.store.read_sync(public_keys).to_jwks()["keys"]}
    with pytest.raises(ConfigurationError, match="no key for receipt"):
        node.signing_key(KeyPurpose.RECEIPT)
