"""Everything that a credential refuses, as one table per kind of tampering."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from underseal_protocol import jws, sd_jwt, segments, strict_json
from underseal_protocol.canonical import digest
from underseal_protocol.credential import (
    CREDENTIAL_SCHEMA_PATH,
    CREDENTIAL_TYPE,
    ContentMismatchError,
    credential_of,
    issue,
    verify,
)
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.errors import (
    CredentialError,
    KeySetError,
    MissingCredentialError,
    SignatureMismatchError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json").read_text("utf-8")
)
ISSUER = "https://pcf.kathodenwerk.example"
NOW = datetime(2025, 7, 1, tzinfo=UTC)
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet.from_jwks({"keys": [KEY.public_jwk()]})
CREDENTIAL = issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW)
PACKED = segments.pack(SAMPLE, CREDENTIAL, ISSUER)

Document = dict[str, Any]
Change = Callable[[Document], object]


def served(level: Level = Level.FULL) -> Document:
    value = strict_json.loads(segments.render(PACKED, level, "Active"))
    assert isinstance(value, dict)
    return value


def entry_of(document: Document) -> Document:
    entry: Document = document["extensions"][0]
    assert "sdJwt" in entry["data"]
    return entry


def set_compact(document: Document, text: str) -> None:
    entry_of(document)["data"]["sdJwt"] = text


def edit_compact(change: Callable[[str], str]) -> Change:
    return lambda document: set_compact(document, change(credential_of(document) or ""))


def refused(document: Document, expected: type[Exception], message: str) -> None:
    with pytest.raises(expected, match=message) as caught:
        verify(document, keys=KEYS, issuer=ISSUER)
    assert "\n" not in str(caught.value)


def test_untouched_it_verifies() -> None:
    for level in Level:
        verify(served(level), keys=KEYS, issuer=ISSUER)


CONTENT: list[tuple[str, Change, str]] = [
    ("name", lambda d: d.update(companyName="Other GmbH"), "the core is not what was signed"),
    ("total", lambda d: d["pcf"].update(pcfExcludingBiogenicUptake="2.4317"), "the core"),
    ("spelling", lambda d: d["pcf"].update(declaredUnitAmount="1.0"), "the core"),
    ("type", lambda d: d["pcf"].update(declaredUnitAmount=1), "the core"),
    ("boolean", lambda d: d["pcf"].update(packagingEmissionsIncluded=False), "the core"),
    ("time", lambda d: d.update(created="2025-06-30T08:15:00+00:00"), "the core"),
    ("dropped", lambda d: d.pop("precedingPfIds"), "the core"),
    ("order", lambda d: d["productIds"].reverse(), "the core"),
    ("added to core", lambda d: d["pcf"].update(geographyCountrySubdivision="DE-BY"), "the core"),
    ("id", lambda d: d.update(id="00000000-0000-4000-8000-000000000000"), "this one has the id"),
    ("no id", lambda d: d.pop("id"), "this one has the id None"),
    ("dqi", lambda d: d["pcf"]["dqi"].update(temporalDQR="1"), "'quality' is not what was signed"),
    ("no dqi", lambda d: d["pcf"].pop("dqi"), "'quality'"),
    ("added to dqi", lambda d: d["pcf"]["dqi"].update(x=1), "'quality'"),
    ("verifier", lambda d: d["pcf"]["verification"].update(providerName="X"), "'verification'"),
    ("land use", lambda d: d["pcf"].update(landUseChangeGhgEmissions="0"), "'emissions'"),
    ("carbon", lambda d: d["pcf"].pop("ccuCarbonContent"), "'carbon'"),
    ("comment", lambda d: d.update(comment="Nothing to see"), "'method'"),
    ("null", lambda d: d.update(comment=None), "'method'"),
    ("unknown added", lambda d: d.update({"x-new": 1}), "'other'"),
    ("unknown dropped", lambda d: d.pop("x-kws-revision"), "'other'"),
    ("unknown number", lambda d: d["pcf"]["x-kws-furnace"].update(kelvin=1073), "'other'"),
    ("unknown in pcf", lambda d: d["pcf"].update({"x-new": []}), "'other'"),
    ("extension added", lambda d: d["extensions"].append({}), "'other'"),
    ("extension dropped", lambda d: d["extensions"].pop(), "'other'"),
    ("extension changed", lambda d: d["extensions"][1]["data"].update(weight=11), "'other'"),
    ("no canonical form", lambda d: d.update({"x-new": 2**60}), "'other'.*exact IEEE double"),
    ("moved", lambda d: d.update(dqi=d["pcf"].pop("dqi")), "'quality'"),
]


@pytest.mark.parametrize(
    ("change", "message"), [c[1:] for c in CONTENT], ids=[c[0] for c in CONTENT]
)
def test_altered_content(change: Change, message: str) -> None:
    document = served()
    change(document)
    refused(document, ContentMismatchError, message)


def test_the_message_names_both_digests() -> None:
    document = served()
    document["companyName"] = "Other GmbH"
    got, expected = digest(split(document).core), digest(split(SAMPLE).core)
    refused(document, ContentMismatchError, f"{got}.*{expected}")


SMUGGLED: list[tuple[Block, Change]] = [
    (Block.QUALITY, lambda d: d["pcf"].update(dqi=SAMPLE["pcf"]["dqi"])),
    (Block.QUALITY, lambda d: d["pcf"].update(exemptedEmissionsDescription="")),
    (Block.VERIFICATION, lambda d: d["pcf"].update(verification={})),
    (Block.EMISSIONS, lambda d: d["pcf"].update(aircraftGhgEmissions="0")),
    (Block.CARBON, lambda d: d["pcf"].update(recycledCarbonContent="0")),
    (Block.METHOD, lambda d: d.update(comment="hello")),
    (Block.METHOD, lambda d: d["pcf"].update(productOrSectorSpecificRules=[])),
    (Block.OTHER, lambda d: d.update({"x-new": None})),
    (Block.OTHER, lambda d: d["extensions"].append(SAMPLE["extensions"][0])),
]


@pytest.mark.parametrize(("block", "change"), SMUGGLED)
def test_content_of_a_withheld_block(block: Block, change: Change) -> None:
    """Even the true content: without its disclosure nothing proves it."""
    document = served(Level.TOTAL)
    change(document)
    refused(document, ContentMismatchError, f"{block.value!r} has content .* not disclosed")


ENTRY: list[tuple[str, Change, type[Exception], str]] = [
    ("gone", lambda d: d["extensions"].pop(0), MissingCredentialError, "no credential"),
    ("no extensions", lambda d: d.pop("extensions"), MissingCredentialError, "no credential"),
    (
        "twice",
        lambda d: d["extensions"].append(copy.deepcopy(entry_of(d))),
        CredentialError,
        "carries 2 credentials",
    ),
    ("more", lambda d: entry_of(d).update(documentation="x"), CredentialError, "documentation"),
    ("less", lambda d: entry_of(d).pop("specVersion"), CredentialError, "expected exactly"),
    ("version", lambda d: entry_of(d).update(specVersion="3.0.0"), CredentialError, "2.0.0"),
    ("more data", lambda d: entry_of(d)["data"].update(x=1), CredentialError, "exactly the text"),
    ("no data", lambda d: entry_of(d).update(data=None), CredentialError, "exactly the text"),
    ("no text", lambda d: entry_of(d)["data"].update(sdJwt=5), CredentialError, "exactly the text"),
    ("long", edit_compact(lambda t: t + "A" * 20_000), CredentialError, "at most"),
    (
        "schema of another host",
        lambda d: entry_of(d).update(dataSchema="https://evil.example" + CREDENTIAL_SCHEMA_PATH),
        CredentialError,
        "evil.example.*expected.*kathodenwerk",
    ),
    (
        "schema renamed",
        lambda d: entry_of(d).update(dataSchema="https://a.example/other.json"),
        MissingCredentialError,
        "no credential",
    ),
]


@pytest.mark.parametrize(
    ("change", "expected", "message"), [c[1:] for c in ENTRY], ids=[c[0] for c in ENTRY]
)
def test_altered_entry(change: Change, expected: type[Exception], message: str) -> None:
    document = served()
    change(document)
    refused(document, expected, message)


def foreign_disclosure(name: str, value: Any) -> str:
    return sd_jwt.Disclosure.of_claim(sd_jwt.new_salts(1)[0], name, value).encoded


def swap_signature(text: str) -> str:
    other = issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW).jwt
    jwt, _, rest = text.partition("~")
    return f"{jwt.rpartition('.')[0]}.{other.rpartition('.')[2]}~{rest}"


COMPACT: list[tuple[str, Callable[[str], str], type[Exception], str]] = [
    ("no end", lambda t: t.rstrip("~"), CredentialError, "ends with '~'"),
    ("key binding", lambda t: t + "e30.e30.AA", CredentialError, "ends with '~'"),
    ("empty", lambda t: "", CredentialError, "ends with '~'"),
    ("only disclosures", lambda t: t.partition("~")[2], CredentialError, "three parts"),
    ("twice", lambda t: t + t.split("~")[1] + "~", CredentialError, "same disclosure twice"),
    ("gap", lambda t: t.replace("~", "~~", 1), CredentialError, "empty disclosure"),
    (
        "foreign",
        lambda t: t + foreign_disclosure("quality", digest({})) + "~",
        CredentialError,
        "did not sign",
    ),
    (
        "foreign block",
        lambda t: t + foreign_disclosure("bonus", digest({})) + "~",
        CredentialError,
        "'bonus'.*did not sign",
    ),
    ("garbage", lambda t: t + "####~", CredentialError, "cannot be read"),
    ("another signature", swap_signature, SignatureMismatchError, "was not made over this content"),
    (
        "another credential",
        lambda t: (
            issue(SAMPLE, key=KEY, issuer=ISSUER, issued_at=NOW).jwt + "~" + t.partition("~")[2]
        ),
        CredentialError,
        "did not sign",
    ),
]


@pytest.mark.parametrize(
    ("change", "expected", "message"), [c[1:] for c in COMPACT], ids=[c[0] for c in COMPACT]
)
def test_altered_sd_jwt(
    change: Callable[[str], str], expected: type[Exception], message: str
) -> None:
    document = served()
    edit_compact(change)(document)
    refused(document, expected, message)


def test_a_disclosure_left_out() -> None:
    """Then its block counts as withheld, and its content as unproved."""
    for index, block in enumerate(Block, start=1):
        document = served()
        parts = (credential_of(document) or "").split("~")
        set_compact(document, "~".join(parts[:index] + parts[index + 1 :]))
        refused(document, ContentMismatchError, f"{block.value!r} has content")


def payload_of(changes: Document) -> Document:
    payload = jws.parse(CREDENTIAL.jwt).payload | changes
    return {name: value for name, value in payload.items() if value is not ...}


CLAIMS: list[tuple[str, Document, str]] = [
    ("issuer", {"iss": "https://evil.example"}, "evil.example.*expected.*kathodenwerk"),
    ("issuer slash", {"iss": ISSUER + "/"}, "expected"),
    ("issuer type", {"iss": 5}, "issuer 5"),
    ("subject", {"sub": "another"}, "'another'"),
    ("time text", {"iat": "1751328000"}, "iat"),
    ("time fraction", {"iat": 1751328000.5}, "iat"),
    ("time true", {"iat": True}, "iat"),
    ("time negative", {"iat": -1}, "iat"),
    ("time huge", {"iat": 10**15}, "iat"),
    ("no core", {"core": ...}, "has the claims"),
    ("core number", {"core": 5}, "43 characters"),
    ("core short", {"core": "AAAA"}, "43 characters"),
    ("core of nothing", {"core": digest({})}, "the core is not what was signed"),
    ("expiry", {"exp": 1}, "has the claims"),
    ("not before", {"nbf": 1}, "has the claims"),
    ("clear block", {"quality": digest({})}, "has the claims"),
    ("no digests", {"_sd": ...}, "has the claims"),
    ("digests empty", {"_sd": []}, "expected 6 blocks"),
    ("digests text", {"_sd": "AAAAAA"}, "expected 6 blocks"),
    ("five digests", {"_sd": jws.parse(CREDENTIAL.jwt).payload["_sd"][:5]}, "expected 6 blocks"),
    ("digest twice", {"_sd": jws.parse(CREDENTIAL.jwt).payload["_sd"][:1] * 6}, "occurs twice"),
    ("digest number", {"_sd": [1, 2, 3, 4, 5, 6]}, "expected a text"),
    ("algorithm", {"_sd_alg": "sha-512"}, "expected 'sha-256'"),
    ("no algorithm", {"_sd_alg": ...}, "has the claims"),
]


@pytest.mark.parametrize(
    ("changes", "message"), [c[1:] for c in CLAIMS], ids=[c[0] for c in CLAIMS]
)
def test_claims_that_even_a_trusted_key_cannot_make_good(changes: Document, message: str) -> None:
    document = served()
    jwt = jws.sign(payload_of(changes), typ=CREDENTIAL_TYPE, key=KEY)
    edit_compact(lambda text: jwt + "~" + text.partition("~")[2])(document)
    refused(document, CredentialError, message)


def test_the_forgery_of_these_tests_is_good_as_such() -> None:
    document = served()
    jwt = jws.sign(payload_of({}), typ=CREDENTIAL_TYPE, key=KEY)
    edit_compact(lambda text: jwt + "~" + text.partition("~")[2])(document)
    verify(document, keys=KEYS, issuer=ISSUER)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([("quality", digest({}))], "'quality' is not what was signed"),
        ([("quality", 5)], "43 characters"),
        ([("quality", None)], "43 characters"),
        ([("bonus", digest({}))], "block 'bonus', expected one of quality"),
        ([("core", digest({}))], "there already"),
        ([("iss", "https://evil.example")], "there already"),
        (
            [("quality", digest({})), ("quality", digest(split(SAMPLE).blocks[Block.QUALITY]))],
            "there",
        ),
    ],
)
def test_disclosures_that_even_a_trusted_key_cannot_make_good(
    items: list[tuple[str, Any]], message: str
) -> None:
    document = served(Level.QUALITY)
    encoded = [foreign_disclosure(name, value) for name, value in items]
    own = CREDENTIAL.disclosures[Block.VERIFICATION]
    digests = [sd_jwt.disclosure_digest(text) for text in (*encoded, own)]
    digests += [f"decoy{index}" for index in range(6 - len(digests))]
    jwt = jws.sign(payload_of({"_sd": digests}), typ=CREDENTIAL_TYPE, key=KEY)
    set_compact(document, sd_jwt.join_compact(jwt, [*encoded, own]))
    refused(document, CredentialError, message)


@pytest.mark.parametrize("typ", ["underseal-status+jwt", "at+jwt", "JWT", "example+sd-jwt"])
def test_another_kind_of_statement(typ: str) -> None:
    document = served(Level.TOTAL)
    set_compact(document, jws.sign(payload_of({}), typ=typ, key=KEY) + "~")
    refused(document, CredentialError, "expected 'underseal-footprint")


def test_another_key() -> None:
    other = SigningKey.generate(KeyPurpose.FOOTPRINT)
    keys = PublicKeySet.from_jwks({"keys": [other.public_jwk()]})
    with pytest.raises(KeySetError, match=KEY.kid):
        verify(served(), keys=keys, issuer=ISSUER)


@pytest.mark.parametrize("purpose", [KeyPurpose.ACCESS_TOKEN, KeyPurpose.RECEIPT])
def test_a_key_of_the_issuer_for_something_else(purpose: KeyPurpose) -> None:
    other = SigningKey.generate(purpose)
    keys = PublicKeySet.from_jwks({"keys": [other.public_jwk()]})
    document = served(Level.TOTAL)
    set_compact(document, jws.sign(payload_of({}), typ=CREDENTIAL_TYPE, key=other) + "~")
    with pytest.raises(KeySetError, match=f"is for {purpose}"):
        verify(document, keys=keys, issuer=ISSUER)


def test_the_credential_of_another_footprint() -> None:
    other = SAMPLE | {"id": "00000000-0000-4000-8000-000000000000"}
    foreign = issue(other, key=KEY, issuer=ISSUER, issued_at=NOW)
    document = served()
    set_compact(document, foreign.compact(Level.FULL))
    refused(document, ContentMismatchError, "this one has the id")


def test_malformed_documents() -> None:
    changes: list[Document] = [{"pcf": None}, {"pcf": []}]
    for change in changes:
        refused(served() | change, CredentialError, "pcf is")
