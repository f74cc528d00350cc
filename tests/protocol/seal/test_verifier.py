"""Verification: what is accepted, with which grade, and what every change of it is refused by."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.attested import VERIFICATION, VERIFIER
from tests.protocol.committed import COMMITMENT
from tests.protocol.seal.chains import Chain, Named, Part, chains, footprint, known
from tests.protocol.seal.parties import CREATED, CUSTOMER, supplier

from underseal_protocol import segments, strict_json
from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.attestation import AttestedBooks, Statement, issue_attestation
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.credential import issue, verify
from underseal_protocol.disclosure import Level
from underseal_protocol.draft import Subject
from underseal_protocol.errors import CredentialError, SealNumberError, SealRefusedError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.facts import facts_of, figures_of
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.trust import KnownNode, Standing, TrustList
from underseal_protocol.seal.verdict import Grade
from underseal_protocol.seal.verifier import verify_sealed

CHAIN = Chain(
    parts=(Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25")),
    named=(Named(), Named("Steel", "2.1", "0.05", "kg"), Named(amount="0.1")),
    mass="4",
    coverage=75,
)
DATA = CHAIN.result.document
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)


def refused(part: str, data: bytes = DATA, **changes: Any) -> SealRefusedError:
    with pytest.raises(SealRefusedError) as caught:
        CHAIN.verify(data, **changes)
    assert caught.value.part == part, caught.value.message
    return caught.value


# Honest ones


def test_what_a_verdict_says() -> None:
    verdict = CHAIN.verify()
    assert (verdict.grade, verdict.coverage, verdict.stated_coverage) == (Grade.MASS, 75, 75)
    assert verdict.total.text == CHAIN.total.text == "69.7260"
    assert verdict.digest == CHAIN.result.digest
    assert {one.supplier for one in verdict.endorsers} == {one.url for one in CHAIN.suppliers}
    assert all(one.is_known for one in verdict.endorsers)
    assert [one.name for one in verdict.factors] == ["Steel", "Electricity, DE, 2024"]
    assert verdict.reductions == ()
    assert verdict.statement == (
        "The published total of 69.7260 kg CO2e (fossilGhgEmissions) is, to within 0.00005 kg, "
        "arithmetically consistent with values that the listed suppliers endorsed, and the "
        "endorsed inputs have at least the mass that the footprint states, 4 kg for each declared "
        "unit."
    )
    written = verdict.to_json()
    assert written["grade"] == "mass"
    assert written["endorsers"][0]["declaredUnitOfMeasurement"] == "piece"
    assert written["endorsers"][0]["referencePeriodEnd"] == "2026-01-01T00:00:00Z"
    assert written["factors"][0] == {
        "name": "Steel",
        "unit": "kg",
        "nanoKgCo2ePerUnit": "2100000000",
    }
    assert strict_json.loads(strict_json.dumps(written)) == written


@pytest.mark.parametrize("mass", ["0.000000001", "1234567.5"])
def test_the_mass_that_binds_the_quantities_is_told(mass: str) -> None:
    """A publisher that states almost no mass has a balance that binds almost nothing."""
    verdict = Chain(parts=(Part(mass="1234567.5", amount="1"),), mass=mass).verify()
    assert verdict.grade is Grade.MASS
    assert f"the mass that the footprint states, {mass} kg for each" in verdict.statement


@pytest.mark.parametrize("grade", Grade)
def test_words_that_are_not_used(grade: Grade) -> None:
    verdict = replace(CHAIN.verify(), grade=grade)
    text = " ".join([verdict.statement, *verdict.not_shown, *verdict.reductions]).lower()
    for word in ("correct", "complete", "trustless", "audited"):
        assert word not in text
    assert "arithmetically consistent" in verdict.statement


def test_the_same_at_every_level() -> None:
    """The core is enough."""
    for level in Level:
        assert CHAIN.verify(document=published(level)).grade is Grade.MASS


@settings(max_examples=8, deadline=None)
@given(chains())
def test_honest_documents_verify(chain: Chain) -> None:
    verdict = chain.verify()
    has_balance = float(chain.mass) > 0 and any(float(one.mass) for one in chain.parts)
    assert verdict.grade is (Grade.MASS if has_balance else Grade.ORIGIN)
    assert (verdict.coverage, verdict.total) == (chain.coverage, chain.total)


@pytest.mark.parametrize(
    ("figure", "decimals"), [("pcfExcludingBiogenicUptake", 4), ("fossilGhgEmissions", -1)]
)
def test_another_property_and_tens(figure: str, decimals: int) -> None:
    sealed = SealedProperty(figure)
    chain = Chain(parts=(Part(amount="100"),), mass="0", decimals=decimals, sealed=sealed)
    verdict = chain.verify()
    assert (verdict.sealed, verdict.total.decimals) == (sealed, decimals)
    assert verdict.total.text == ("1430" if decimals < 0 else "1429.5000")
    assert verdict.total.precision == ("5" if decimals < 0 else "0.00005")


def test_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        CHAIN.verify(time=CREATED.replace(tzinfo=None))


@pytest.mark.parametrize("name", ["fossilGhgEmissions", "productMassPerDeclaredUnit"])
def test_figures_of_a_million_digits(name: str) -> None:
    pcf = {**CHAIN.document["pcf"], name: "1" * 1_000_000}
    refused("core", document={**CHAIN.document, "pcf": pcf})
    facts = facts_of({**CHAIN.document, "pcf": pcf})
    with pytest.raises(SealNumberError):
        figures_of(facts, SealedProperty.FOSSIL, None)


def test_a_publisher_that_has_moved() -> None:
    assert CHAIN.verify(publisher=["https://new.example", CUSTOMER + "/"]).publisher == CUSTOMER
    error = refused("publisher", publisher=["https://new.example"])
    assert error.message == f"publisher: it is {CUSTOMER}, expected https://new.example"


# Each field of a sealed footprint


def published(level: Level = Level.FULL) -> dict[str, Any]:
    """The footprint with its credential, as a peer gets it."""
    return issued(CHAIN, level)


def issued(chain: Chain, level: Level = Level.FULL) -> dict[str, Any]:
    credential = issue(chain.document, key=KEY, issuer=CUSTOMER, issued_at=CREATED)
    packed = segments.pack(chain.document, credential, CUSTOMER)
    found = strict_json.loads(segments.render(packed, level, "Active"))
    assert isinstance(found, dict)
    return found


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        if isinstance(one, dict | list):
            yield from leaves(one, (*path, name))
        else:
            yield (*path, name)


FIELDS = [path for path in leaves(CHAIN.document) if path != ("status",)]


def flipped(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    found: Any = copy.deepcopy(document)
    target = found
    for step in path[:-1]:
        target = target[step]
    old = target[path[-1]]
    target[path[-1]] = (not old) if isinstance(old, bool) else _other(str(old))
    return dict(found)


def _other(text: str) -> str:
    """Of the same form, where that counts."""
    digit = next((at for at in reversed(range(len(text))) if text[at].isdigit()), None)
    if digit is None:
        return text + "x"
    return text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_every_field_of_a_sealed_footprint(path: tuple[Any, ...]) -> None:
    """The seal names what differs of the core; the blocks are the credential's matter, which a
    reader checks first."""
    altered = flipped(CHAIN.document, path)
    document = {**altered, "extensions": published()["extensions"]}
    keys = PublicKeySet([KEY.public_key()])
    with pytest.raises(CredentialError) as caught:
        verify(document, keys=keys, issuer=CUSTOMER)
    if "the block" in caught.value.message:
        return
    with pytest.raises(SealRefusedError) as refusal:
        CHAIN.verify(document=altered)
    assert refusal.value.part in {"footprint", "product", "core"}


OTHERS: tuple[Any, ...] = (
    None,
    5,
    1.5,
    True,
    [],
    {},
    ["x"],
    "x",
    "\ud800",
    "1e999",
    float("inf"),
    2**80,
)


@pytest.mark.parametrize("other", OTHERS, ids=lambda one: f"{type(one).__name__} {one!r:.9}")
def test_values_of_other_kinds_are_refused_and_never_break_anything(other: Any) -> None:
    outside: list[tuple[Any, ...]] = [("pcf",), ("productIds",), ("pcf", "biogenicCO2Uptake")]
    for path in [*FIELDS, *outside]:
        document: Any = copy.deepcopy(CHAIN.document)
        target = document
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = other
        with contextlib.suppress(SealRefusedError, SealNumberError):
            figures_of(facts_of(document), SealedProperty.FOSSIL, None)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"pcf": None}, "footprint"),
        ({"id": None}, "footprint"),
        ({"id": "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"}, "footprint"),
        ({"created": "soon"}, "footprint"),
        ({"extensions": 5}, "footprint"),
        ({"productIds": "urn:gtin:2040000001018"}, "product"),
        ({"productIds": None}, "product"),
        ({"companyName": "Somebody"}, "core"),
        ({"x": float("nan")}, None),
    ],
)
def test_documents_that_are_no_such_footprint(changes: dict[str, Any], part: str | None) -> None:
    document = {**CHAIN.document, **changes}
    if part is None:
        assert CHAIN.verify(document=document).grade is Grade.MASS  # a block, not the core
    else:
        refused(part, document=document)


@pytest.mark.parametrize("name", ["biogenicCO2Uptake", "technologicalCO2Removals"])
def test_removals_that_show_up_in_a_block(name: str) -> None:
    pcf = {**CHAIN.document["pcf"], name: "-0.1"}
    error = refused("total", document={**CHAIN.document, "pcf": pcf})
    assert name in error.message


# Whom the reader knows


def test_only_the_endorsers_of_what_counts_have_to_be_known() -> None:
    heavy, light = CHAIN.suppliers
    verdict = CHAIN.verify(trusted=known([heavy]))
    assert (verdict.grade, verdict.coverage, verdict.stated_coverage) == (Grade.MASS, 0, 75)
    assert verdict.reductions == (
        "the coverage does not count for you: you do not know the endorsers of 1 of the 2 listed "
        "inputs",
    )
    verdict = CHAIN.verify(trusted=known([light]))
    assert (verdict.grade, verdict.coverage) == (Grade.ORIGIN, 0)
    assert "the mass balance does not count for you" in verdict.reductions[0]


def test_a_key_that_is_pinned_for_something_else() -> None:
    heavy, light = CHAIN.suppliers
    as_receipt = replace(heavy.key.public_key(), purpose=KeyPurpose.RECEIPT)
    node = KnownNode((heavy.url,), PublicKeySet([as_receipt]))
    other = KnownNode((light.url,), light.keys)
    verdict = CHAIN.verify(trusted=TrustList([node, other]))
    standings = {one.supplier: one.standing for one in verdict.endorsers}
    assert standings == {heavy.url: Standing.OTHER_KEY, light.url: Standing.KNOWN}


def test_a_key_that_is_pinned_under_the_name_of_another() -> None:
    heavy, light = CHAIN.suppliers
    named = replace(light.key.public_key(), kid=heavy.key.kid)
    nodes = [KnownNode((heavy.url,), PublicKeySet([named])), KnownNode((light.url,), light.keys)]
    verdict = CHAIN.verify(trusted=TrustList(nodes))
    assert verdict.grade is Grade.ORIGIN


def test_a_key_that_another_vendor_calls_otherwise() -> None:
    heavy, light = CHAIN.suppliers
    unnamed = replace(heavy.key.public_key(), kid="key-1", purpose=None)
    nodes = [KnownNode((heavy.url,), PublicKeySet([unnamed])), KnownNode((light.url,), light.keys)]
    verdict = CHAIN.verify(trusted=TrustList(nodes))
    assert (verdict.grade, verdict.coverage) == (Grade.MASS, 75)


@pytest.mark.parametrize("days", [-10, 10])
def test_a_supplier_with_a_key_that_the_publisher_has_revoked(days: int) -> None:
    heavy, light = CHAIN.suppliers
    since = CREATED + timedelta(days=days)
    own = KnownNode((CUSTOMER,), PublicKeySet([]), {heavy.key.kid: since})
    nodes = [own, *(KnownNode((one.url,), one.keys) for one in (heavy, light))]
    with pytest.raises(SealRefusedError, match=r"endorsement \d: .*with a key of the publisher"):
        CHAIN.verify(trusted=TrustList(nodes))


def test_numbers_among_the_texts_of_a_footprint_are_none_of_them() -> None:
    found = facts_of({**CHAIN.document, "productIds": [5, "urn:x:y:z"]})
    assert found.product_ids == ("urn:x:y:z",)
    pcf = {**CHAIN.document["pcf"], "ipccCharacterizationFactors": [6, "AR6"]}
    assert facts_of({**CHAIN.document, "pcf": pcf}).assessment_reports == {"AR6"}


def test_a_revoked_key() -> None:
    heavy, light = CHAIN.suppliers
    since = CREATED + timedelta(days=10)
    node = KnownNode((heavy.url,), PublicKeySet([]), {heavy.key.kid: since})
    trusted = TrustList([node, KnownNode((light.url,), light.keys)])
    before = CHAIN.verify(trusted=trusted, time=since - timedelta(seconds=1))
    assert before.grade is Grade.MASS
    with pytest.raises(SealRefusedError, match=r"endorsement \d: .* has revoked the key"):
        CHAIN.verify(trusted=trusted, time=since)


def test_a_supplier_that_has_moved() -> None:
    heavy, light = CHAIN.suppliers
    nodes = [KnownNode(("https://new.example", one.url), one.keys) for one in (heavy, light)]
    assert CHAIN.verify(trusted=TrustList(nodes)).coverage == 75


@pytest.mark.parametrize("is_attested", [False, True])
def test_that_unknown_endorsers_exist_is_said_not_to_be_shown(is_attested: bool) -> None:
    """Also where nothing else is reduced: there is no mass, no coverage, or an attestation."""
    chain = Chain(parts=(Part(mass="0"),), mass="0")
    document = {**chain.document, "extensions": issued(chain)["extensions"]}
    books = [attested(chain.result.digest, document)] if is_attested else []
    unknown, known_one = (
        chain.verify(trusted=trusted, attestations=books, document=document)
        for trusted in (TrustList(), chain.trusted)
    )
    words = "suppliers whom you do not know exist"
    assert sum(words in one for one in unknown.not_shown) == 1
    assert not any(words in one for one in known_one.not_shown)


@pytest.mark.parametrize("is_last", [False, True])
def test_a_node_that_says_that_it_has_the_address_of_a_supplier(is_last: bool) -> None:
    """A partner "moves" to the supplier's URL and signs in its name."""
    heavy, light = CHAIN.suppliers
    mallory = replace(heavy, key=SigningKey.generate(KeyPurpose.FOOTPRINT))
    endorsement, opening = mallory.endorse()
    forged = Chain(parts=CHAIN.parts, named=CHAIN.named, mass="4", coverage=75)
    key = mallory.key.public_key()
    false = replace(forged.inputs[0], endorsement=endorsement, opening=opening, key=key)
    replace_inputs(forged, [false, forged.inputs[1]])
    honest = [KnownNode((one.url,), one.keys) for one in (heavy, light)]
    moved = KnownNode(("https://mallory.example", heavy.url), mallory.keys)
    trusted = TrustList([*honest, moved] if is_last else [moved, *honest])
    verdict = forged.verify(trusted=trusted)
    assert (verdict.grade, verdict.coverage) == (Grade.ORIGIN, 0)
    standings = {one.supplier: one.standing for one in verdict.endorsers}
    assert standings == {heavy.url: Standing.DISPUTED, light.url: Standing.KNOWN}
    # What the supplier itself has signed counts no more, either, until it is settled.
    assert CHAIN.verify(trusted=trusted).grade is Grade.ORIGIN


def test_a_node_that_is_known_twice() -> None:
    heavy, light = CHAIN.suppliers
    nodes = [KnownNode((one.url, one.url + "/"), one.keys) for one in (heavy, light, heavy)]
    assert CHAIN.verify(trusted=TrustList(nodes)).coverage == 75


def test_another_set_of_gwp() -> None:
    foreign = supplier("foreign", ipccCharacterizationFactors=["AR5", "AR6"])
    endorsement, opening = foreign.endorse()
    chain = Chain(mass="0")
    inputs = [
        replace(
            chain.inputs[0], endorsement=endorsement, opening=opening, key=foreign.key.public_key()
        )
    ]
    with pytest.raises(SealRefusedError, match=r"endorsement 1: .* another set of GWP"):
        replace_inputs(chain, inputs)
    chain.document["pcf"]["ipccCharacterizationFactors"] = ["AR5", "AR6"]
    replace_inputs(chain, inputs)
    assert chain.verify(trusted=known([foreign])).grade is Grade.ORIGIN


def replace_inputs(chain: Chain, inputs: list[Any]) -> None:
    vars(chain)["inputs"] = inputs
    vars(chain).pop("result", None)
    assert chain.result.document


# Auditors


AUDITOR_KEY = SigningKey.generate(KeyPurpose.ATTESTATION)


def attested(
    digest: str | None, document: dict[str, Any] | None = None, **changes: Any
) -> Attestation:
    given = published() if document is None else document
    proven = verify(given, keys=PublicKeySet([KEY.public_key()]), issuer=CUSTOMER)
    arguments: dict[str, Any] = {
        "key": AUDITOR_KEY,
        "issuer": VERIFIER,
        "verifier_ids": ["urn:lei:529900T8BM49AURSDO55"],
        "verification": VERIFICATION,
        "level": AssuranceLevel.LIMITED,
        "statement": Statement(text="Openings were compared with the books."),
        "issued_at": CREATED,
        "valid_until": CREATED + timedelta(days=365),
        "books": AttestedBooks(COMMITMENT.disclosure, sealed_sum=digest),
    }
    return issue_attestation(Subject.of_published(given, proven), **(arguments | changes))


def test_an_attestation_that_names_the_sealed_sum() -> None:
    found = attested(CHAIN.result.digest)
    verdict = CHAIN.verify(attestations=[found])
    assert verdict.grade is Grade.ATTESTED
    assert "an auditor has compared the sealed quantities" in verdict.statement
    assert CHAIN.verify(attestations=[found], trusted=TrustList()).grade is Grade.ATTESTED


def test_attestations_of_something_else_in_the_books_do_not_raise_the_grade() -> None:
    other = Chain(parts=CHAIN.parts, named=CHAIN.named, mass="4", coverage=75)
    assert other.result.digest != CHAIN.result.digest
    given = [attested(None), attested(other.result.digest), attested(None, books=None)]
    assert CHAIN.verify(attestations=given).grade is Grade.MASS


def test_an_attestation_that_is_not_valid_at_this_time() -> None:
    found = attested(CHAIN.result.digest)
    for time in (CREATED + timedelta(days=365), CREATED - timedelta(days=1)):
        refused("attestation", attestations=[found], time=time)


def test_a_publisher_that_has_moved_and_attests_what_it_has_published_before() -> None:
    found = attested(CHAIN.result.digest)
    moved = [CUSTOMER, VERIFIER + "/"]
    error = refused("attestation", attestations=[found], publisher=moved)
    assert "of the publisher itself" in error.message


def test_an_attestation_about_another_footprint() -> None:
    found = attested(CHAIN.result.digest)
    subject = found.subject
    for changed in (
        replace(subject, footprint_id="7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"),
        replace(subject, owner="https://other.example"),
        replace(subject, core="A" * 43),
    ):
        refused("attestation", attestations=[replace(found, subject=changed)])


# Every byte


@settings(max_examples=120, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, mask: int) -> None:
    changed = DATA[:place] + bytes([DATA[place] ^ mask]) + DATA[place + 1 :]
    with pytest.raises(SealRefusedError):
        CHAIN.verify(changed)


@settings(max_examples=5, deadline=None)
@given(chains(), st.data())
def test_a_changed_byte_of_any_document_is_refused(chain: Chain, data: st.DataObject) -> None:
    document = chain.result.document
    for _ in range(5):
        place = data.draw(st.integers(0, len(document) - 1))
        flipped = bytes([document[place] ^ data.draw(st.integers(1, 255))])
        with pytest.raises(SealRefusedError):
            chain.verify(document[:place] + flipped + document[place + 1 :])


@pytest.mark.soak
def test_every_changed_byte_is_refused() -> None:
    for place in range(len(DATA)):
        for mask in (1, 0x80, 0x20):
            changed = DATA[:place] + bytes([DATA[place] ^ mask]) + DATA[place + 1 :]
            with pytest.raises(SealRefusedError):
                CHAIN.verify(changed)


@pytest.mark.soak
def test_126_inputs() -> None:
    parts = [Part(str(n), "1", "0.01") for n in range(126)]
    named = [Named(f"factor {n}", "1", "0.001") for n in range(30)]
    chain = Chain(parts=parts, named=named, own="1", mass="1.2", coverage=90)
    read = read_document(chain.result.document)
    assert (len(read.inputs), len(read.factors)) == (126, 30)
    assert chain.verify().grade is Grade.MASS
    assert len(chain.result.document) < 60_000


def test_a_footprint_of_another_mass_needs_another_document() -> None:
    document = footprint(CHAIN.total.text, "3.9")
    with pytest.raises(SealRefusedError) as caught:
        verify_sealed(DATA, document, publisher=CUSTOMER, trusted=CHAIN.trusted, time=CREATED)
    assert caught.value.part == "core"
