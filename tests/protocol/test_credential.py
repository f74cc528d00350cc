"""The credential: issued once, verified at every level, cross-checked with another library."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from underseal_protocol import credential, jws, segments, strict_json
from underseal_protocol.canonical import digest
from underseal_protocol.credential import (
    CREDENTIAL_SCHEMA_PATH,
    CREDENTIAL_TYPE,
    IssuedCredential,
    credential_of,
    issue,
    reopen,
    verify,
)
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.errors import (
    CredentialError,
    JsonError,
    MissingCredentialError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

VECTORS = Path(__file__).parents[1] / "vectors" / "credential"
SAMPLE = json.loads((VECTORS / "footprint.json").read_text("utf-8"))
ISSUER = "https://pcf.kathodenwerk.example:8443"
NOW = datetime(2025, 7, 1, 9, 30, 15, 999_999, tzinfo=UTC)
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})


def issued(document: dict[str, Any] = SAMPLE, issuer: str = ISSUER) -> IssuedCredential:
    return issue(document, key=KEY, issuer=issuer, issued_at=NOW)


def served(level: Level, document: dict[str, Any] = SAMPLE, issuer: str = ISSUER) -> dict[str, Any]:
    packed = segments.pack(document, issued(document, issuer), issuer)
    value = strict_json.loads(segments.render(packed, level, "Active"))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("level", list(Level))
def test_what_was_verified_is_read_again_without_the_key(level: Level) -> None:
    document = served(level)
    verified = verify(document, keys=KEYS, issuer=ISSUER)
    assert reopen(document, digest=verified.digest) == verified


def test_only_what_was_verified_is_read_again() -> None:
    document = served(Level.TOTAL)
    with pytest.raises(CredentialError, match="was verified"):
        reopen(document, digest="A" * 43)
    digest_of_it = verify(document, keys=KEYS, issuer=ISSUER).digest
    with pytest.raises(credential.ContentMismatchError, match="the core is not what was signed"):
        reopen(document | {"productDescription": "x"}, digest=digest_of_it)
    with pytest.raises(MissingCredentialError):
        reopen(SAMPLE, digest=digest_of_it)


@pytest.mark.parametrize("level", list(Level))
def test_each_level_verifies_and_tells_what_is_withheld(level: Level) -> None:
    verified = verify(served(level), keys=KEYS, issuer=ISSUER)
    assert verified.issuer == ISSUER
    assert verified.kid == KEY.kid
    assert verified.issued_at == NOW.replace(microsecond=0)
    assert verified.disclosed == set(level.blocks)
    assert verified.withheld == set(Block) - set(level.blocks)


def test_the_issuer_signed_part_is_the_same_for_everybody() -> None:
    one = issued()
    texts = [one.compact(level) for level in Level]
    assert {text.split("~")[0] for text in texts} == {one.jwt}
    packed = segments.pack(SAMPLE, one, ISSUER)
    digests = set()
    for level in Level:
        document = json.loads(segments.render(packed, level, "Active"))
        assert credential_of(document) == one.compact(level)
        digests.add(verify(document, keys=KEYS, issuer=ISSUER).digest)
    assert digests == {one.digest}


def test_two_credentials_for_one_footprint_have_two_digests() -> None:
    assert issued().digest != issued().digest


def test_what_is_signed() -> None:
    token = jws.parse(issued().jwt)
    assert token.header == {"alg": "ES256", "kid": KEY.kid, "typ": CREDENTIAL_TYPE}
    payload = token.payload
    assert payload.keys() == {"iss", "sub", "iat", "core", "_sd", "_sd_alg"}
    assert payload["iss"] == ISSUER
    assert payload["sub"] == SAMPLE["id"]
    assert payload["iat"] == int(NOW.timestamp())
    assert payload["core"] == digest(split(SAMPLE).core)
    assert payload["_sd"] == sorted(payload["_sd"])
    assert len(set(payload["_sd"])) == 6


def test_an_empty_block_has_a_disclosure_like_any_other() -> None:
    bare = {"id": SAMPLE["id"], "pcf": {"declaredUnitAmount": "1"}}
    rich, poor = issued(), issued(bare)
    assert poor.disclosures.keys() == rich.disclosures.keys() == set(Block)
    for block in Block:
        assert len(poor.disclosures[block]) == len(rich.disclosures[block])
    document = served(Level.QUALITY, bare)
    verified = verify(document, keys=KEYS, issuer=ISSUER)
    assert Block.QUALITY in verified.disclosed  # so: absent
    assert Block.METHOD in verified.withheld  # so: unknown


def test_status_is_not_bound() -> None:
    document = served(Level.FULL)
    document["status"] = "Deprecated"
    verify(document, keys=KEYS, issuer=ISSUER)
    del document["status"]
    verify(document, keys=KEYS, issuer=ISSUER)


def test_order_and_spelling_of_the_json_do_not_matter() -> None:
    document = served(Level.FULL)
    text = json.dumps(document, indent=3, ensure_ascii=True, sort_keys=True)
    again = strict_json.loads(text)
    assert isinstance(again, dict)
    assert isinstance(again["extensions"], list)
    again["extensions"].reverse()
    verify(again, keys=KEYS, issuer=ISSUER)


def test_a_host_system_that_knows_nothing_of_it_sees_an_ordinary_extension() -> None:
    entry = served(Level.FULL)["extensions"][0]
    assert entry.keys() == {"specVersion", "dataSchema", "data"}
    assert entry["dataSchema"] == ISSUER + CREDENTIAL_SCHEMA_PATH
    assert entry["specVersion"] == "2.0.0"


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER + "/", None])
def test_the_expected_issuer(issuer: str | None) -> None:
    assert verify(served(Level.TOTAL), keys=KEYS, issuer=issuer).issuer == ISSUER


def test_a_trailing_slash_is_not_part_of_the_issuer() -> None:
    document = served(Level.TOTAL, issuer=ISSUER + "/")
    assert verify(document, keys=KEYS, issuer=ISSUER).issuer == ISSUER


def test_a_document_without_credential() -> None:
    assert credential_of(SAMPLE) is None
    others: list[dict[str, Any]] = [{"pcf": {}}, {"extensions": None}, {"extensions": []}]
    for document in (SAMPLE, *others):
        with pytest.raises(MissingCredentialError, match="no credential"):
            verify(document, keys=KEYS, issuer=ISSUER)


def test_issuing_leaves_the_document_alone() -> None:
    before = copy.deepcopy(SAMPLE)
    served(Level.FULL)
    assert before == SAMPLE


def test_an_older_credential_is_not_carried_over() -> None:
    document = served(Level.FULL)
    again = served(Level.FULL, document)
    assert len([e for e in again["extensions"] if "sdJwt" in e["data"]]) == 1
    verify(again, keys=KEYS, issuer=ISSUER)


@pytest.mark.parametrize("aware", [timezone(timedelta(hours=5)), UTC])
def test_any_aware_time_will_do(aware: timezone) -> None:
    one = issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW.astimezone(aware))
    assert jws.parse(one.jwt).payload["iat"] == int(NOW.timestamp())


class TestRefusedOnPublication:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('"x": 9007199254740993', "exact IEEE double"),
            ('"x": -9007199254740992', "exact IEEE double"),
            ('"x": "\\ud800"', "surrogate"),
            ('"\\udc00": 1', "surrogate"),
            ('"x": NaN', "not finite"),
            ('"pcf": {"x": [1e999]}', "not finite"),
        ],
    )
    def test_values_without_canonical_form(self, text: str, reason: str) -> None:
        # By a lenient reader, so that it is `issue` that refuses.
        document = json.loads(json.dumps(SAMPLE)[:-1] + f", {text}" + "}")
        with pytest.raises(JsonError, match=reason):
            issued(document)

    @pytest.mark.parametrize(
        "text",
        [
            '{"id": "a", "id": "b"}',
            '{"x": "\\ud800"}',
            '{"x": 0.1000000000000000055}',
            '{"x": 1e400}',
        ],
    )
    def test_the_reader_for_publication_refuses_what_a_dict_cannot_show(self, text: str) -> None:
        with pytest.raises(JsonError):
            strict_json.loads(text, exact_numbers=True)

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"id": "x"},
            {"id": "x", "pcf": {}},
            {"id": 5, "pcf": {"declaredUnitAmount": "1"}},
            {"pcf": {"declaredUnitAmount": "1"}},
            {"id": "x", "pcf": [1]},
            {"id": "x", "pcf": {"a": 1}, "extensions": {}},
        ],
    )
    def test_what_is_no_footprint(self, document: dict[str, Any]) -> None:
        with pytest.raises(CredentialError):
            issued(document)

    @pytest.mark.parametrize("purpose", [KeyPurpose.ACCESS_TOKEN, KeyPurpose.RECEIPT])
    def test_a_key_for_something_else(self, purpose: KeyPurpose) -> None:
        with pytest.raises(CredentialError, match=purpose):
            issue(SAMPLE, key=SigningKey.generate(purpose), issuer=ISSUER, issued_at=NOW)

    def test_a_naive_time(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW.replace(tzinfo=None))


class TestSize:
    URL = "https://footprints.speciality-cathodes.example:8443/exchange"

    @pytest.mark.parametrize(("level", "limit_bytes"), [(Level.TOTAL, 1500), (Level.FULL, 2500)])
    def test_overhead_on_the_wire(self, level: Level, limit_bytes: int) -> None:
        assert len(self.URL) == 60
        packed = segments.pack(SAMPLE, issued(issuer=self.URL), self.URL)
        with_credential = segments.render(packed, level, "Active")
        document = json.loads(with_credential)
        document["extensions"] = [
            entry for entry in document["extensions"] if "sdJwt" not in entry["data"]
        ]
        if not document["extensions"]:
            del document["extensions"]
        without = strict_json.dumps(document)
        assert len(with_credential) - len(without) <= limit_bytes


class TestAnIndependentImplementation:
    """The package `sd-jwt` of the authors of RFC 9901."""

    @pytest.mark.parametrize("level", list(Level))
    def test_it_verifies_ours(self, level: Level) -> None:
        one = issued()
        verifier = SDJWTVerifier(one.compact(level), lambda issuer, header: JWK(**KEY.public_jwk()))
        parts = split(SAMPLE)
        assert verifier.get_verified_payload() == {
            "iss": ISSUER,
            "sub": SAMPLE["id"],
            "iat": int(NOW.timestamp()),
            "core": digest(parts.core),
        } | {block.value: digest(parts.blocks[block]) for block in level.blocks}

    def test_it_refuses_ours_with_another_key(self) -> None:
        stranger = SigningKey.generate(KeyPurpose.FOOTPRINT)
        with pytest.raises(Exception, match="Verification failed"):
            SDJWTVerifier(
                issued().compact(Level.FULL), lambda issuer, header: JWK(**stranger.public_jwk())
            )

    def test_we_verify_its(self) -> None:
        parts = split(SAMPLE)
        claims: dict[Any, Any] = {
            "iss": ISSUER,
            "sub": SAMPLE["id"],
            "iat": int(NOW.timestamp()),
            "core": digest(parts.core),
        }
        claims |= {SDObj(block.value): digest(parts.blocks[block]) for block in Block}
        theirs = SDJWTIssuer(
            claims,
            JWK.from_pem(KEY.to_pem()),
            extra_header_parameters={"typ": CREDENTIAL_TYPE, "kid": KEY.kid},
        )
        document = copy.deepcopy(SAMPLE)
        document["extensions"].append(
            {
                "specVersion": "2.0.0",
                "dataSchema": ISSUER + CREDENTIAL_SCHEMA_PATH,
                "data": {"sdJwt": theirs.sd_jwt_issuance},
            }
        )
        verified = verify(document, keys=KEYS, issuer=ISSUER)
        assert verified.disclosed == set(Block)
        document["pcf"]["dqi"]["temporalDQR"] = "1.0"
        with pytest.raises(credential.ContentMismatchError, match="'quality'"):
            verify(document, keys=KEYS, issuer=ISSUER)


def test_public_names() -> None:
    for name in credential.__all__:
        assert hasattr(credential, name)
