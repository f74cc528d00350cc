"""One table of what attackers send as an access token (RFC 8725, RFC 9068 section 4).

Each row is refused by the code that checks tokens and by the endpoints, also after a good token was
seen. The control is a token of the same making without the attack.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlmodel import Session
from tests.node.conftest import StandingClock

from underseal_node.node import Node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.store import peers
from underseal_node.store.tables import Peer
from underseal_node.trust.own_keys import TokenKeys
from underseal_node.trust.tokens import AccessTokens, TokenError, TokenInvalidError
from underseal_protocol import jws
from underseal_protocol.errors import ProtocolError
from underseal_protocol.key_log import first_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.status import issue_status

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUER = "https://cathode.example"
OTHER = "https://other.example"
SECONDS = int(NOW.timestamp())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256

KEY = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)
FOOTPRINT_KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
IDENTITY_KEY = SigningKey.generate(KeyPurpose.IDENTITY)
ATTACKER = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)
KEYS = TokenKeys(1, {KEY.kid: KEY}, (KEY,), (ISSUER,))
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}
CLAIMS = {
    "iss": ISSUER,
    "sub": "client-1",
    "aud": ISSUER,
    "client_id": "client-1",
    "iat": SECONDS,
    "exp": SECONDS + 900,
    "jti": "id-1",
}


def part(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def es256(signing_input: str, key: SigningKey = KEY) -> bytes:
    der = key.private_key.sign(signing_input.encode(), ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(
    header: Any = None,
    claims: Any = None,
    sign: Callable[[str], bytes] = es256,
) -> str:
    """A token with these members in header and claims; `...` leaves one out."""
    parts = []
    for base, change in ((HEADER, header), (CLAIMS, claims)):
        if isinstance(change, bytes):
            parts.append(part(change))
            continue
        members = base | (change or {})
        parts.append(part({name: one for name, one in members.items() if one is not ...}))
    signing_input = ".".join(parts)
    return f"{signing_input}.{part(sign(signing_input))}"


def attackers(signing_input: str) -> bytes:
    return es256(signing_input, ATTACKER)


def hs256(secret: bytes) -> Callable[[str], bytes]:
    return lambda signing_input: hmac.digest(secret, signing_input.encode(), "sha256")


def public(encoding: Encoding, form: PublicFormat) -> bytes:
    return KEY.private_key.public_key().public_bytes(encoding, form)


def with_algorithm(algorithm: str, key: Any) -> str:
    header = {"kid": KEY.kid, "typ": "at+jwt"}
    return jwt.encode(CLAIMS, key, algorithm=algorithm, headers=header)


def der_signature(signing_input: str) -> bytes:
    return KEY.private_key.sign(signing_input.encode(), ec.ECDSA(SHA256()))


def with_another_r(signing_input: str) -> bytes:
    """A number that would be the same if it were taken modulo the order, cut to its place."""
    good = es256(signing_input)
    r = int.from_bytes(good[:32], "big")
    return (r + ORDER).to_bytes(33, "big")[-32:] + good[32:]


def status_statement() -> str:
    return issue_status(
        footprint_id="079e425a-464f-428d-841d-4a944a1dfd70",
        status="Deprecated",
        credential_digest="x",
        key=FOOTPRINT_KEY,
        issuer=ISSUER,
        issued_at=NOW,
    )


def own_statement(typ: str, key: SigningKey) -> str:
    """The claims of a token as another statement, signed with a key of this node."""
    return jws.sign(CLAIMS, typ=typ, key=key)


KEY_LOG_ENTRY = first_entry(
    url=ISSUER,
    keys=PublicKeySet([KEY.public_key(), IDENTITY_KEY.public_key()]),
    recovery=None,
    key=IDENTITY_KEY,
    issued_at=NOW,
).token
PEM = public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
JWK = {name: value for name, value in ATTACKER.public_jwk().items() if name != "kid"}
GOOD = token()

ATTACKS: dict[str, str] = {
    # No signature.
    **{f"alg {alg!r}": token({"alg": alg}, sign=lambda _: b"")
       for alg in ("none", "None", "NONE", "nOnE", "", None, 0, ["ES256"])},
    "alg none with the good signature": GOOD.replace(part(HEADER), part(HEADER | {"alg": "none"})),
    "alg missing": token({"alg": ...}),
    "signature missing": token(sign=lambda _: b""),
    "signature and dot missing": GOOD.rpartition(".")[0],
    # A signature that proves nothing.
    "signature of zeros": token(sign=lambda _: bytes(64)),
    "signature of the order": token(sign=lambda _: ORDER.to_bytes(32, "big") * 2),
    "signature with another r": token(sign=with_another_r),
    "signature as DER": token(sign=der_signature),
    "signature with a byte more": token(sign=lambda text: es256(text) + b"\0"),
    "signature of another token": token({}, {"sub": "client-2"}, lambda _: es256("x")),
    # The public key as a shared secret (RFC 8725 section 2.1).
    **{f"HS256 with {name}": token({"alg": "HS256"}, sign=hs256(secret)) for name, secret in {
        "the PEM": PEM,
        "the PEM without line end": PEM.strip(),
        "the DER": public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the point": public(Encoding.X962, PublicFormat.UncompressedPoint),
        "the JWK": json.dumps(KEY.public_jwk()).encode(),
        "nothing": b"",
    }.items()},
    "HS256 under the name ES256": token(sign=hs256(PEM)),
    # Other algorithms, with keys of the attacker.
    "RS256": with_algorithm("RS256", RSA_KEY),
    "PS256": with_algorithm("PS256", RSA_KEY),
    "ES384": with_algorithm("ES384", ec.generate_private_key(ec.SECP384R1())),
    "ES256K": with_algorithm("ES256K", ec.generate_private_key(ec.SECP256K1())),
    "EdDSA": with_algorithm("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    "es256 in small letters": token({"alg": "es256"}),
    # Keys that the token brings along.
    "jwk": token({"jwk": JWK}, sign=attackers),
    "jwk and its kid": token({"jwk": JWK, "kid": ATTACKER.kid}, sign=attackers),
    "jku": token({"jku": f"{OTHER}/jwks.json", "kid": ATTACKER.kid}, sign=attackers),
    "x5u": token({"x5u": f"{OTHER}/chain.pem"}, sign=attackers),
    "x5c": token({"x5c": [part(b"certificate")]}, sign=attackers),
    "x5t": token({"x5t": part(hashlib.sha1(b"x").digest())}, sign=attackers),
    **{f"{name} over a good signature": token({name: value}) for name, value in {
        "jwk": JWK, "jku": f"{OTHER}/jwks.json", "x5u": OTHER, "x5c": ["x"], "x5t#S256": "x",
        "crit": ["exp"], "b64": False, "zip": "DEF", "cty": "JWT", "unknown": 1,
    }.items()},
    "crit of an unknown one": token({"crit": ["unknown"], "unknown": 1}),
    "kid as a path": token({"kid": "../../dev/null"}, sign=hs256(b"")),
    "kid as SQL": token({"kid": "x' UNION SELECT 'key"}),
    "kid of another": token({"kid": "another"}),
    "kid missing": token({"kid": ...}),
    # Keys of others.
    "the key of another node": token(sign=attackers),
    "the key of another node under its name": token({"kid": ATTACKER.kid}, sign=attackers),
    "the footprint key": token(sign=lambda text: es256(text, FOOTPRINT_KEY)),
    "the footprint key under its name": token(
        {"kid": FOOTPRINT_KEY.kid}, sign=lambda text: es256(text, FOOTPRINT_KEY)
    ),
    # Statements of another kind.
    "a status statement": status_statement(),
    "an entry of the key log": KEY_LOG_ENTRY,
    **{f"typ {typ!r}": token({"typ": typ}) for typ in (
        "JWT", "jwt", "at+jwt ", "AT+JWT", "application/at+jwt", "underseal-footprint+sd-jwt",
        "underseal-status+jwt", "underseal-key-log+jwt", "client-authentication+jwt", "", None, 1,
    )},
    "typ missing": token({"typ": ...}),
    "a statement by the token key": own_statement("underseal-status+jwt", KEY),
    # Claims.
    **{f"{name} missing": token({}, {name: ...}) for name in
       ("iss", "sub", "aud", "exp", "iat", "jti")},
    **{f"iss {iss!r}": token({}, {"iss": iss}) for iss in
       (OTHER, ISSUER + "/", ISSUER.upper(), f"{ISSUER}.evil.example", [ISSUER], None, 1)},
    **{f"aud {aud!r}": token({}, {"aud": aud}) for aud in
       (OTHER, ISSUER + "/", [ISSUER], [ISSUER, OTHER], [], None, {ISSUER: 1})},
    **{f"exp {exp!r}": token({}, {"exp": exp}) for exp in
       (SECONDS, SECONDS - 1, 0, -1, str(SECONDS + 900), SECONDS + 900.5, True, None, 10**30)},
    **{f"iat {iat!r}": token({}, {"iat": iat}) for iat in
       (SECONDS + 61, SECONDS + 10**6, "now", True, None, -(10**30))},
    **{f"nbf {nbf!r}": token({}, {"nbf": nbf}) for nbf in
       (SECONDS + 61, "now", None, True, 10**30)},
    **{f"sub {sub!r}": token({}, {"sub": sub}) for sub in (None, 1, ["client-1"])},
    # What is no JWS in the compact form, or not of the usual making.
    "claims with text for sub": token({}, {"sub": {"client": 1}}),
    "empty": "",
    "dots": "..",
    "five parts": f"{GOOD}.x.y",
    "JSON form": json.dumps(
        dict(zip(("protected", "payload", "signature"), GOOD.split("."), strict=True))
    ),
    "nested": token({"cty": "JWT"}, GOOD.encode()),
    "claims are a list": token({}, b"[]"),
    "claims are no JSON": token({}, b"\xff"),
    "claims are NaN": token({}, json.dumps(CLAIMS | {"exp": float("nan")}).encode()),
    "header is a list": token(b"[]"),
    "header is deep": token(b"[" * 2000 + b"]" * 2000),
    "header twice": token(json.dumps(HEADER)[:-1].encode() + b', "alg": "none"}'),
    "too long": token({}, {"filling": "x" * 5000}),
    "white space": GOOD.replace(".", " .", 1),
}  # fmt: skip


@dataclass
class Checked:
    """A verifier of tokens, once fresh and once after it has seen the good one."""

    fresh: AccessTokens
    used: AccessTokens


@pytest.fixture
def checked() -> Checked:
    used = AccessTokens(always, 900)
    used.verify(GOOD, NOW)
    return Checked(AccessTokens(always, 900), used)


def test_the_control_is_accepted(checked: Checked) -> None:
    assert checked.fresh.verify(GOOD, NOW).client_id == "client-1"
    assert len(ATTACKS) > 100


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused(checked: Checked, attack: str) -> None:
    for tokens in (checked.fresh, checked.used):
        for _ in range(2):  # nothing of it is remembered
            with pytest.raises(TokenError) as refused:
                tokens.verify(attack, NOW)
            assert len(attack) < 8 or attack not in refused.value.diagnosis()


@pytest.mark.parametrize("skew", [-60, 60])
def test_a_clock_may_be_set_back_by_a_minute(skew: int) -> None:
    """The end is exact, because the clock that issued it is the one that checks it."""
    tokens = AccessTokens(always, 900)
    assert tokens.verify(GOOD, NOW + timedelta(seconds=skew)).client_id == "client-1"
    assert tokens.verify(token({}, {"nbf": SECONDS + 60}), NOW).client_id == "client-1"
    with pytest.raises(TokenInvalidError, match="not valid before") as refused:
        tokens.verify(GOOD, NOW - timedelta(seconds=61))
    assert "clock" in (refused.value.hint or "")
    assert tokens.verify(GOOD, NOW).client_id == "client-1"


def test_an_access_token_is_no_other_statement() -> None:
    keys = PublicKeySet([KEY.public_key(), FOOTPRINT_KEY.public_key()])
    for typ in ("underseal-footprint+sd-jwt", "underseal-status+jwt", "underseal-key-log+jwt"):
        for purpose in (KeyPurpose.ACCESS_TOKEN, KeyPurpose.FOOTPRINT):
            with pytest.raises(ProtocolError):
                jws.verify(GOOD, typ=typ, purpose=purpose, keys=keys)


def always(*, look: bool = False) -> TokenKeys:
    """One key, for ever."""
    return KEYS


def register(session: Session) -> None:
    """A peer whose client is that of the good token."""
    peer = peers.add(session, Peer(name="client", created_at=NOW))
    peers.issue(session, peer.id or 0, "client-1", "no secret", NOW)


async def test_the_endpoints_refuse_every_attack(node: Node, clock: StandingClock) -> None:
    """Also what has to travel in a header; with 401 and the Error object."""
    node.store.write_sync(register)
    opened = open_node(node.home.path, role="public", clock=clock)
    opened._token_keys = TokenKeys(opened.own.number, KEYS.keys, KEYS.sealing, opened.own.urls)
    app = create_public_app(opened)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    url = opened.identity.url
    try:
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            good = await client.get("/3/footprints", headers={"authorization": f"Bearer {GOOD}"})
            assert good.status_code == 200
            for name, attack in ATTACKS.items():
                headers = {"authorization": f"Bearer {attack}"}
                for method, path in (
                    ("GET", "/3/footprints"),
                    ("GET", "/3/footprints/079e425a-464f-428d-841d-4a944a1dfd70"),
                    ("GET", "/extensions/status/079e425a-464f-428d-841d-4a944a1dfd70"),
                    ("POST", "/3/events"),
                ):
                    answer = await client.request(method, path, headers=headers)
                    assert answer.status_code == 401, (name, path)
                    assert set(answer.json()) == {"code", "message"}
    finally:
        app.state.context.serving.close()
        opened.close()
