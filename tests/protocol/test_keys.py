"""Keys, key sets and what they refuse."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from underseal_protocol.did import did_document, did_of
from underseal_protocol.errors import KeySetError
from underseal_protocol.keys import (
    MAX_KEYS,
    PURPOSE_MEMBER,
    KeyPurpose,
    PublicKeySet,
    SigningKey,
    thumbprint,
)

KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
RFC7638_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXj"
    "BZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"
    "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ"
    "-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


@pytest.mark.parametrize(
    ("jwk", "expected"),
    [
        pytest.param(
            {"kty": "RSA", "n": RFC7638_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"},
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            id="RFC 7638 section 3.1",
        ),
        pytest.param(
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            },
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            id="RFC 8037 appendix A.3",
        ),
        pytest.param(
            {
                "kty": "EC",
                "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
                "crv": "P-256",
            },
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            id="RFC 9449 section 6.1",
        ),
    ],
)
def test_thumbprints_of_the_specifications(jwk: dict[str, str], expected: str) -> None:
    assert thumbprint(jwk) == expected


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256", "x": "AA"}, {"kty": ["EC"]}],
)
def test_no_thumbprint_without_the_required_members(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeySetError):
        thumbprint(jwk)


def test_a_key_survives_pem() -> None:
    for purpose in KeyPurpose:
        key = SigningKey.generate(purpose)
        for pem in (key.to_pem(), key.to_pem().decode()):
            again = SigningKey.from_pem(pem, purpose)
            assert again == key
            assert again.public_jwk() == key.public_jwk()


def test_the_private_key_is_not_shown() -> None:
    assert "private" not in repr(KEY)
    assert KEY.public_jwk().keys() == {"kty", "crv", "x", "y", "kid", "use", "alg", PURPOSE_MEMBER}


def _pem(key: Any) -> bytes:
    data: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return data


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        _pem(ed25519.Ed25519PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP384R1())),
        KEY.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        KEY.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        ),
    ],
    ids=["empty", "garbage", "ed25519", "p-384", "public", "encrypted"],
)
def test_other_pem_is_refused(pem: bytes) -> None:
    with pytest.raises(KeySetError):
        SigningKey.from_pem(pem, KeyPurpose.FOOTPRINT)


def test_kid_is_the_thumbprint() -> None:
    assert KEY.kid == thumbprint(KEY.public_jwk())


def test_a_key_set_survives_json() -> None:
    keys = [SigningKey.generate(purpose) for purpose in KeyPurpose]
    document = {"keys": [key.public_jwk() for key in keys]}
    key_set = PublicKeySet.from_jwks(json.loads(json.dumps(document)))
    assert key_set.to_jwks() == document
    assert key_set.thumbprints() == {key.kid for key in keys}
    assert [key.kid for key in key_set] == [key.kid for key in keys]
    assert len(key_set) == len(KeyPurpose)
    for key in keys:
        found = key_set.get(key.kid, key.purpose)
        assert found.public_numbers() == key.private_key.public_key().public_numbers()


@pytest.mark.parametrize("actual", list(KeyPurpose))
@pytest.mark.parametrize("wanted", list(KeyPurpose))
def test_a_key_serves_its_own_purpose_only(actual: KeyPurpose, wanted: KeyPurpose) -> None:
    key = SigningKey.generate(actual)
    key_set = PublicKeySet.from_jwks({"keys": [key.public_jwk()]})
    if actual is wanted:
        key_set.get(key.kid, wanted)
    else:
        with pytest.raises(KeySetError, match=f"is for {actual}, it was used for {wanted}"):
            key_set.get(key.kid, wanted)


def test_a_key_without_purpose_is_a_footprint_key() -> None:
    jwk = KEY.public_jwk()
    del jwk[PURPOSE_MEMBER]
    key_set = PublicKeySet.from_jwks({"keys": [jwk | {"kid": "vendor-key-1"}]})
    key_set.get("vendor-key-1", KeyPurpose.FOOTPRINT)
    assert key_set.thumbprints() == {KEY.kid}
    for purpose in (KeyPurpose.ACCESS_TOKEN, KeyPurpose.RECEIPT):
        with pytest.raises(KeySetError):
            key_set.get("vendor-key-1", purpose)


def test_an_unknown_key_is_refused_and_the_known_ones_are_named() -> None:
    key_set = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})
    with pytest.raises(KeySetError, match=f"'other'.*{KEY.kid}"):
        key_set.get("other", KeyPurpose.FOOTPRINT)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"crv": "P-384"},
        {"use": "enc"},
        {"alg": "ECDH-ES"},
        {"key_ops": ["deriveKey"]},
        {"kty": "AKP"},
    ],
    ids=lambda change: "-".join(map(str, change.values())),
)
def test_keys_for_something_else_are_left_out(change: dict[str, Any]) -> None:
    jwk = {name: value for name, value in KEY.public_jwk().items() if name != PURPOSE_MEMBER}
    key_set = PublicKeySet.from_jwks({"keys": [jwk | {"kid": "x"} | change, KEY.public_jwk()]})
    assert key_set.thumbprints() == {KEY.kid}
    assert len(key_set) == 1


def test_a_purpose_of_a_later_version_is_left_out() -> None:
    key_set = PublicKeySet.from_jwks({"keys": [KEY.public_jwk() | {PURPOSE_MEMBER: "invitation"}]})
    assert len(key_set) == 0


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_member_makes_the_set_unusable(member: str) -> None:
    with pytest.raises(KeySetError, match=f"private member '{member}'"):
        PublicKeySet.from_jwks({"keys": [KEY.public_jwk() | {member: "AAAA"}]})


@pytest.mark.parametrize("kind", ["RSA", "oct", "OKP"])
def test_private_members_of_other_types_too(kind: str) -> None:
    with pytest.raises(KeySetError, match="private member"):
        PublicKeySet.from_jwks({"keys": [{"kty": kind, "d": "AAAA"}, KEY.public_jwk()]})


NOT_ON_CURVE = copy.deepcopy(KEY.public_jwk()) | {"y": KEY.public_jwk()["x"]}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "array"),
        ({}, "array"),
        ({"keys": {}}, "array"),
        ({"keys": None}, "array"),
        ({"keys": [1]}, r"keys\[0\] is not an object"),
        ({"keys": [{}]}, "kty"),
        ({"keys": [KEY.public_jwk(), KEY.public_jwk()]}, "two keys"),
        ({"keys": [NOT_ON_CURVE]}, "not a point"),
        ({"keys": [KEY.public_jwk() | {"x": "AAAA"}]}, "3 bytes, not 32"),
        ({"keys": [KEY.public_jwk() | {"x": KEY.public_jwk()["x"] + "="}]}, "base64url"),
        ({"keys": [KEY.public_jwk() | {"x": 7}]}, "missing"),
        ({"keys": [KEY.public_jwk() | {"kid": ""}]}, "kid"),
        ({"keys": [KEY.public_jwk() | {"kid": 5}]}, "kid"),
        ({"keys": [KEY.public_jwk() | {"kid": "k" * 257}]}, "kid"),
        ({"keys": [KEY.public_jwk() | {"kid": "not-the-thumbprint"}]}, "thumbprint"),
        ({"keys": [KEY.public_jwk() | {PURPOSE_MEMBER: ["footprint"]}]}, "purpose"),
        ({"keys": [KEY.public_jwk() | {"key_ops": "verify"}]}, "key_ops"),
        ({"keys": [{"kty": "RSA"}] * (MAX_KEYS + 1)}, "at most"),
    ],
)
def test_malformed_sets_are_refused(document: Any, reason: str) -> None:
    with pytest.raises(KeySetError, match=reason):
        PublicKeySet.from_jwks(document)


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://pcf.example", "did:web:pcf.example"),
        ("https://PCF.example:8443", "did:web:pcf.example%3A8443"),
        ("https://pcf.example/node/a", "did:web:pcf.example:node:a"),
    ],
)
def test_did_of_a_url(url: str, did: str) -> None:
    assert did_of(url) == did


def test_did_document() -> None:
    keys = [SigningKey.generate(purpose) for purpose in KeyPurpose]
    key_set = PublicKeySet.from_jwks({"keys": [key.public_jwk() for key in keys]})
    document = did_document("https://pcf.example:8443", key_set)
    did = "did:web:pcf.example%3A8443"
    assert document["id"] == did
    assert [method["id"] for method in document["verificationMethod"]] == [
        f"{did}#{key.kid}" for key in keys
    ]
    for method, key in zip(document["verificationMethod"], keys, strict=True):
        assert method["type"] == "JsonWebKey"
        assert method["controller"] == did
        assert thumbprint(method["publicKeyJwk"]) == key.kid
        assert not method["publicKeyJwk"].keys() & {"d", PURPOSE_MEMBER}
    footprint = next(key for key in keys if key.purpose is KeyPurpose.FOOTPRINT)
    assert document["assertionMethod"] == [f"{did}#{footprint.kid}"]
