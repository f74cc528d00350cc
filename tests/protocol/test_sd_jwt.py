"""SD-JWT as in RFC 9901: its examples, its refusals, and an independent implementation."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from underseal_protocol import jws, sd_jwt
from underseal_protocol.errors import CredentialError, SignatureMismatchError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey, thumbprint

VECTOR = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "rfc9901.json").read_text()
)
DISCLOSURES: dict[str, str] = VECTOR["disclosures"]
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)


def compact(*names: str) -> str:
    return sd_jwt.join_compact(VECTOR["jwt"], [DISCLOSURES[name] for name in names])


def claims_of(text: str) -> dict[str, Any]:
    jwt, disclosures = sd_jwt.split_compact(text)
    return sd_jwt.reveal(jws.parse(jwt).payload, disclosures)


def encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class TestTheExampleOfTheSpecification:
    def test_the_signature_is_that_of_the_issuer(self) -> None:
        key_set = PublicKeySet.from_jwks({"keys": [VECTOR["issuer_key"]]})
        kid = thumbprint(VECTOR["issuer_key"])
        key = key_set.get(kid, KeyPurpose.FOOTPRINT)
        jws.check_signature(jws.parse(VECTOR["jwt"]), key, kid=kid)
        with pytest.raises(SignatureMismatchError):
            jws.check_signature(
                jws.parse(VECTOR["jwt"]), KEY.private_key.public_key(), kid="another"
            )

    @pytest.mark.parametrize("name", DISCLOSURES)
    def test_digests(self, name: str) -> None:
        assert sd_jwt.disclosure_digest(DISCLOSURES[name]) == VECTOR["digests"][name]
        assert sd_jwt.Disclosure.parse(DISCLOSURES[name]).digest == VECTOR["digests"][name]

    def test_everything_disclosed(self) -> None:
        assert claims_of(compact(*DISCLOSURES)) == VECTOR["claims"]

    def test_nothing_disclosed(self) -> None:
        visible = {name: VECTOR["claims"][name] for name in ("iss", "iat", "exp", "sub", "cnf")}
        assert claims_of(compact()) == visible | {"nationalities": []}

    def test_the_presentation_of_section_5_2(self) -> None:
        claims = claims_of(compact("family_name", "address", "given_name", "nationalities/US"))
        assert claims["nationalities"] == ["US"]
        assert claims["address"] == VECTOR["claims"]["address"]
        assert not claims.keys() & {"email", "phone_number", "birthdate", "updated_at"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (VECTOR["jwt"], "ends with '~'"),
            ("", "ends with '~'"),
            (compact() + "e30.e30.AAAA", "ends with '~'"),
            (compact() + "~", "empty disclosure"),
            (compact("email") + DISCLOSURES["email"] + "~", "same disclosure twice"),
            (VECTOR["jwt"] + "~" * 200, "at most"),
        ],
    )
    def test_other_compact_forms(self, text: str, reason: str) -> None:
        with pytest.raises(CredentialError, match=reason):
            sd_jwt.split_compact(text)

    @pytest.mark.parametrize(
        ("encoded", "reason"),
        [
            (encode({"salt": 1}), "is not"),
            (encode(["salt"]), "is not"),
            (encode(["salt", "name", 1, 2]), "is not"),
            (encode([1, "name", 2]), "is not"),
            (encode(["salt", 5, 2]), "name 5"),
            (encode(["salt", "_sd", []]), "'_sd'"),
            (encode(["salt", "...", 1]), r"'\.\.\.'"),
            (encode(["salt", "name", 1]) + "=", "cannot be read"),
            ("ä", "cannot be read"),
            (base64.urlsafe_b64encode(b"[1,").decode(), "cannot be read"),
            (
                base64.urlsafe_b64encode(b'["s","n",{"a":1,"a":2}]').decode().rstrip("="),
                "cannot be read",
            ),
            ("A" * (sd_jwt.MAX_DISCLOSURE_CHARACTERS + 1), "at most"),
        ],
    )
    def test_malformed_disclosures(self, encoded: str, reason: str) -> None:
        with pytest.raises(CredentialError, match=reason):
            sd_jwt.Disclosure.parse(encoded)

    def test_a_disclosure_that_was_not_signed(self) -> None:
        foreign = encode(["salt", "given_name", "Jane"])
        with pytest.raises(CredentialError, match=r"'given_name'.*did not sign"):
            claims_of(sd_jwt.join_compact(VECTOR["jwt"], [DISCLOSURES["email"], foreign]))

    @pytest.mark.parametrize(
        ("payload", "items", "reason"),
        [
            ({"_sd_alg": "sha-512"}, [], "expected 'sha-256'"),
            ({"_sd": "digest"}, [], "not an array"),
            ({"_sd": [1]}, [], "expected a text"),
            ({"_sd": ["d", "d"]}, [], "occurs twice"),
            ({"_sd": ["d"], "inner": {"_sd": ["d"]}}, [], "occurs twice"),
            ({"a": [{"...": "d"}, {"...": "d"}]}, [], "occurs twice"),
            ({"a": [{"...": "d", "b": 1}]}, [], "something else"),
            ({"_sd": ["@0"], "name": 1}, [["salt", "name", 2]], "there already"),
            ({"_sd": ["@0", "@1"]}, [["s1", "n", 1], ["s2", "n", 2]], "there already"),
            ({"_sd": ["@0"]}, [["salt", 2]], "in the place of a claim"),
            ({"a": [{"...": "@0"}]}, [["salt", "n", 2]], "as array element"),
        ],
    )
    def test_payloads(self, payload: dict[str, Any], items: list[Any], reason: str) -> None:
        encoded = [encode(item) for item in items]
        text = json.dumps(payload)
        for index, item in enumerate(encoded):
            text = text.replace(f"@{index}", sd_jwt.disclosure_digest(item))
        with pytest.raises(CredentialError, match=reason):
            sd_jwt.reveal(json.loads(text), encoded)


def test_salts_are_long_and_fresh() -> None:
    salts = sd_jwt.new_salts(600)
    assert len(set(salts)) == 600
    assert {len(salt) for salt in salts} == {22}
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert set("".join(salts)) == alphabet


# --- an independent implementation, both ways -------------------------------------------------

# Without NUL, which no statement may hold: a database would not take it.
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
).filter(lambda name: name not in ("_sd", "...", "_sd_alg", "iss", "cnf"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("aß€", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def _hidden(value: Any, flags: Any) -> Any:
    """The same claims, some of them marked as selectively disclosable, at any depth."""
    if isinstance(value, dict):
        return {
            (SDObj(name) if flags() else name): _hidden(member, flags)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [SDObj(_hidden(item, flags)) if flags() else _hidden(item, flags) for item in value]
    return value


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.data())
def test_we_read_what_the_other_implementation_issues(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    private = JWK.from_pem(KEY.to_pem())
    issued = SDJWTIssuer(
        _hidden(claims, lambda: data.draw(st.booleans())) | {"iss": "https://a.example"}, private
    )
    jwt, disclosures = sd_jwt.split_compact(issued.sd_jwt_issuance)
    token = jws.parse(jwt)
    jws.check_signature(token, KEY.private_key.public_key(), kid=KEY.kid)
    assert sd_jwt.reveal(token.payload, disclosures) == claims | {"iss": "https://a.example"}


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.data())
def test_the_other_implementation_reads_what_we_issue(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    items = {
        name: sd_jwt.Disclosure.of_claim(salt, name, value)
        for salt, (name, value) in zip(sd_jwt.new_salts(len(claims)), claims.items(), strict=True)
    }
    payload = {
        "iss": "https://a.example",
        "_sd": sorted(item.digest for item in items.values()),
        "_sd_alg": "sha-256",
    }
    jwt = jws.sign(payload, typ="example+sd-jwt", key=KEY)
    shown = data.draw(st.sets(st.sampled_from(sorted(claims))) if claims else st.just(set()))
    text = sd_jwt.join_compact(jwt, [items[name].encoded for name in sorted(shown)])
    verifier = SDJWTVerifier(text, lambda issuer, header: JWK(**KEY.public_jwk()))
    expected = {name: claims[name] for name in shown} | {"iss": "https://a.example"}
    assert verifier.get_verified_payload() == expected


def test_we_read_what_another_holder_presents() -> None:
    issued = SDJWTIssuer(
        {"iss": "https://a.example", SDObj("a"): 1, SDObj("b"): [SDObj("x"), SDObj("y")]},
        JWK.from_pem(KEY.to_pem()),
    )
    holder = SDJWTHolder(issued.sd_jwt_issuance)
    holder.create_presentation({"b": [False, True]})
    assert claims_of(holder.sd_jwt_presentation) == {"iss": "https://a.example", "b": ["y"]}
