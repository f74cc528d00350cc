"""Attestations: what a verifier signed, and everything that is not that."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.attested import (
    DRAFT,
    NOW,
    OWNER,
    OWNER_KEY,
    OWNER_KEYS,
    VERIFICATION,
    VERIFIER,
    VERIFIER_KEY,
    VERIFIER_KEYS,
    Document,
    attest,
    document,
    published,
)
from tests.strategies import footprints

from underseal_protocol import jws, sd_jwt
from underseal_protocol.attestation import (
    ATTESTATION_SCHEMA_PATH,
    ATTESTATION_TYPE,
    attestation_entry,
    attestations_of,
    read_attestation,
    require_about,
    require_about_published,
    require_valid,
    verify_attestation,
)
from underseal_protocol.attestation_claims import Attestation, Statement
from underseal_protocol.canonical import digest
from underseal_protocol.credential import CREDENTIAL_TYPE, ContentMismatchError, verify
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.draft import make_draft
from underseal_protocol.errors import (
    AttestationError,
    AttestationExpiredError,
    CredentialError,
    KeySetError,
    SignatureMismatchError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.schemas import ATTESTATION_CLAIMS_SCHEMA_PATH, EXTENSION_SCHEMAS

FOUND = attest(DRAFT.subject)
SHOWN = [level for level in Level if Block.VERIFICATION in level.blocks]


def checked(shown: Document, token: str | None = None) -> Attestation:
    """As a buyer checks a footprint; the attestation beside it if `token` is given."""
    proven = verify(shown, keys=OWNER_KEYS, issuer=OWNER)
    (used,) = attestations_of(shown) if token is None else (token,)
    found = verify_attestation(used, keys=VERIFIER_KEYS, issuer=VERIFIER)
    require_about_published(found, shown, proven, is_carried=token is None)
    require_valid(found, NOW)
    return found


def test_an_attestation_says_what_was_signed() -> None:
    found = verify_attestation(f" {FOUND.token}\n", keys=VERIFIER_KEYS, issuer=VERIFIER + "/")
    assert found == FOUND == read_attestation(FOUND.token)
    assert found.subject == DRAFT.subject
    assert found.verification == VERIFICATION
    assert (found.verifier, found.kid) == (VERIFIER, VERIFIER_KEY.kid)
    assert (found.issued_at, found.valid_from) == (NOW, NOW)
    require_about(found, DRAFT.subject)
    require_valid(found, NOW)


@pytest.mark.parametrize("level", SHOWN)
def test_it_verifies_at_every_level_that_shows_it(level: Level) -> None:
    shown = published(DRAFT, FOUND, level)
    assert checked(shown) == FOUND
    assert shown["pcf"]["verification"] == VERIFICATION


def test_at_the_level_total_nothing_of_it_is_shown() -> None:
    shown = published(DRAFT, FOUND, Level.TOTAL)
    assert attestations_of(shown) == []
    assert "verification" not in shown["pcf"]
    verify(shown, keys=OWNER_KEYS, issuer=OWNER)


@pytest.mark.parametrize("level", list(Level))
def test_beside_the_footprint_it_verifies_at_every_level(level: Level) -> None:
    assert checked(published(DRAFT, None, level), FOUND.token) == FOUND


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(footprints(), st.sampled_from(SHOWN))
def test_any_footprint_can_be_attested(made: Document, level: Level) -> None:
    made["pcf"].pop("verification", None)
    draft = make_draft(made, issuer=OWNER)
    shown = published(draft, attest(draft.subject), level)
    assert checked(shown).subject == draft.subject
    bare = published(draft, None, Level.TOTAL)
    assert checked(bare, attest(draft.subject).token).subject == draft.subject


def test_the_attestation_belongs_to_the_block_that_it_does_not_cover() -> None:
    blocks = split(published(DRAFT, FOUND)).blocks
    assert blocks[Block.VERIFICATION] == {
        "pcf": {"verification": VERIFICATION},
        "extensions": [attestation_entry(FOUND)],
    }
    assert blocks[Block.OTHER] == split(DRAFT.document).blocks[Block.OTHER]
    assert Block.VERIFICATION not in FOUND.subject.blocks


@pytest.mark.parametrize("level", list(Level))
def test_what_was_added_without_its_disclosure_is_refused(level: Level) -> None:
    shown = published(DRAFT, None, level)
    shown["extensions"].append(attestation_entry(FOUND))
    with pytest.raises(ContentMismatchError, match="the block 'verification'"):
        verify(shown, keys=OWNER_KEYS, issuer=OWNER)


@pytest.mark.parametrize("level", SHOWN)
def test_an_attestation_that_was_taken_out_is_missed(level: Level) -> None:
    shown = published(DRAFT, FOUND, level)
    del shown["extensions"][1]
    with pytest.raises(ContentMismatchError, match="the block 'verification'"):
        verify(shown, keys=OWNER_KEYS, issuer=OWNER)


# --- another footprint than the attested one ----------------------------------------------------

LEAVES: list[tuple[str, Callable[[Document], object], str]] = [
    ("id", lambda d: d.update(id="00000000-0000-4000-8000-000000000001"), "about the footprint"),
    ("company", lambda d: d.update(companyName="别的公司"), "the core is not what was attested"),
    ("total", lambda d: d["pcf"].update(pcfExcludingBiogenicUptake="2.14"), "the core"),
    ("created", lambda d: d.update(created="2026-02-10T09:30:01Z"), "the core"),
    ("predecessor", lambda d: d.pop("precedingPfIds"), "the core"),
    ("quality", lambda d: d["pcf"]["dqi"].update(temporalDQR="2"), "the block 'quality'"),
    ("emissions", lambda d: d["pcf"].update(aircraftGhgEmissions="0"), "the block 'emissions'"),
    ("carbon", lambda d: d["pcf"].update(recycledCarbonContent="0"), "the block 'carbon'"),
    ("method", lambda d: d.update(comment="一"), "the block 'method'"),
    ("other", lambda d: d.update({"x-plant": "宁德 3"}), "the block 'other'"),
    ("extension", lambda d: d["extensions"][0]["data"].update(c="e"), "the block 'other'"),
]


@pytest.mark.parametrize(
    ("change", "message"), [one[1:] for one in LEAVES], ids=[one[0] for one in LEAVES]
)
@pytest.mark.parametrize("level", list(Level))
def test_a_single_change_is_refused_at_every_level(
    change: Callable[[Document], object], message: str, level: Level
) -> None:
    """The owner signs something else with the salts of the draft as far as they fit."""
    other = copy.deepcopy(DRAFT.document)
    change(other)
    changed = make_draft(other, issuer=OWNER)
    parts, before = split(other).blocks, split(DRAFT.document).blocks
    kept = {
        block: DRAFT.disclosures[block] if parts[block] == before[block] else encoded
        for block, encoded in changed.disclosures.items()
    }
    object.__setattr__(changed, "disclosures", kept)
    with pytest.raises(AttestationError, match=message):
        require_about(FOUND, changed.subject)
    with pytest.raises(AttestationError, match=message):
        checked(published(changed, None, level), FOUND.token)
    if level in SHOWN:
        with pytest.raises(AttestationError, match=message):
            checked(published(changed, FOUND, level))


def test_fresh_salts_are_another_footprint() -> None:
    """So a footprint cannot be republished with other salts under the same attestation."""
    again = make_draft(document(), issuer=OWNER)
    with pytest.raises(AttestationError, match="the block 'quality' is not what was attested"):
        checked(published(again, FOUND, Level.QUALITY))
    with pytest.raises(AttestationError, match="is not among those of the credential"):
        checked(published(again, None, Level.TOTAL), FOUND.token)


def test_of_two_disclosures_of_one_block_the_attested_one_counts() -> None:
    """An owner signs the attested quality and another one, and shows the other one."""
    lie = copy.deepcopy(DRAFT.document)
    lie["pcf"]["dqi"]["temporalDQR"] = "3"
    shown = published(make_draft(lie, issuer=OWNER), None, Level.QUALITY)
    jwt, (quality, _) = sd_jwt.split_compact(shown["extensions"][0]["data"]["sdJwt"])
    claims = dict(jws.parse(jwt).payload)
    digests = [*DRAFT.subject.blocks.values(), sd_jwt.disclosure_digest(quality)]
    claims["_sd"] = sorted(digests)
    forged = jws.sign(claims, typ=CREDENTIAL_TYPE, key=OWNER_KEY)
    shown["extensions"][0]["data"]["sdJwt"] = sd_jwt.join_compact(forged, [quality])
    with pytest.raises(AttestationError, match="the block 'quality' is not what was attested"):
        checked(shown, FOUND.token)


@pytest.mark.parametrize(
    "other",
    [
        {**VERIFICATION, "providerName": "Another"},
        {**VERIFICATION, "comments": "We agree."},
        {"coverage": "product level"},
        {},
        None,
    ],
)
def test_the_published_verification_is_the_one_that_was_signed(other: Document | None) -> None:
    made = attest(DRAFT.subject)
    object.__setattr__(made, "verification", other or {})
    shown = published(DRAFT, made)
    if other is None:
        del shown["pcf"]["verification"]
        with pytest.raises(ContentMismatchError):
            checked(shown)
        return
    with pytest.raises(AttestationError, match="the verifier signed"):
        checked(shown)


# --- who signed, and until when -----------------------------------------------------------------


def test_other_keys() -> None:
    stranger = SigningKey.generate(KeyPurpose.ATTESTATION)
    with pytest.raises(KeySetError, match="not in the trusted key set"):
        verify_attestation(
            attest(DRAFT.subject, key=stranger).token, keys=VERIFIER_KEYS, issuer=VERIFIER
        )
    for purpose in set(KeyPurpose) - {KeyPurpose.ATTESTATION}:
        key = SigningKey.generate(purpose)
        with pytest.raises(CredentialError, match=purpose):
            attest(DRAFT.subject, key=key)
        forged = jws.sign(jws.parse(FOUND.token).payload, typ=ATTESTATION_TYPE, key=key)
        with pytest.raises(KeySetError, match=f"is for {purpose}"):
            verify_attestation(forged, keys=PublicKeySet([key.public_key()]), issuer=VERIFIER)


def test_another_verifier() -> None:
    with pytest.raises(AttestationError, match=r"is of 'https://verifier\.example', exp"):
        verify_attestation(FOUND.token, keys=VERIFIER_KEYS, issuer="https://other.example")
    verify_attestation(FOUND.token, keys=VERIFIER_KEYS, issuer=None)


def test_an_altered_attestation() -> None:
    header, payload, signature = FOUND.token.split(".")
    other = attest(DRAFT.subject, level="reasonable").token.split(".")[1]
    assert payload != other
    with pytest.raises(SignatureMismatchError):
        verify_attestation(f"{header}.{other}.{signature}", keys=VERIFIER_KEYS, issuer=None)


def test_nobody_attests_his_own_footprint() -> None:
    with pytest.raises(AttestationError, match="attests its own footprint"):
        attest(DRAFT.subject, issuer=OWNER)


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (timedelta(days=365), "was valid until 2027-03-01T12:00:00Z, now is 2027"),
        (timedelta(days=9999), "was valid until"),
        (timedelta(minutes=-5, seconds=-1), "is valid from 2026-03-01T12:00:00Z on, now is"),
    ],
)
def test_outside_of_its_validity(after: timedelta, message: str) -> None:
    with pytest.raises(AttestationExpiredError, match=message):
        require_valid(FOUND, NOW + after)


@pytest.mark.parametrize("after", [timedelta(minutes=-5), timedelta(days=365, seconds=-1)])
def test_within_its_validity(after: timedelta) -> None:
    require_valid(FOUND, NOW + after)


# --- malformed ----------------------------------------------------------------------------------


def claims(**changes: Any) -> Document:
    made = dict(jws.parse(FOUND.token).payload)
    return {name: value for name, value in (made | changes).items() if value is not ...}


def test_the_claims_are_those_of_the_schema() -> None:
    schema = EXTENSION_SCHEMAS[ATTESTATION_CLAIMS_SCHEMA_PATH]
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(claims())
    validator.validate(claims(statement={"url": "https://a.example", "sha256": digest({})}))
    jsonschema.validate(
        attestation_entry(FOUND)["data"], EXTENSION_SCHEMAS[ATTESTATION_SCHEMA_PATH]
    )
    for broken in (claims(statement={"fileName": "x"}), claims(level="some"), claims(x=1)):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(broken)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (claims(exp=...), "has the claims"),
        (claims(x=1), "has the claims"),
        (claims(iss="verifier"), "iss = 'verifier', expected a URL"),
        (claims(owner=5), "owner = 5"),
        (claims(sub=""), "sub = ''"),
        (claims(core=None), "core = None"),
        (claims(iat="1"), "iat is '1'"),
        (claims(nbf=True), "iat is True"),
        (claims(exp=1), "would be valid from"),
        (claims(blocks={}), "covers {}"),
        (claims(blocks=[]), "covers"),
        (claims(blocks=claims()["blocks"] | {"verification": "A" * 43}), "covers"),
        (claims(blocks=claims()["blocks"] | {"quality": "x"}), "digests that are none"),
        (claims(blocks=claims()["blocks"] | {"quality": ["x"]}), "digests that are none"),
        (claims(blocks=dict.fromkeys(claims()["blocks"], "A" * 43)), "digests that are none"),
        (claims(verifierIds=[]), "expected URNs"),
        (claims(verifierIds=["lei:x"]), "expected URNs"),
        (claims(verifierIds="urn:lei:x"), "expected URNs"),
        (claims(verifierIds=["urn:lei:x"] * 21), "expected URNs"),
        (claims(level="absolute"), "expected limited or reasonable"),
        (claims(level=["limited"]), "expected limited or reasonable"),
        (claims(verification="x"), "lacks coverage"),
        (claims(verification={**VERIFICATION, "coverage": "all"}), "verification.coverage = 'all'"),
        (claims(verification={**VERIFICATION, "completedAt": "today"}), "verification.completedAt"),
        (
            claims(verification={**VERIFICATION, "completedAt": "2026-02-27T01:00:00+01:00"}),
            "expected it in the form",
        ),
        (claims(verification={**VERIFICATION, "x": "y"}), "expected it in the form"),
        (claims(verification={**VERIFICATION, "comments": ""}), "the comments"),
        (claims(verification={**VERIFICATION, "standardName": "x" * 301}), "lacks standardName"),
        (claims(statement={}), "holds no statement"),
        (claims(statement="x"), "holds no statement"),
        (claims(statement={"fileName": "x.pdf"}), "holds no statement"),
        (claims(statement={"text": ""}), "text = ''"),
        (claims(statement={"text": "x" * 2001}), "at most 2000"),
        (claims(statement={"text": "x", "y": "z"}), "y = 'z'"),
        (claims(statement={"url": "a b"}), "which is none"),
        (claims(statement={"sha256": "A" * 42}), "not SHA-256"),
    ],
)
def test_malformed_attestations(payload: Document, message: str) -> None:
    token = jws.sign(payload, typ=ATTESTATION_TYPE, key=VERIFIER_KEY)
    for read in (
        read_attestation,
        lambda text: verify_attestation(text, keys=VERIFIER_KEYS, issuer=None),
    ):
        with pytest.raises(CredentialError, match=message):
            read(token)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", FOUND.token + ".x", "." * 40_000])
def test_what_is_no_jws(text: str) -> None:
    with pytest.raises(CredentialError):
        read_attestation(text)


def test_another_kind_of_statement() -> None:
    other = jws.sign(claims(), typ="underseal-status+jwt", key=VERIFIER_KEY)
    with pytest.raises(CredentialError, match="expected 'underseal-attestation"):
        verify_attestation(other, keys=VERIFIER_KEYS, issuer=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"statement": Statement()}, "holds no statement"),
        ({"statement": Statement(text="\ud800")}, "cannot be attested"),
        ({"verification": {}}, "lacks coverage, providerName, completedAt, standardName"),
        ({"valid_until": NOW}, "would be valid from"),
        ({"verifier_ids": []}, "expected URNs"),
        (
            {
                "statement": Statement(text="声" * 2000),
                "verification": {**VERIFICATION, "comments": "明" * 2000},
            },
            "at most 16384 are taken",
        ),
    ],
)
def test_refused_on_issue(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AttestationError, match=message):
        attest(DRAFT.subject, **changes)


def test_a_naive_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        attest(DRAFT.subject, valid_until=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(x=1),
        lambda one: one.update(data="x"),
        lambda one: one.update(data={"jws": 1}),
        lambda one: one.update(data={"jws": "x", "y": 1}),
        lambda one: one.pop("specVersion"),
    ],
)
def test_an_entry_of_another_form(change: Callable[[Document], object]) -> None:
    entry = attestation_entry(FOUND)
    change(entry)
    with pytest.raises(AttestationError, match="does not hold exactly"):
        attestations_of({"extensions": [entry]})


def test_too_many_attestations() -> None:
    entries = [attestation_entry(FOUND)] * 9
    assert len(attestations_of({"extensions": entries[:8]})) == 8
    with pytest.raises(AttestationError, match="9 attestations, expected at most 8"):
        attestations_of({"extensions": entries})
    assert attestations_of({}) == attestations_of({"extensions": "x"}) == []
