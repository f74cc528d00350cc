"""Client assertions: one client, one issuer, now, with a pinned key for that purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from underseal_protocol import jws
from underseal_protocol.client_assertion import (
    ASSERTION_TYPE,
    UnknownKeyError,
    assert_client,
    client_of,
    verify_assertion,
)
from underseal_protocol.errors import AssertionRefusedError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ISSUER = "https://cathode.example"
KEY, FOREIGN = SigningKey.generate(KeyPurpose.CLIENT), SigningKey.generate(KeyPurpose.CLIENT)
FOOTPRINT_KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet([KEY.public_key(), FOOTPRINT_KEY.public_key()])


def verified(assertion: str, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "keys": KEYS,
        "client_id": "client-1",
        "audience": ISSUER,
        "now": NOW,
    }
    return verify_assertion(assertion, **(arguments | changes))


def made(**changes: Any) -> str:
    seconds = int(NOW.timestamp())
    claims = {
        "iss": "client-1",
        "sub": "client-1",
        "aud": ISSUER,
        "jti": "once",
        "iat": seconds,
        "exp": seconds + 60,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not ...}
    return jws.sign(claims, typ=ASSERTION_TYPE, key=KEY)


def test_an_assertion_authenticates_its_client() -> None:
    assertion = assert_client("client-1", audience=ISSUER, key=KEY, now=NOW)
    assert client_of(assertion) == "client-1"
    found = verified(assertion)
    assert found.client_id == "client-1"
    assert found.expires_at == NOW + timedelta(seconds=120)
    again = verified(assert_client("client-1", audience=ISSUER, key=KEY, now=NOW))
    assert again.jti != found.jti


def test_another_implementation_reads_it() -> None:
    assertion = assert_client("client-1", audience=ISSUER, key=KEY, now=datetime.now(UTC))
    claims = jwt.decode(
        assertion, KEY.private_key.public_key(), algorithms=["ES256"], audience=ISSUER
    )
    assert claims["iss"] == claims["sub"] == "client-1"


def test_only_a_client_key_signs() -> None:
    with pytest.raises(AssertionRefusedError, match="a key for footprint"):
        assert_client("client-1", audience=ISSUER, key=FOOTPRINT_KEY, now=NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "client-2"}, "is from 'client-2'"),
        ({"sub": "client-2"}, "about 'client-2'"),
        ({"aud": f"{ISSUER}/auth/token"}, "is for 'https://cathode.example/auth/token'"),
        ({"aud": [ISSUER]}, r"is for \["),
        ({"aud": "https://other.example"}, "expected 'https://cathode.example'"),
        ({"jti": ...}, "has no jti"),
        ({"exp": ...}, "has no exp"),
        ({"iat": ...}, "has no iat"),
        ({"jti": ""}, "no short text"),
        ({"jti": 5}, "no short text"),
        ({"jti": "x" * 257}, "no short text"),
        ({"exp": "soon"}, "time that is none"),
        ({"exp": int(NOW.timestamp()) - 60}, "expired at"),
        ({"iat": int(NOW.timestamp()) + 61}, "from the future"),
        ({"nbf": int(NOW.timestamp()) + 61}, "from the future"),
        ({"exp": int(NOW.timestamp()) + 601}, "more than 600 seconds"),
    ],
)
def test_other_claims_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(AssertionRefusedError, match=reason):
        verified(made(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW.timestamp()) - 59},
        {"iat": int(NOW.timestamp()) + 60},
        {"nbf": int(NOW.timestamp()) + 60},
        {"exp": int(NOW.timestamp()) + 600},
    ],
)
def test_a_minute_of_skew_is_allowed(changes: dict[str, Any]) -> None:
    assert verified(made(**changes)).jti == "once"


def test_who_has_another_time_is_told_what_to_do() -> None:
    seconds = int(NOW.timestamp())
    for late_or_early in ({"exp": seconds - 60}, {"iat": seconds + 61}):
        with pytest.raises(AssertionRefusedError) as refused:
            verified(made(**late_or_early))
        assert "NTP" in (refused.value.hint or "")


@pytest.mark.parametrize("jti", ["x", "x" * 256])
def test_any_short_text_names_an_assertion(jti: str) -> None:
    assert verified(made(jti=jti)).jti == jti


def test_a_key_that_is_not_pinned_is_named() -> None:
    foreign = assert_client("client-1", audience=ISSUER, key=FOREIGN, now=NOW)
    with pytest.raises(UnknownKeyError, match=f"the key '{FOREIGN.kid}', which is not pinned"):
        verified(foreign)
    # That it has none at all is another matter: pinning would not help.
    headers = {"typ": ASSERTION_TYPE}
    nameless = jwt.encode(jws.parse(made()).payload, KEY.private_key, "ES256", headers=headers)
    with pytest.raises(AssertionRefusedError, match=r"not valid: .*kid") as refused:
        verified(nameless)
    assert not isinstance(refused.value, UnknownKeyError)


def test_each_name_of_a_node_that_moves_is_one() -> None:
    for names in ([ISSUER, "https://new.example"], {"https://new.example", ISSUER}):
        assert verified(made(), audience=names).claims["aud"] == ISSUER
    with pytest.raises(AssertionRefusedError, match=r"expected 'https://new\.example'"):
        verified(made(), audience=["https://new.example"])


def attacks() -> dict[str, str]:
    claims = jws.parse(made()).payload
    public_pem = KEY.private_key.public_key().public_numbers()
    secret = str(public_pem.x).encode()
    foreign_jwk = FOREIGN.public_jwk()

    def signed(key: SigningKey, **header: Any) -> str:
        headers = {"kid": KEY.kid, "typ": ASSERTION_TYPE} | header
        headers = {name: value for name, value in headers.items() if value is not ...}
        return jwt.encode(claims, key.private_key, algorithm="ES256", headers=headers)

    return {
        "none": jwt.encode(claims, "", algorithm="none", headers={"kid": KEY.kid}),
        "HS256": jwt.encode(claims, secret, algorithm="HS256", headers={"kid": KEY.kid}),
        "another key under this name": signed(FOREIGN),
        "another key": signed(FOREIGN, kid=FOREIGN.kid),
        "a footprint key": signed(FOOTPRINT_KEY, kid=FOOTPRINT_KEY.kid),
        "jwk": signed(FOREIGN, jwk=foreign_jwk),
        "jku": signed(FOREIGN, jku="https://evil.example/jwks.json"),
        "x5u": signed(KEY, x5u="https://evil.example/cert.pem"),
        "crit": signed(KEY, crit=["b64"]),
        "no kid": signed(KEY, kid=...),
        "another type": signed(KEY, typ="at+jwt"),
        "no type": signed(KEY, typ=None),
        "too long": made(filler="x" * 9000),
        "nothing": "",
        "two parts": "a.b",
    }


@pytest.mark.parametrize("attack", sorted(attacks()))
def test_no_attack_gets_through(attack: str) -> None:
    with pytest.raises(AssertionRefusedError):
        verified(attacks()[attack])


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ("", "is malformed: "),
        ("a.b.c", "is malformed: "),
        (made(filler="x" * 9000), "is malformed: .*expected at most"),
        (made(sub=...), "has not the client id"),
        (made(sub=5, iss=5), "has not the client id"),
        (made(sub="", iss=""), "has not the client id"),
        (made(iss="client-2"), "has not the client id"),
    ],
)
def test_who_cannot_be_told_is_refused(assertion: str, reason: str) -> None:
    with pytest.raises(AssertionRefusedError, match=f"the client assertion {reason}"):
        client_of(assertion)
