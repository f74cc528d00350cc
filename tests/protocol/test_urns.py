"""URNs by RFC 8141, and what is wrong with the identifiers that PACT names."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol.errors import UrnError
from underseal_protocol.urns import (
    MAX_CACHED_CHARACTERS,
    Urn,
    check_urn,
    make_cas_urn,
    make_gtin_urn,
    make_lei_urn,
    make_pact_urn,
    make_uuid_urn,
    pact_buyer_id,
    pact_product_id,
    pact_supplier_id,
    parse_urn,
)


def messages(text: str) -> list[str]:
    return [problem.message for problem in check_urn(text)]


def gtin_check_digit(digits: str) -> str:
    """GS1 General Specifications, 7.9: weights 3 and 1 from the right."""
    total = sum(int(one) * (3, 1)[place % 2] for place, one in enumerate(reversed(digits)))
    return str(-total % 10)


def lei_check_digits(code: str) -> str:
    """ISO 17442, by ISO 7064 MOD 97-10."""
    number = int("".join(str(int(one, 36)) for one in code + "00"))
    return f"{98 - number % 97:02}"


def cas_check_digit(digits: str) -> str:
    """Each digit times its place from the right."""
    return str(sum(place * int(one) for place, one in enumerate(reversed(digits), 1)) % 10)


# --- syntax -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "urn"),
    [
        ("urn:gtin:4712345060507", Urn("gtin", "4712345060507")),
        ("URN:GTIN:4712345060507", Urn("gtin", "4712345060507")),
        ("urn:isbn:978-951-0-18435-6", Urn("isbn", "978-951-0-18435-6")),
        ("urn:iso:std:iso:4217", Urn("iso", "std:iso:4217")),
        ("urn:example:a/b%20c", Urn("example", "a/b%20c")),
        ("urn:example:foo?+r?=q#f", Urn("example", "foo", "r", "q", "f")),
        ("urn:example:foo?=a=1&b=2", Urn("example", "foo", None, "a=1&b=2")),
        ("urn:example:foo#", Urn("example", "foo", None, None, "")),
        ("urn:pact:inchi-trust.org:substance-id:1S,/2O.Ti",
         Urn("pact", "inchi-trust.org:substance-id:1S,/2O.Ti")),
        ("urn:eclass:0173-1#01-AAA123#005", Urn("eclass", "0173-1#01-AAA123#005")),
    ],
)  # fmt: skip
def test_urns_are_taken_apart(text: str, urn: Urn) -> None:
    assert parse_urn(text) == urn
    assert parse_urn(str(urn)) == urn
    assert str(urn).lower() == text.lower()


WRONG: list[Any] = [
    "", "urn", "urn:", "urn:gtin", "urn:gtin:", "urn:g:1", "gtin:1", "urn:-ab:1", "urn:ab-:1",
    "urn:" + "a" * 33 + ":1", "urn:ab:ä", "urn:ab:a b", "urn:ab:/x", "urn:ab:%", "urn:ab:%zz",
    "urn:ab:x?y", "urn:ab:x?+", "urn:ab:x\n", " urn:ab:x", "urn:ab:x#y#z", "urn:a_b:x",
    None, 1, b"urn:a:b",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_urn(text: Any) -> None:
    with pytest.raises(UrnError, match="is not a URN") as caught:
        parse_urn(text)
    assert caught.value.hint
    if isinstance(text, str):
        assert messages(text) == ["it is not a URN by RFC 8141"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("4712345060507", "A URN begins with urn:"),
        ("urn:gtin", "After urn: come a namespace"),
        ("urn:ab:a b", "holds no spaces; write %20"),
        ("urn:ab:ä", "percent-encoded"),
    ],
)
def test_hints(text: str, hint: str) -> None:
    (problem,) = check_urn(text)
    assert hint in str(problem.hint)


@given(st.text() | st.text("urn:abAB-.%20#?+=/ä ", max_size=30).map("urn:{}".format))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        urn = parse_urn(text)
    except UrnError:
        assert messages(text)
    else:
        assert str(urn)[4:].lower() == text[4:].lower()


def test_long_ones_are_judged_like_short_ones() -> None:
    tail = "x" * MAX_CACHED_CHARACTERS
    assert messages(f"urn:example:{tail}") == []
    assert messages(f"urn:pact:{tail}") == ["a pact URN has a domain, a type and an id"]
    with pytest.raises(UrnError) as caught:
        parse_urn("urn:ä:" + "x" * 100_000)
    assert len(caught.value.message) < 150


# --- check digits -------------------------------------------------------------------------------


@given(
    st.sampled_from([7, 11, 12, 13]).flatmap(
        lambda n: st.text("0123456789", min_size=n, max_size=n)
    )
)
def test_gtin(digits: str) -> None:
    right = gtin_check_digit(digits)
    assert messages(f"urn:gtin:{digits}{right}") == []
    for wrong in set("0123456789") - {right}:
        assert messages(f"urn:gtin:{digits}{wrong}") == [
            f"the check digit of the GTIN is {wrong}, expected {right}"
        ]


@pytest.mark.parametrize(
    "nss", ["123456789", "471234506050X", "47123450605077777", "4712345-60507"]
)
def test_what_is_no_gtin(nss: str) -> None:
    assert messages(f"urn:gtin:{nss}") == ["a GTIN has 8, 12, 13 or 14 digits"]


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_lei(code: str) -> None:
    right = lei_check_digits(code)
    assert messages(f"urn:lei:{code}{right}") == []
    assert messages(f"urn:lei:{code.lower()}{right}") == []
    wrong = f"{(int(right) + 1) % 100:02}"
    assert messages(f"urn:lei:{code}{wrong}") == ["the check digits of the LEI are wrong"]


@pytest.mark.parametrize(
    "nss", ["529900T8BM49AURSDO5", "529900T8BM49AURSDO5Z", "529900-T8BM49AURSDO5"]
)
def test_what_is_no_lei(nss: str) -> None:
    assert messages(f"urn:lei:{nss}") == ["an LEI has 18 letters and digits and two check digits"]


@given(st.integers(10, 9_999_999), st.integers(0, 99))
def test_cas(first: int, second: int) -> None:
    right = cas_check_digit(f"{first}{second:02}")
    wrong = str((int(right) + 1) % 10)
    for form in ("urn:cas:{}", "urn:pact:cas.org:substance-number:{}"):
        assert messages(form.format(f"{first}-{second:02}-{right}")) == []
        assert messages(form.format(f"{first}-{second:02}-{wrong}")) == [
            f"the check digit of the CAS number is {wrong}, expected {right}"
        ]


@pytest.mark.parametrize("number", ["7732185", "07732-18-5", "7732-18", "1-18-5", "7732-018-5"])
def test_what_is_no_cas_number(number: str) -> None:
    assert messages(f"urn:cas:{number}") == ["a CAS number has the form 7732-18-5"]


def test_uuid() -> None:
    assert messages("urn:uuid:f4b1225a-bd44-4c8e-861d-079e4e1dfd69") == []
    assert messages("urn:uuid:F4B1225A-BD44-4C8E-861D-079E4E1DFD69") == []
    for wrong in ("69585GB6-56T9-6958-E526-6FDGZJHU1326", "f4b1225abd444c8e861d079e4e1dfd69"):
        assert messages(f"urn:uuid:{wrong}") == ["it is not a UUID"]


# --- the namespace of PACT, and others ----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "urn:pact:sample.com:product-id:44055-9c05bc35-68f8",
        "urn:pact:sample-buyer.com:buyer-id:103403453",
        "urn:pact:catalog.company.com:category-id:550010",
        "urn:pact:iupac.org:substance-name:dioxotitanium",
        "urn:pact:inchi-trust.org:substance-key:GWEVSGVZZGPLCZ-UHFFFAOYSA-N",
        "urn:pact:ec.europa.eu:cn-code:85076000",
        "urn:pact:a.example:product-id:with:colons",
        # No domain, but in examples of the specification.
        "urn:pact:productclassification:un-cpc:1234",
        "urn:pact:productclassification:cas:7732-18-5",
        # Namespaces that nobody can check are taken as they are.
        "urn:company:example:company1",
        "urn:cpc:0151",
        "urn:eclass:28070000",
        "urn:eclass:0173-1%2301-AAA123%23005",
    ],
)
def test_nothing_is_wrong_with(text: str) -> None:
    assert check_urn(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("urn:pact:null", "a pact URN has a domain, a type and an id"),
        ("urn:pact:sample.com:product-id", "a pact URN has a domain, a type and an id"),
        ("urn:pact:sample.com:product-id:", "a pact URN has a domain, a type and an id"),
        ("urn:pact:sample:product-id:1",
         "'sample' is not the full domain name of who has issued the id"),
        ("urn:pact:-a.example:product-id:1",
         "'-a.example' is not the full domain name of who has issued the id"),
        ("urn:pact:10.0.0.1:product-id:1",
         "'10.0.0.1' is not the full domain name of who has issued the id"),
        ("urn:pact:productclassification:cas:1456", "a CAS number has the form 7732-18-5"),
        ("urn:eclass:0173-1#01-AAA123#005",
         "it holds #, which ends an address: systems that do not encode it will cut it off"),
        ("urn:eclass:0173-1#01-AAA123",
         "it holds #, which ends an address: systems that do not encode it will cut it off"),
    ],
)  # fmt: skip
def test_problems(text: str, message: str) -> None:
    assert messages(text) == [message]


# --- making them --------------------------------------------------------------------------------


def test_making() -> None:
    number = uuid.UUID("f4b1225a-bd44-4c8e-861d-079e4e1dfd69")
    assert make_gtin_urn("4 712345 060507") == "urn:gtin:4712345060507"
    assert make_lei_urn("529900t8bm49aursdo55") == "urn:lei:529900T8BM49AURSDO55"
    assert make_cas_urn(" 7732-18-5 ") == "urn:pact:cas.org:substance-number:7732-18-5"
    assert make_uuid_urn(number) == f"urn:uuid:{number}"
    assert make_uuid_urn(str(number).upper()) == f"urn:uuid:{number}"
    assert pact_product_id("Catalog.Example.com", "4711") == (
        "urn:pact:catalog.example.com:product-id:4711"
    )
    assert pact_buyer_id("b.example", "10 3") == "urn:pact:b.example:buyer-id:10%203"
    assert pact_supplier_id("s.example", "ä#1/2") == "urn:pact:s.example:supplier-id:%C3%A4%231%2F2"


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_gtin_urn("4712345060508"),
        lambda: make_gtin_urn("47123"),
        lambda: make_lei_urn("529900T8BM49AURSDO56"),
        lambda: make_lei_urn(""),
        lambda: make_cas_urn("7732-18-6"),
        lambda: make_uuid_urn("4711"),
        lambda: pact_product_id("sample", "1"),
        lambda: pact_product_id("sample.com", ""),
        lambda: pact_product_id("sample.com", "\ud800"),
        lambda: make_pact_urn("sample.com", "", "1"),
        lambda: make_pact_urn("sample.com", "a:b", "1"),
        lambda: make_pact_urn("sample.com", "product id", "1"),
    ],
)
def test_what_is_not_made(make: Any) -> None:
    with pytest.raises(UrnError):
        make()


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.sampled_from(["product-id", "buyer-id", "x.y~z"]),
)
def test_any_identifier_can_become_a_urn(identifier: str, kind: str) -> None:
    text = make_pact_urn("catalog.example.com", kind, identifier)
    assert check_urn(text) == []
    assert text.isascii()
    assert parse_urn(text).nss.startswith(f"catalog.example.com:{kind}:")


def test_different_identifiers_become_different_urns() -> None:
    identifiers = ["a b", "a%20b", "a+b", "a/b", "a#b", "a?b", "ab", "AB"]
    assert len({pact_product_id("a.example", one) for one in identifiers}) == len(identifiers)
