"""Access tokens: what this node issued and nothing else, until it expires and no longer."""

from __future__ import annotations

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from underseal_node.trust import tokens as tokens_module
from underseal_node.trust.own_keys import TokenKeys
from underseal_node.trust.tokens import AccessTokens, Claims, TokenExpiredError, TokenInvalidError
from underseal_protocol.keys import KeyPurpose, SigningKey

NOW = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
ISSUER = "https://cathode.example"
KEY = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)


KEYS = TokenKeys(1, {KEY.kid: KEY}, (KEY,), (ISSUER,))


def always(*, look: bool = False) -> TokenKeys:
    """One key, for ever."""
    return KEYS


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(always, 900)


def payload(**changes: Any) -> dict[str, Any]:
    issued_at = int(NOW.timestamp())
    claims = {
        "iss": ISSUER,
        "sub": "client-1",
        "aud": ISSUER,
        "iat": issued_at,
        "exp": issued_at + 900,
        "jti": "id-1",
    } | changes
    return {name: value for name, value in claims.items() if value is not ...}


def signed(
    claims: dict[str, Any], key: Any = KEY.private_key, algorithm: str = "ES256", **header: Any
) -> str:
    headers = {"kid": KEY.kid, "typ": "at+jwt"} | header
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_an_issued_token_is_verified(tokens: AccessTokens) -> None:
    token = tokens.issue("client-1", NOW)
    claims = tokens.verify(token, NOW)
    assert claims.client_id == "client-1"
    assert claims.issued_at == NOW.replace(microsecond=0)
    assert claims.expires_at == claims.issued_at + timedelta(seconds=900)
    said = jwt.decode(token, options={"verify_signature": False})
    assert claims.token_id == said["jti"]
    assert len(said["jti"]) == 22  # 128 random bits in base64url


def test_an_issued_token_has_the_shape_of_rfc_9068(tokens: AccessTokens) -> None:
    token = tokens.issue("client-1", NOW)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "jti", "client_id"}
    assert (
        claims["jti"]
        != jwt.decode(tokens.issue("client-1", NOW), options={"verify_signature": False})["jti"]
    )


def test_the_control_for_the_forgeries_below_is_accepted(tokens: AccessTokens) -> None:
    assert tokens.verify(signed(payload()), NOW).client_id == "client-1"


@pytest.mark.parametrize("seen_before", [False, True])
def test_it_expires_to_the_second_without_skew(tokens: AccessTokens, seen_before: bool) -> None:
    token = tokens.issue("client-1", NOW)
    expiry = NOW.replace(microsecond=0) + timedelta(seconds=900)
    if seen_before:
        tokens.verify(token, NOW)
    tokens.verify(token, expiry - timedelta(microseconds=1))
    for _ in range(2):
        with pytest.raises(TokenExpiredError, match="expired at 2026-03-01T12:15:00Z") as caught:
            tokens.verify(token, expiry)
        assert "token endpoint" in (caught.value.hint or "")
        assert len(tokens._cache) == 0


@pytest.mark.parametrize(
    "claims",
    [
        payload(iss="https://other.example"),
        payload(aud="https://other.example"),
        payload(aud=[ISSUER, "https://other.example"]),
        *(payload(**{name: ...}) for name in ("iss", "sub", "aud", "exp", "iat", "jti")),
        payload(sub=7),
        payload(jti=7),
        payload(exp="soon"),
        payload(iat="now"),
        payload(exp=True),
        payload(exp=1e400),
        payload(exp=10**30),
        payload(exp=payload()["exp"] + 0.5),
    ],
)
def test_other_claims_are_refused(tokens: AccessTokens, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(signed(claims), NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "underseal-footprint+sd-jwt"},
        {"typ": "underseal-status+jwt"},
        {"typ": None},
        {"kid": "another"},
        {"kid": None},
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://attacker.example/"},
        {"crit": ["exp"]},
    ],
)
def test_another_header_is_refused(tokens: AccessTokens, header: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(raw_token(header, payload()), NOW)


def raw_token(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token with a good signature of this node's own key over any header."""
    full = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"} | header
    full = {name: value for name, value in full.items() if value is not None}
    parts = [encoded(json.dumps(part).encode()) for part in (full, claims)]
    signing_input = b".".join(parts)
    algorithm = jwt.get_algorithm_by_name("ES256")
    signature = algorithm.sign(signing_input, KEY.private_key)
    return b".".join([*parts, encoded(signature)]).decode()


def test_the_control_for_other_headers_is_accepted(tokens: AccessTokens) -> None:
    assert tokens.verify(raw_token({}, payload()), NOW).client_id == "client-1"


def test_other_keys_and_algorithms_are_refused(tokens: AccessTokens) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    forged = [
        signed(payload(), ec.generate_private_key(ec.SECP256R1())),
        signed(payload(), rsa_key, "RS256"),
        signed(payload(), "k" * 64, "HS256"),
        signed(payload(), None, "none"),
    ]
    for token in forged:
        with pytest.raises(TokenInvalidError):
            tokens.verify(token, NOW)


def test_the_public_key_as_hmac_secret_is_refused(tokens: AccessTokens) -> None:
    """The classic confusion: the verifier takes the public key for a shared secret."""
    spki = KEY.private_key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    for shared in (spki, json.dumps(KEY.public_jwk()).encode()):
        header = {"alg": "HS256", "kid": KEY.kid, "typ": "at+jwt"}
        parts = [encoded(json.dumps(part).encode()) for part in (header, payload())]
        signature = hmac.digest(shared, b".".join(parts), "sha256")
        with pytest.raises(TokenInvalidError, match="not signed with ES256"):
            tokens.verify(b".".join([*parts, encoded(signature)]).decode(), NOW)


def encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "\udcff", "ü.ü.ü", "x" * 100_000, "eyJhbGciOiJFUzI1NiJ9.e30.", "[]"],
)
def test_what_is_no_token_is_refused(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(TokenInvalidError) as caught:
        tokens.verify(token, NOW)
    assert len(token) < 5 or token not in caught.value.diagnosis()


def test_a_changed_character_anywhere_is_refused(tokens: AccessTokens) -> None:
    token = tokens.issue("client-1", NOW)
    tokens.verify(token, NOW)
    for position in range(0, len(token) - 2, 7):
        other = "A" if token[position] != "A" else "B"
        with pytest.raises(TokenInvalidError):
            tokens.verify(token[:position] + other + token[position + 1 :], NOW)


def test_a_seen_token_is_not_checked_again(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tokens.issue("client-1", NOW)
    claims = tokens.verify(token, NOW)

    def fail(_token: str) -> Claims:
        raise AssertionError("checked again")

    monkeypatch.setattr(tokens, "_check", fail)
    assert tokens.verify(token, NOW) is claims


def test_the_cache_is_bounded_and_forgets_the_least_recently_used() -> None:
    tokens = AccessTokens(always, 900, cache_size=3)
    first, second, third, fourth = (tokens.issue(f"client-{n}", NOW) for n in range(4))
    claims = {token: tokens.verify(token, NOW) for token in (first, second, third)}
    tokens.verify(first, NOW)
    tokens.verify(fourth, NOW)
    assert len(tokens._cache) == 3
    assert tokens.verify(first, NOW) is claims[first]
    assert tokens.verify(second, NOW) is not claims[second]


def test_refused_and_expired_tokens_are_not_remembered(tokens: AccessTokens) -> None:
    with pytest.raises(TokenInvalidError):
        tokens.verify(signed(payload(iss="x")), NOW)
    with pytest.raises(TokenExpiredError):
        tokens.verify(tokens.issue("client-1", NOW - timedelta(days=1)), NOW)
    assert len(tokens._cache) == 0


def test_no_secret_in_repr(tokens: AccessTokens) -> None:
    token = tokens.issue("client-1", NOW)
    tokens.verify(token, NOW)
    assert token not in repr(tokens)
    assert "private" not in repr(tokens).lower()


def test_a_hit_costs_a_small_part_of_a_check(tokens: AccessTokens) -> None:
    token = tokens.issue("client-1", NOW)

    def cost(verify: Any) -> float:
        start = time.perf_counter()
        for _ in range(200):
            verify()
        return time.perf_counter() - start

    tokens.verify(token, NOW)
    hit = min(cost(lambda: tokens.verify(token, NOW)) for _ in range(5))
    check = min(cost(lambda: tokens._check(token)) for _ in range(5))
    assert hit * 10 < check


def test_the_limit_on_length_leaves_room_for_our_own(tokens: AccessTokens) -> None:
    token = tokens.issue("client-" + "x" * 100, NOW)
    assert len(token) < tokens_module.MAX_TOKEN_CHARACTERS / 2


def test_only_the_given_clock_counts(tokens: AccessTokens) -> None:
    """Not that of the machine: in this test it is decades away, before and after."""
    for year in (1980, 2090):
        now = NOW.replace(year=year)
        issued_at = int(now.timestamp())
        token = signed(payload(iat=issued_at, nbf=issued_at, exp=issued_at + 900))
        assert tokens.verify(token, now).issued_at.year == year


def test_a_token_that_is_as_long_as_may_be_is_looked_at(tokens: AccessTokens) -> None:
    longest = tokens_module.MAX_TOKEN_CHARACTERS
    with pytest.raises(TokenInvalidError, match="is malformed"):
        tokens.verify("x" * longest, NOW)
    with pytest.raises(TokenInvalidError, match="too long"):
        tokens.verify("x" * (longest + 1), NOW)


class Changing:
    """A source whose answer changes, but is noticed only by who looks."""

    def __init__(self, now: TokenKeys, then: TokenKeys) -> None:
        self.now, self.then = now, then
        self.looked: list[bool] = []

    def __call__(self, *, look: bool = False) -> TokenKeys:
        self.looked.append(look)
        if look:
            self.now = self.then
        return self.now


NEW = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)
BOTH = TokenKeys(2, {KEY.kid: KEY, NEW.kid: NEW}, (KEY, NEW), (ISSUER,))


def test_a_token_of_a_rotated_key_says_which_it_is() -> None:
    tokens = AccessTokens(lambda *, look=False: BOTH, 900)
    old = tokens.verify(signed(payload()), NOW)
    new = tokens.verify(tokens.issue("client-1", NOW), NOW)
    assert (old.kid, new.kid) == (KEY.kid, NEW.kid)


def test_an_unknown_key_is_looked_up_once_and_a_known_one_never() -> None:
    source = Changing(KEYS, BOTH)
    tokens = AccessTokens(source, 900)
    assert repr(tokens) == f"AccessTokens(issuer={ISSUER!r}, kids={[KEY.kid]!r})"
    tokens.verify(signed(payload()), NOW)
    assert True not in source.looked
    claims = tokens.verify(signed(payload(jti="2"), NEW.private_key, kid=NEW.kid), NOW)
    assert claims.kid == NEW.kid
    assert source.looked.count(True) == 1
    tokens.verify(signed(payload(jti="3"), NEW.private_key, kid=NEW.kid), NOW)
    assert source.looked.count(True) == 1


def test_an_unknown_address_is_looked_up_and_a_known_one_is_not() -> None:
    moved = "https://moved.example"
    source = Changing(KEYS, TokenKeys(2, KEYS.keys, KEYS.sealing, (moved, ISSUER)))
    tokens = AccessTokens(source, 900)
    tokens.verify(signed(payload()), NOW)
    assert True not in source.looked
    assert tokens.verify(signed(payload(iss=moved, aud=moved)), NOW).client_id == "client-1"
    assert source.looked.count(True) == 1
    with pytest.raises(TokenInvalidError, match="another node"):
        tokens.verify(signed(payload(iss="https://x.example", aud="https://x.example")), NOW)
