"""Client secrets: random, stored as hashes, compared in constant time."""

from __future__ import annotations

import hmac

import pytest

from underseal_node.trust.secrets import (
    SecretMismatchError,
    check_secret,
    hash_secret,
    new_client_id,
    new_client_secret,
)


def test_the_issued_secret_is_accepted() -> None:
    secret = new_client_secret()
    check_secret(secret, hash_secret(secret))


@pytest.mark.parametrize("sent", ["", "another", "\udcff", "ünïcode"])
def test_another_secret_is_refused(sent: str) -> None:
    with pytest.raises(SecretMismatchError):
        check_secret(sent, hash_secret(new_client_secret()))


def test_a_secret_with_something_added_or_missing_is_refused() -> None:
    secret = new_client_secret()
    for other in (secret + "=", secret[:-1], secret.swapcase(), " " + secret):
        with pytest.raises(SecretMismatchError):
            check_secret(other, hash_secret(secret))


def test_an_unknown_client_is_refused_after_the_same_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[str, str]] = []

    def compare(left: str, right: str) -> bool:
        compared.append((left, right))
        return original(left, right)

    original = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    with pytest.raises(SecretMismatchError):
        check_secret("anything", None)
    assert len(compared) == 1
    left, right = compared[0]
    assert len(left) == len(right)


def test_the_hash_does_not_contain_the_secret_nor_does_the_error() -> None:
    secret = new_client_secret()
    assert secret not in hash_secret(secret)
    with pytest.raises(SecretMismatchError) as caught:
        check_secret(secret, hash_secret("x"))
    assert secret not in caught.value.diagnosis()


def test_the_hash_itself_is_not_a_secret_that_is_accepted() -> None:
    stored = hash_secret(new_client_secret())
    with pytest.raises(SecretMismatchError):
        check_secret(stored, stored)


def test_secrets_and_ids_are_fresh() -> None:
    assert len({new_client_secret() for _ in range(100)}) == 100
    assert len({new_client_id() for _ in range(100)}) == 100
    assert len(new_client_secret()) == 43  # 256 bits in base64url
