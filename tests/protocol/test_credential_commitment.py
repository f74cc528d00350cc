"""The root of a commitment in a credential: one more salted disclosure, at a place of its own."""

from __future__ import annotations

from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier
from tests.protocol.attested import NOW, OWNER, OWNER_KEY, OWNER_KEYS
from tests.protocol.committed import COMMITMENT, CREDENTIAL, DOCUMENT, LEAVES, shown, signed

from underseal_protocol import base64url, jws
from underseal_protocol.commitment import commit
from underseal_protocol.credential import CREDENTIAL_TYPE, VerifiedCredential, issue, verify
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import CommitmentError, CredentialError
from underseal_protocol.sd_jwt import Disclosure, disclosure_digest

ROOT = base64url.encode(COMMITMENT.root)
BLOCK = Disclosure.of_claim("salt" * 6, "quality", "A" * 43).encoded


def checked(compact: str) -> VerifiedCredential:
    document = shown()
    entry = next(one for one in document["extensions"] if "sdJwt" in one["data"])
    entry["data"]["sdJwt"] = compact
    return verify(document, keys=OWNER_KEYS, issuer=OWNER)


def resigned(more: str = "", **changes: Any) -> VerifiedCredential:
    """With other claims, all blocks, and more disclosures."""
    payload = {**jws.parse(CREDENTIAL.jwt).payload, **changes}
    payload = {name: value for name, value in payload.items() if value is not ...}
    jwt = jws.sign(payload, typ=CREDENTIAL_TYPE, key=OWNER_KEY)
    return checked("~".join([jwt, *CREDENTIAL.disclosures.values(), more]) + ("~" if more else ""))


def test_the_blocks_stay_six() -> None:
    payload = jws.parse(CREDENTIAL.jwt).payload
    assert len(payload["_sd"]) == 6
    assert payload["commitment"] == {"_sd": [COMMITMENT.digest]}
    again = jws.parse(signed(COMMITMENT).jwt).payload  # made here, not when this was imported
    assert again["commitment"] == {"_sd": [COMMITMENT.digest]}
    assert "commitment" not in jws.parse(signed(None).jwt).payload


@pytest.mark.parametrize("level", list(Level))
def test_a_reader_that_is_not_shown_the_root_knows_its_digest(level: Level) -> None:
    found = verify(shown(level), keys=OWNER_KEYS, issuer=OWNER)
    assert (found.commitment, found.root) == (COMMITMENT.digest, None)
    assert found.disclosed == set(level.blocks)
    assert COMMITMENT.digest not in found.block_digests


def test_a_root_that_is_shown_is_checked_like_a_block() -> None:
    found = checked(CREDENTIAL.compact(Level.FULL) + f"{COMMITMENT.disclosure}~")
    assert (found.commitment, found.root) == (COMMITMENT.digest, ROOT)
    assert found.shown_digests().keys() == set(Block)
    with pytest.raises(CredentialError, match="which the issuer did not sign"):
        checked(CREDENTIAL.compact(Level.FULL) + f"{commit(LEAVES).disclosure}~")
    with pytest.raises(CredentialError, match="which the issuer did not sign"):
        checked(signed(None).compact(Level.FULL) + f"{COMMITMENT.disclosure}~")


def test_other_software_reads_it() -> None:
    """The library `sd-jwt`, our second implementation of RFC 9901."""
    jwk = next(one for one in OWNER_KEYS.to_jwks()["keys"])
    key = JWK(**{name: jwk[name] for name in ("kty", "crv", "x", "y")})
    for compact, root in (
        (CREDENTIAL.compact(Level.TOTAL), {}),
        (CREDENTIAL.compact(Level.TOTAL) + f"{COMMITMENT.disclosure}~", {"root": ROOT}),
    ):
        payload = SDJWTVerifier(compact, lambda *_: key).get_verified_payload()
        assert payload["commitment"] == root


@pytest.mark.parametrize(
    "claim",
    [
        {},
        None,
        "A" * 43,
        {"_sd": []},
        {"_sd": "A" * 43},
        {"_sd": ["A" * 42]},
        {"_sd": [7]},
        {"_sd": ["A" * 43, "B" * 43]},
        {"_sd": ["A" * 43], "root": "A" * 43},
        {"root": "A" * 43},
    ],
)
def test_another_form_is_refused(claim: Any) -> None:
    with pytest.raises(CredentialError, match="expected exactly one digest in _sd"):
        resigned(commitment=claim)


def test_it_is_no_place_for_a_second_block() -> None:
    """An owner that signs two versions of a block could show each to somebody else."""
    hidden = {"_sd": [disclosure_digest(BLOCK)]}
    with pytest.raises(CredentialError, match=r"discloses \['quality'\], expected 'root' alone"):
        resigned(BLOCK, commitment=hidden)


def test_a_root_is_no_block() -> None:
    digests = sorted([*jws.parse(CREDENTIAL.jwt).payload["_sd"], COMMITMENT.digest])
    with pytest.raises(CredentialError, match="expected 6 blocks"):
        resigned(COMMITMENT.disclosure, commitment=..., _sd=digests)
    with pytest.raises(CredentialError, match="expected 6 blocks"):
        resigned(commitment=..., _sd=digests)


@pytest.mark.parametrize("name", ["commitment", "root"])
def test_a_block_is_no_commitment(name: str) -> None:
    fake = Disclosure.of_claim("salt" * 6, name, "A" * 43).encoded
    rest = list(CREDENTIAL.disclosures.values())[1:]
    payload = jws.parse(CREDENTIAL.jwt).payload
    digests = [*map(disclosure_digest, rest), disclosure_digest(fake)]
    bare = {key: value for key, value in payload.items() if key != "commitment"}
    jwt = jws.sign(bare | {"_sd": digests}, typ=CREDENTIAL_TYPE, key=OWNER_KEY)
    with pytest.raises(CredentialError, match=f"discloses the block '{name}'"):
        checked("~".join([jwt, *rest, fake, ""]))


@pytest.mark.parametrize("root", ["", "AAAA", BLOCK])
def test_what_is_no_root_is_not_signed(root: str) -> None:
    with pytest.raises(CommitmentError):
        issue(DOCUMENT, key=OWNER_KEY, issuer=OWNER, issued_at=NOW, root=root)
