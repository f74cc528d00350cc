"""Signed statements: what is accepted is exactly what we write."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from underseal_protocol import jws
from underseal_protocol.errors import CredentialError, KeySetError, SignatureMismatchError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})
TYP = "underseal-test+jwt"
PAYLOAD = {"iss": "https://ä.example", "n": 1}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes = b"{}") -> str:
    """A token with a good signature over any header."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    r, s = decode_dss_signature(
        KEY.private_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    )
    return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def verify(token: str, keys: PublicKeySet = KEYS) -> jws.Jws:
    return jws.verify(token, typ=TYP, purpose=KeyPurpose.FOOTPRINT, keys=keys)


HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": TYP}


def test_what_is_signed_verifies() -> None:
    parsed = verify(jws.sign(PAYLOAD, typ=TYP, key=KEY))
    assert parsed.payload == PAYLOAD
    assert parsed.header == HEADER


def test_an_independent_library_agrees() -> None:
    token = jws.sign(PAYLOAD, typ=TYP, key=KEY)
    public = KEY.private_key.public_key()
    assert pyjwt.decode(token, public, algorithms=["ES256"]) == PAYLOAD
    theirs = pyjwt.encode(PAYLOAD, KEY.private_key, algorithm="ES256", headers=HEADER)
    assert verify(theirs).payload == PAYLOAD


def test_the_forgery_of_these_tests_is_good_as_such() -> None:
    verify(forge(HEADER))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER | {"alg": "none"}, "'none', expected 'ES256'"),
        (HEADER | {"alg": "HS256"}, "'HS256', expected 'ES256'"),
        (HEADER | {"alg": "RS256"}, "expected 'ES256'"),
        (HEADER | {"alg": "es256"}, "expected 'ES256'"),
        (HEADER | {"alg": ["ES256"]}, "expected 'ES256'"),
        ({"kid": KEY.kid, "typ": TYP}, "expected 'ES256'"),
        (HEADER | {"typ": "at+jwt"}, f"'at\\+jwt', expected '{TYP.replace('+', chr(92) + '+')}'"),
        (HEADER | {"typ": TYP.upper()}, "expected"),
        (HEADER | {"typ": "JWT"}, "expected"),
        ({"alg": "ES256", "kid": KEY.kid}, "None, expected"),
        ({"alg": "ES256", "typ": TYP}, "names no key"),
        (HEADER | {"kid": 1}, "names no key"),
        (HEADER | {"jwk": KEY.public_jwk()}, "holds 'jwk'"),
        (HEADER | {"jku": "https://evil.example/jwks.json"}, "holds 'jku'"),
        (HEADER | {"x5u": "https://evil.example/cert"}, "holds 'x5u'"),
        (HEADER | {"x5c": []}, "holds 'x5c'"),
        (HEADER | {"crit": ["b64"], "b64": False}, "holds 'b64'"),
        (HEADER | {"crit": []}, "holds 'crit'"),
        (HEADER | {"zip": "DEF"}, "holds 'zip'"),
        (b"[]", "not a JSON object"),
        (b"{", "cannot be read"),
        (b'{"alg":"none","alg":"ES256"}', "cannot be read"),
    ],
)
def test_headers_that_are_refused(header: Any, expected: str) -> None:
    with pytest.raises(CredentialError, match=expected):
        verify(forge(header))


def test_a_key_of_the_token_itself_is_never_used() -> None:
    stranger = SigningKey.generate(KeyPurpose.FOOTPRINT)
    with pytest.raises(KeySetError, match="not in the trusted key set"):
        verify(jws.sign(PAYLOAD, typ=TYP, key=stranger))


def test_a_trusted_kid_on_a_strangers_signature() -> None:
    stranger = SigningKey.generate(KeyPurpose.FOOTPRINT)
    impostor = SigningKey(KEY.kid, KeyPurpose.FOOTPRINT, stranger.private_key)
    with pytest.raises(SignatureMismatchError, match=KEY.kid):
        verify(jws.sign(PAYLOAD, typ=TYP, key=impostor))


def test_a_key_for_another_purpose() -> None:
    key = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)
    keys = PublicKeySet.from_jwks({"keys": [key.public_jwk()]})
    with pytest.raises(KeySetError, match="is for access-token, it was used for footprint"):
        verify(jws.sign(PAYLOAD, typ=TYP, key=key), keys)


def test_hmac_with_the_public_key_as_secret() -> None:
    pem = KEY.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header, payload = b64(HEADER | {"alg": "HS256"}), b64(PAYLOAD)
    mac = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256)
    signature = mac.sign(f"{header}.{payload}".encode(), pem)
    with pytest.raises(CredentialError):
        verify(f"{header}.{payload}.{b64(signature)}")


def test_every_changed_character_is_refused() -> None:
    token = jws.sign({"a": 1}, typ=TYP, key=KEY)
    for index, character in enumerate(token):
        changed = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
        with pytest.raises((CredentialError, KeySetError)):
            verify(changed)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "ä.ö.ü",
        "\ud800.\ud800.\ud800",
        f"{b64(HEADER)}.{b64(PAYLOAD)}.",
        f"{b64(HEADER)}.{b64(PAYLOAD)}.{b64(bytes(64))}",
        f"{b64(HEADER)}.{b64(PAYLOAD)}.{b64(bytes(63))}",
        f"{b64(HEADER)}.{b64(PAYLOAD)}.{b64(bytes(70))}",
        f"{b64(HEADER)}.{b64(PAYLOAD)}.{b64(bytes([255]) * 64)}",
        forge(HEADER) + "=",
        " " + forge(HEADER),
        forge(HEADER) + "\n",
        forge(HEADER, b"null"),
        forge(HEADER, b'{"a":1,"a":2}'),
        forge(HEADER, b"\xff"),
        "A" * (jws.MAX_CHARACTERS + 1),
    ],
)
def test_malformed_tokens_are_refused(token: str) -> None:
    with pytest.raises(CredentialError):
        verify(token)


def test_a_signature_in_der_is_refused() -> None:
    signing_input = f"{b64(HEADER)}.{b64(PAYLOAD)}"
    der = KEY.private_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(CredentialError, match="expected 64"):
        verify(f"{signing_input}.{b64(der)}")


def test_a_second_spelling_of_the_signature_is_no_second_statement() -> None:
    token = jws.sign(PAYLOAD, typ=TYP, key=KEY)
    signing_input, _, text = token.rpartition(".")
    raw = base64.urlsafe_b64decode(text + "==")
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    twin = f"{signing_input}.{b64(raw[:32] + s.to_bytes(32, 'big'))}"
    assert verify(twin).payload == PAYLOAD
    assert twin != token
    assert jws.statement_digest(twin) == jws.statement_digest(token)
    assert jws.statement_digest(token) != jws.statement_digest(
        jws.sign(PAYLOAD | {"n": 2}, typ=TYP, key=KEY)
    )
