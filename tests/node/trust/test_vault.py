"""The vault: what is sealed opens only with the same key, purpose and context."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.trust.master_key import create_master_key
from underseal_node.trust.vault import (
    Vault,
    VaultError,
    VaultPurpose,
    open_vault,
)

MASTER_KEY = bytes(range(32))


@pytest.fixture
def vault() -> Vault:
    return Vault.from_master_key(MASTER_KEY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@given(st.binary(max_size=2000), st.sampled_from(VaultPurpose), st.text(max_size=50))
def test_what_is_sealed_opens(plaintext: bytes, purpose: VaultPurpose, context: str) -> None:
    vault = Vault.from_master_key(MASTER_KEY)
    sealed = vault.seal(purpose, plaintext, context=context)
    assert vault.open(purpose, sealed, context=context) == plaintext
    assert len(sealed) == len(plaintext) + 29


def test_every_changed_byte_is_noticed(vault: Vault) -> None:
    sealed = vault.seal("peer-secret", b"a secret")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(VaultError):
            vault.open("peer-secret", bytes(changed))


@pytest.mark.parametrize("length", range(29))
def test_a_truncated_one_is_refused(vault: Vault, length: int) -> None:
    with pytest.raises(VaultError):
        vault.open("peer-secret", vault.seal("peer-secret", b"")[:length])


def test_another_purpose_context_or_master_key_is_refused(vault: Vault) -> None:
    sealed = vault.seal("token-key", b"a key", context="kid-1")
    assert vault.open("token-key", sealed, context="kid-1") == b"a key"
    with pytest.raises(VaultError):
        vault.open("footprint-key", sealed, context="kid-1")
    with pytest.raises(VaultError):
        vault.open("token-key", sealed, context="kid-2")
    with pytest.raises(VaultError, match="cannot be decrypted with this master key"):
        Vault.from_master_key(bytes(32)).open("token-key", sealed, context="kid-1")


def test_the_same_plaintext_is_sealed_differently_each_time(vault: Vault) -> None:
    assert vault.seal("peer-secret", b"x") != vault.seal("peer-secret", b"x")


def test_a_derived_vault_opens_its_purposes_and_no_other(vault: Vault) -> None:
    token = vault.seal("token-key", b"token")
    footprint = vault.seal("footprint-key", b"footprint")
    derived = pickle.loads(pickle.dumps(vault.derived(["token-key"])))
    assert derived.open("token-key", token) == b"token"
    with pytest.raises(VaultError, match="does not hold the key for footprint-key"):
        derived.open("footprint-key", footprint)
    with pytest.raises(VaultError):
        derived.seal("footprint-key", b"x")
    with pytest.raises(VaultError):
        derived.derived(["footprint-key"])
    assert derived.purposes == {VaultPurpose.TOKEN_KEY}


def test_a_pickled_derived_vault_holds_no_other_key(vault: Vault) -> None:
    pickled = pickle.dumps(vault.derived(["token-key"]))

    def key(purpose: str) -> bytes:
        info = f"underseal vault 1 {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(MASTER_KEY)

    assert key("token-key") in pickled  # so the next lines can fail
    assert key("footprint-key") not in pickled
    assert MASTER_KEY not in pickled


def test_repr_shows_no_key(vault: Vault) -> None:
    assert "footprint-key" in repr(vault)
    assert repr(MASTER_KEY)[2:20] not in repr(vault)
    assert all(repr(key)[2:-1] not in repr(vault) for key in vault.__dict__["_keys"].values())


def test_the_master_key_is_created_once(home: Home) -> None:
    create_master_key(home, Settings())
    first = open_vault(home, Settings())
    sealed = first.seal("peer-secret", b"x")
    create_master_key(home, Settings())
    assert open_vault(home, Settings()).open("peer-secret", sealed) == b"x"


def test_the_master_key_can_be_elsewhere(home: Home, tmp_path: Path) -> None:
    settings = Settings(master_key_file=tmp_path / "key")
    create_master_key(home, settings)
    content = (tmp_path / "key").read_bytes()
    create_master_key(home, settings)  # one that was put there is taken as it is
    assert (tmp_path / "key").read_bytes() == content
    assert not home.master_key_file.exists()
    open_vault(home, settings)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_vault(home, Settings())


def test_a_master_key_that_others_can_read_is_refused(home: Home) -> None:
    create_master_key(home, Settings())
    home.master_key_file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by other users") as caught:
        open_vault(home, Settings())
    assert "chmod 600" in str(caught.value.hint)


@pytest.mark.parametrize("content", [b"", b"canary", b"Y2FuYXJ5", bytes(32)])
def test_a_malformed_master_key_is_refused_without_showing_it(home: Home, content: bytes) -> None:
    home.master_key_file.write_bytes(content)
    home.master_key_file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="is not a master key") as caught:
        open_vault(home, Settings())
    assert not content or content.decode() not in caught.value.diagnosis()


def test_a_master_key_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="31 bytes, 32 are needed"):
        Vault.from_master_key(bytes(31))
