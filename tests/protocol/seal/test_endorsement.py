"""Endorsements: what is signed, that it has one form, and that anything else is refused as such."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.seal.parties import (
    CONTEXT,
    CREATED,
    CREDENTIAL,
    CUSTOMER,
    FOOTPRINT,
    PRODUCT,
    SALT,
    supplier,
)

from underseal_protocol import base64url, jws
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.errors import (
    CredentialError,
    EndorsementError,
    KeySetError,
    SealError,
    SealNumberError,
    SignatureMismatchError,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.seal.context import context_of
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement import ENDORSEMENT_TYPE, Endorsement, read_endorsement
from underseal_protocol.seal.endorsement_checks import (
    require_about,
    require_opening,
    verify_endorsement,
)
from underseal_protocol.seal.generators import H
from underseal_protocol.seal.group import GENERATOR, IDENTITY, Scalar
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.printable import is_printable

CELLS = supplier("cells")
OTHER = supplier("other")
GIVEN, OPENING = CELLS.endorse()


def verified(token: str = GIVEN.token, **changes: Any) -> Endorsement:
    arguments: dict[str, Any] = {
        "keys": CELLS.keys,
        "supplier": CELLS.url,
        "customer": CUSTOMER,
        "context": CONTEXT,
        "sealed": SealedProperty.FOSSIL,
    }
    return verify_endorsement(token, **(arguments | changes))[0]


def signed(claims: dict[str, Any], typ: str = ENDORSEMENT_TYPE, key: SigningKey = CELLS.key) -> str:
    return jws.sign(claims, typ=typ, key=key)


def test_what_is_made_is_accepted() -> None:
    assert verified() == GIVEN
    require_opening(GIVEN, OPENING)
    require_about(GIVEN, OPENING, CELLS.document, CREDENTIAL)
    GIVEN.require_valid_for(CREATED)
    assert OPENING.value == 14_280_000_000
    assert GIVEN.commitment == Scalar(OPENING.value) * GENERATOR + OPENING.blinding * H


def test_what_is_signed() -> None:
    claims = dict(GIVEN.claims)
    point = base64url.encode(GIVEN.commitment.encode())
    assert claims.pop("commitment") == point
    assert claims == {
        "aud": CUSTOMER,
        "context": base64url.encode(CONTEXT),
        "credential": CREDENTIAL,
        "crossSectoralStandards": ["ISO14067", "PACT-3.0"],
        "declaredUnitAmount": "1",
        "declaredUnitOfMeasurement": "kilogram",
        "exp": int((CREATED + timedelta(days=365)).timestamp()),
        "ipccCharacterizationFactors": ["AR6"],
        "iss": CELLS.url,
        "mass": "1000000000",
        "named": True,
        "nbf": int((CREATED - timedelta(days=30)).timestamp()),
        "property": "fossilGhgEmissions",
        "referencePeriodEnd": 1767225600,
        "referencePeriodStart": 1735689600,
        "version": 1,
    }
    header, payload, _ = (base64url.decode(part) for part in GIVEN.token.split("."))
    assert header == canonical_bytes(
        {"alg": "ES256", "kid": CELLS.key.kid, "typ": "underseal-endorsement+jwt"}
    )
    assert payload == canonical_bytes(GIVEN.claims)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=20))
def test_the_payload_is_canonical_whatever_the_names_are(name: str) -> None:
    if not is_printable(name):
        return
    found = replace(GIVEN, terms=replace(GIVEN.terms, standards=(name,)))
    assert base64url.decode(found.token.split(".")[1]) == canonical_bytes(found.claims)


def test_blindings_are_fresh() -> None:
    again, opening = CELLS.endorse()
    assert opening.value == OPENING.value
    assert opening.blinding != OPENING.blinding
    assert again.commitment != GIVEN.commitment


@pytest.mark.parametrize("shown", [repr(OPENING), str(OPENING), f"{[OPENING]!r}"])
def test_secrets_do_not_show(shown: str) -> None:
    assert "14280000000" not in shown
    assert str(OPENING.blinding.value) not in shown
    assert OPENING.blinding.encode().hex() not in shown


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"supplier": OTHER.url}, "supplier of the endorsement is https://cells.example"),
        ({"customer": "https://else.example"}, "customer of the endorsement is"),
        ({"context": bytes(32)}, "context of the endorsement is"),
        ({"sealed": SealedProperty.EXCLUDING}, "property of the endorsement is"),
    ],
)
def test_what_was_not_asked_for(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EndorsementError, match=message):
        verified(**changes)


def test_a_supplier_that_has_moved() -> None:
    assert verified(supplier=["https://new.example", CELLS.url + "/"]) == GIVEN


def test_keys_that_are_not_trusted() -> None:
    with pytest.raises(KeySetError, match="not in the trusted key set"):
        verified(keys=OTHER.keys)
    receipt = SigningKey("x" * 43, KeyPurpose.RECEIPT, CELLS.key.private_key).public_key()
    with pytest.raises(KeySetError, match="is for receipt"):
        verified(keys=PublicKeySet([replace(receipt, kid=CELLS.key.kid)]))
    forged = replace(GIVEN, kid=OTHER.key.kid)
    with pytest.raises(SignatureMismatchError):
        verified(forged.token, keys=OTHER.keys)
    with pytest.raises(EndorsementError, match="names the key"):
        GIVEN.require_signed(OTHER.key.public_key())


def test_a_key_whose_name_is_not_its_thumbprint() -> None:
    named = replace(OTHER.key.public_key(), kid=CELLS.key.kid)
    with pytest.raises(EndorsementError, match="names the key"):
        verified(keys=PublicKeySet([named]))


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "aud": lambda _: "https://else.example",
    "commitment": lambda _: base64url.encode(H.encode()),
    "context": lambda _: base64url.encode(bytes(32)),
    "credential": lambda _: "B" * 42 + "A",
    "crossSectoralStandards": lambda _: ["ISO14067"],
    "declaredUnitAmount": lambda _: "2",
    "declaredUnitOfMeasurement": lambda _: "piece",
    "exp": lambda claims: claims["exp"] + 1,
    "ipccCharacterizationFactors": lambda _: ["AR5"],
    "iss": lambda _: "https://somebody.example",
    "mass": lambda _: "2000000000",
    "named": lambda _: False,
    "nbf": lambda claims: claims["nbf"] - 1,
    "property": lambda _: "pcfExcludingBiogenicUptake",
    "referencePeriodEnd": lambda claims: claims["referencePeriodEnd"] + 1,
    "referencePeriodStart": lambda claims: claims["referencePeriodStart"] + 1,
    "version": lambda _: 2,
}


# Whose mass is not that of the amount in any case, as that of kilograms is.
LITERS = supplier("s1", declaredUnitOfMeasurement="liter")


def test_every_claim_is_among_the_changes() -> None:
    assert CHANGES.keys() == GIVEN.claims.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_claim_breaks_the_signature(name: str) -> None:
    given, _ = LITERS.endorse()
    claims = given.claims | {name: CHANGES[name](given.claims)}
    token = jws.compact(claims, typ=ENDORSEMENT_TYPE, kid=given.kid, signature=given.signature)
    with pytest.raises(EndorsementError if name == "version" else SignatureMismatchError):
        read_endorsement(token).require_signed(LITERS.key.public_key())


@pytest.mark.parametrize("name", CHANGES)
def test_a_claim_that_is_missing(name: str) -> None:
    claims = {key: value for key, value in GIVEN.claims.items() if key != name}
    with pytest.raises(EndorsementError, match=f"{name} is missing"):
        read_endorsement(signed(claims))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": CELLS.url},  # for itself
        {"aud": CUSTOMER + "/"},
        {"aud": "pack"},
        {"aud": None},
        {"iss": "https://" + "a" * 200},
        {"iss": 5},
        {"commitment": base64url.encode(bytes([0xC0]) + bytes(47))},  # the identity
        {"commitment": base64url.encode(bytes(48))},
        {"commitment": base64url.encode(H.encode())[:-1]},
        {"commitment": base64url.encode(H.encode() + bytes(1))},
        {"commitment": 5},
        {"context": base64url.encode(bytes(31))},
        {"context": "!"},
        {"credential": "A" * 42},
        {"credential": "A" * 42 + "B"},  # with bits that do not count
        {"credential": None},
        {"exp": GIVEN.not_before},
        {"exp": GIVEN.not_after + 0.5},
        {"nbf": True},
        {"nbf": -1},
        {"named": 1},
        {"named": "yes"},
        {"property": "biogenicCO2Uptake"},
        {"property": None},
        {"property": []},
        {"version": True},
        {"version": "1"},
        {"version": 1.0},
        {"more": 1},
    ],
)
def test_claims_in_another_form(changes: dict[str, Any]) -> None:
    with pytest.raises(EndorsementError):
        read_endorsement(signed(dict(sorted((GIVEN.claims | changes).items()))))


def spaced(token: str) -> str:
    header, _, signature = token.split(".")
    payload = json.dumps(GIVEN.claims).encode()
    return f"{header}.{base64url.encode(payload)}.{signature}"


def test_the_same_in_other_bytes() -> None:
    turned = dict(reversed(GIVEN.claims.items()))
    for token in (signed(turned), spaced(GIVEN.token)):
        with pytest.raises(EndorsementError, match="in other bytes"):
            read_endorsement(token)


@pytest.mark.parametrize("typ", ["underseal-status+jwt", "underseal-footprint+sd-jwt", ""])
def test_statements_of_another_kind(typ: str) -> None:
    with pytest.raises(EndorsementError, match="the token has typ"):
        read_endorsement(signed(GIVEN.claims, typ))


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: "." + token,
        lambda token: "",
        lambda token: token + " ",
        lambda token: "A" * 20_000,
        lambda token: token.partition(".")[2],
    ],
)
def test_what_is_no_token(change: Callable[[str], str]) -> None:
    with pytest.raises(CredentialError):
        read_endorsement(change(GIVEN.token))


def test_an_endorsement_without_a_commitment_is_not_even_made() -> None:
    with pytest.raises(EndorsementError, match="identity"):
        replace(GIVEN, commitment=IDENTITY)
    with pytest.raises(EndorsementError, match="31 bytes"):
        replace(GIVEN, context=bytes(31))


def test_other_openings() -> None:
    for other in (
        ValueOpening(OPENING.value + 1, OPENING.blinding),
        ValueOpening(OPENING.value, OPENING.blinding + Scalar(1)),
        ValueOpening(OPENING.value, -OPENING.blinding),
    ):
        with pytest.raises(EndorsementError, match="do not open") as caught:
            require_opening(GIVEN, other)
        assert str(OPENING.value) not in caught.value.diagnosis()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fossilGhgEmissions": "14.27"}, "the endorsed value is not fossilGhgEmissions"),
        ({"productMassPerDeclaredUnit": "1.1"}, "mass = '1000000000'"),
        ({"declaredUnitAmount": "10"}, "declaredUnitAmount = '1'"),
        ({"ipccCharacterizationFactors": ["AR5"]}, "ipccCharacterizationFactors"),
        ({"referencePeriodEnd": "2026-06-01T00:00:00Z"}, "referencePeriodEnd"),
    ],
)
def test_of_another_footprint_than_was_received(changes: dict[str, str], message: str) -> None:
    given, opening = LITERS.endorse()
    document = {**LITERS.document, "pcf": LITERS.document["pcf"] | changes}
    with pytest.raises(EndorsementError, match=message):
        require_about(given, opening, document, CREDENTIAL)


def test_of_another_credential() -> None:
    with pytest.raises(EndorsementError, match="is of the credential"):
        require_about(GIVEN, OPENING, CELLS.document, "B" * 43)


def test_times_are_those_of_the_footprint() -> None:
    first = datetime.fromtimestamp(GIVEN.not_before, UTC)
    last = datetime.fromtimestamp(GIVEN.not_after, UTC)
    GIVEN.require_valid_for(first)
    GIVEN.require_valid_for(last - timedelta(microseconds=1))
    for created in (first - timedelta(microseconds=1), last):
        with pytest.raises(EndorsementError, match="is for footprints created from"):
            GIVEN.require_valid_for(created)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"key": SigningKey.generate(KeyPurpose.RECEIPT)}, CredentialError),
        ({"not_before": datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001
        ({"not_after": CREATED - timedelta(days=30)}, EndorsementError),
        ({"customer": CELLS.url}, EndorsementError),
        ({"credential_digest": "?"}, EndorsementError),
        ({"context": b""}, EndorsementError),
        ({"random_bytes": bytes}, SealError),  # of which the blinding would be 0
    ],
)
def test_what_is_not_endorsed(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        CELLS.endorse(**changes)


@pytest.mark.parametrize("figure", ["-1", "100000000", "1e3"])
def test_figures_that_are_not_endorsed(figure: str) -> None:
    with pytest.raises(SealNumberError):
        supplier("x", figure).endorse()


def test_the_largest_figure() -> None:
    _, opening = supplier("x", "72057594.037927935").endorse()
    assert opening.value == 2**56 - 1


# The context


def test_a_context_is_of_one_footprint() -> None:
    found = {
        context_of(*changed)
        for changed in (
            (CUSTOMER, PRODUCT, FOOTPRINT, SALT),
            (CUSTOMER + "x", PRODUCT, FOOTPRINT, SALT),
            (CUSTOMER, "urn:gtin:2040000001025", FOOTPRINT, SALT),
            (CUSTOMER, PRODUCT, "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12", SALT),
            (CUSTOMER, PRODUCT, FOOTPRINT, bytes(32)),
            (CUSTOMER + PRODUCT, "", FOOTPRINT, SALT),  # nothing moves from one part to the next
            (CUSTOMER[:-1], CUSTOMER[-1] + PRODUCT, FOOTPRINT, SALT),
        )
    }
    assert len(found) == 7


@pytest.mark.parametrize(
    ("footprint", "salt"), [(FOOTPRINT.upper(), SALT), ("5", SALT), (FOOTPRINT, SALT[:-1])]
)
def test_what_has_no_context(footprint: str, salt: bytes) -> None:
    with pytest.raises(SealError):
        context_of(CUSTOMER, PRODUCT, footprint, salt)
