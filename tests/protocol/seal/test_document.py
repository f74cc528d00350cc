"""The bytes of a sealed document: each has one encoding, and everything else is refused as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal.chains import Chain, Named, Part
from tests.protocol.seal.parties import CONTEXT, CUSTOMER, FOOTPRINT, PRODUCT, SALT, supplier

from underseal_protocol import canonical
from underseal_protocol.errors import SealEncodingError, SealRefusedError
from underseal_protocol.seal import codec
from underseal_protocol.seal.document import Header, NamedFactor, Scheme, SealedDocument
from underseal_protocol.seal.document_format import (
    MAGIC,
    MAX_DOCUMENT_BYTES,
    encode_statement,
    read_document,
)
from underseal_protocol.seal.group import POINT_BYTES
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.verifier import read_sealed

CHAIN = Chain(
    parts=(Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25"), Part("8.2", "1", "0.62")),
    named=(Named(), Named("Steel", "2.1", "0.05", "kg")),
    coverage=75,
)
DATA = CHAIN.result.document
READ = read_document(DATA)
IDENTITY = bytes([0xC0]) + bytes(POINT_BYTES - 1)
FIRST_TEXT = len(MAGIC) + 6 + 16 + 32 + 32  # where the publisher stands


def refused(data: bytes, message: str) -> None:
    with pytest.raises(SealRefusedError, match=message) as caught:
        read_sealed(data)
    assert caught.value.part == "file"


def test_it_is_read_as_it_was_written() -> None:
    assert encode_statement(READ) == READ.statement
    assert READ.statement + READ.sum_proof + READ.range_proof == DATA
    assert READ.digest == CHAIN.result.digest == canonical.digest_of_bytes(READ.statement)
    assert READ.header == Header(
        CUSTOMER,
        FOOTPRINT,
        PRODUCT,
        READ.header.core,
        SALT,
        SealedProperty.FOSSIL,
        4,
        75,
    )
    assert READ.header.context == CONTEXT
    by_supplier = {one.endorsement.supplier: one.endorsement for one in READ.inputs}
    assert by_supplier == {one.endorsement.supplier: one.endorsement for one in CHAIN.inputs}
    assert [one.factor.name for one in READ.factors] == ["Steel", "Electricity, DE, 2024"]
    assert READ.mass_high is not None
    assert READ.covered is not None


def test_inputs_are_sorted_so_that_their_order_tells_nothing() -> None:
    commitments = [one.endorsement.commitment.encode() for one in READ.inputs]
    assert commitments == sorted(commitments)
    turned = replace(CHAIN.order, inputs=tuple(reversed(CHAIN.inputs)))
    assert {one.endorsement.supplier for one in turned.inputs} == {
        one.endorsement.supplier for one in READ.inputs
    }


def test_what_is_kept_of_a_seal_is_in_the_order_of_the_order() -> None:
    listed = {one.endorsement.supplier: one.quantity for one in READ.inputs}
    for one, opening in zip(CHAIN.inputs, CHAIN.result.inputs, strict=True):
        assert listed[one.endorsement.supplier] == opening.commitment
        assert opening.quantity == one.quantity
    assert [one.quantity for one in READ.factors] == [
        one.commitment for one in CHAIN.result.factors
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_a_part_of_it_is_refused(length: int) -> None:
    refused(DATA[:length], "it ends within|does not begin as")


@pytest.mark.parametrize("more", [b"\0", b"\0" * 48, DATA])
def test_what_follows_is_refused(more: bytes) -> None:
    refused(DATA + more, f"{len(more)} bytes follow the document")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it ends within the header"),
        (b"x" * 100, "does not begin as a sealed document does"),
        (bytes(MAX_DOCUMENT_BYTES + 1), "163841 bytes, expected at most 163840"),
    ],
)
def test_what_is_no_document(data: bytes, message: str) -> None:
    refused(data, message)


def test_only_bytes_are_read() -> None:
    with pytest.raises(SealEncodingError, match="from bytearray"):
        read_document(bytearray(DATA))  # type: ignore[arg-type]


def at(offset: int, value: int) -> bytes:
    """With another byte in the header."""
    place = len(MAGIC) + offset
    return DATA[:place] + bytes([value]) + DATA[place + 1 :]


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, 0, "it is of version 0 and scheme 1, expected 1 and 1"),
        (0, 2, "it is of version 2"),
        (1, 0, "scheme 0"),
        (1, 3, "scheme 3"),
        (2, 0, "the property has the number 0"),
        (2, 3, "the property has the number 3"),
        (3, 20, "there are 19 decimals"),
        (3, 255, "there are 254 decimals"),
        (4, 1, "the coverage is 1 %"),
        (4, 100, "the coverage is 100 %"),
        (5, 2, "the flags are 2"),
        (5, 255, "the flags are 255"),
    ],
)
def test_a_header_in_another_form(offset: int, value: int, message: str) -> None:
    refused(at(offset, value), message)
    assert Scheme.NODE_KEYS.value == 1


def replaced(old: bytes, new: bytes) -> bytes:
    assert DATA.count(old) == 1
    return DATA.replace(old, new)


def text(value: str) -> bytes:
    data = value.encode()
    return codec.little_endian(len(data), 2) + data


def test_texts_have_one_encoding() -> None:
    host = CUSTOMER.removeprefix("https://")
    refused(replaced(text(host), text(CUSTOMER)), "begins with https://, expected it without")
    refused(replaced(text(host), text("")), "the publisher is 'https://'|expected the URL")
    refused(replaced(text(host), text("pack.example/")), "slash")
    refused(replaced(text(host), text("pack\n.example")), "printable|URL")
    refused(replaced(text(host), codec.little_endian(2, 2) + b"\xff\xfe"), "no text in UTF-8")
    refused(replaced(text(host), codec.little_endian(4001, 2) + b"a" * 4001), "4001 bytes")
    refused(replaced(text("Steel"), text("")), "factor 1: the name of a factor is ''")
    refused(replaced(text("Steel"), text("S" * 201)), "factor 1: the name of a factor")


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "https://a.example/b?c=d://e", "https://x.example/y"]
)
def test_urls_of_all_kinds(url: str) -> None:
    header = replace(READ.header, publisher=url)
    document = replace(READ, header=header, inputs=())
    again = read_document(with_proofs(document))
    assert again.header.publisher == url


def with_proofs(document: SealedDocument) -> bytes:
    """As many bytes as proofs have."""
    statement = encode_statement(document)
    n, m = len(document.inputs), len(document.factors)
    scalars = 1 + 2 * (n + m) + (2 if document.covered else 1)
    bits = 112 * n + 56 * m + 64 * (3 + 2 * bool(document.mass_high) + 4 * bool(document.covered))
    halvings = (bits - 1).bit_length()
    return statement + bytes(32 * scalars + 1 + 48 * (4 + 2 * halvings) + 160)


POINTS: dict[str, Callable[[SealedDocument], bytes]] = {
    "endorsement 1: C": lambda read: read.inputs[0].endorsement.commitment.encode(),
    "endorsement 2: Q": lambda read: read.inputs[1].quantity.encode(),
    "factor 1: Q": lambda read: read.factors[0].quantity.encode(),
    "own emissions": lambda read: read.own.encode(),
    "remainder": lambda read: read.remainder.encode(),
    "mass": lambda read: (read.mass_high or read.own).encode(),
    "covered sum": lambda read: (read.covered or (read.own,))[0].encode(),
    "covered whole": lambda read: (read.covered or (read.own,))[-1].encode(),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_that_are_none(name: str) -> None:
    point = POINTS[name](READ)
    for changed, message in (
        (IDENTITY, "is the identity"),
        (bytes(48), "is not compressed"),
        (bytes([0x80]) + bytes(47), "is no point|one encoding"),
        (b"\x80" + b"\xff" * 47, "is no point"),
    ):
        refused(replaced(point, changed), f"file: {name}: .*{message}")


def test_an_endorsement_is_not_there_twice() -> None:
    one, other, _ = READ.inputs
    twice = replace(READ, inputs=(one, one, other))
    refused(with_proofs(twice), "endorsement 2 is there twice")
    same = replace(
        other, endorsement=replace(other.endorsement, commitment=one.endorsement.commitment)
    )
    refused(with_proofs(replace(READ, inputs=(one, same))), "endorsement 2 is there twice")
    turned = replace(READ, inputs=(other, one))
    refused(with_proofs(turned), "endorsement 2 is not in its place")


def test_a_factor_is_not_there_twice() -> None:
    one, other = READ.factors
    refused(
        with_proofs(replace(READ, factors=(one, replace(one, quantity=other.quantity)))),
        "factor 2 is there twice",
    )
    refused(with_proofs(replace(READ, factors=(other, one))), "factor 2 is not in its place")


def table_of(name: str) -> tuple[bytes, list[bytes]]:
    """A table of the document, and its entries."""
    urls = sorted(text(one.endorsement.supplier.removeprefix("https://")) for one in READ.inputs)
    start = DATA.index(urls[0]) - 1
    if name == "supplier":
        entries = [url + DATA[DATA.index(url) + len(url) :][:33] for url in urls]
    else:
        start += 1 + sum(len(url) + 33 for url in urls)
        size = len(text("1")) + 1 + 8 + 5 + 5 + 1 + len(text("AR6")) + 1
        size += len(text("ISO14067")) + len(text("PACT-3.0"))
        entries = [DATA[start + 1 + size * n :][:size] for n in range(3)]
    return bytes([3]) + b"".join(entries), entries


@pytest.mark.parametrize("name", ["supplier", "terms"])
def test_tables_have_one_order_and_no_more_than_is_used(name: str) -> None:
    table, (one, two, three) = table_of(name)
    for entries, message in (
        ([two, one, three], f"{name} 2 is not in its place"),
        ([one, one, two, three], f"{name} 2 is there twice"),
        ([one, two], "there is no entry 2 for it"),
        ([], "there is no entry"),
    ):
        refused(replaced(table, bytes([len(entries)]) + b"".join(entries)), message)
    refused(replaced(table, bytes([127]) + table[1:]), f"the table of {name} has 127 entries")


def test_entries_that_nothing_has() -> None:
    table, entries = table_of("supplier")
    more = text("zz.example") + entries[0][-33:]
    refused(replaced(table, bytes([4]) + b"".join([*entries, more])), "that no endorsement has")


def test_keys_that_are_none() -> None:
    _, (entry, *_) = table_of("supplier")
    url = entry[:-33]
    for key in (bytes(33), b"\x02" + b"\xff" * 32, b"\x04" + entry[-32:], b"\x05" + entry[-32:]):
        refused(replaced(entry, url + key), "supplier 1: the key")


def test_the_publisher_is_no_endorser() -> None:
    _, entries = table_of("supplier")
    host = text(CUSTOMER.removeprefix("https://"))
    changed = bytes([3]) + b"".join(sorted([host + entries[0][-33:], *entries[1:]]))
    table, _ = table_of("supplier")
    refused(replaced(table, changed), "endorses a figure for itself")


def test_terms_are_in_their_form() -> None:
    table, (entry, *others) = table_of("terms")
    unit = len(text("1"))
    for old, new, message in (
        (entry[: unit + 1], text("01") + entry[unit : unit + 1], "the declared amount"),
        (entry[: unit + 1], text("1") + bytes([10]), "the unit has the number 10"),
        (text("AR6"), text("A\nR"), "printable"),
    ):
        changed = bytes([3]) + entry.replace(old, new) + b"".join(others)
        refused(replaced(table, changed), f"terms 1: .*{message}")


def test_what_cannot_even_be_made() -> None:
    for changes in (
        {"core": b""},
        {"salt": bytes(31)},
        {"decimals": 19},
        {"decimals": -2},
        {"coverage": 10},
        {"publisher": ""},
        {"product_id": "x" * 1001},
    ):
        with pytest.raises(SealEncodingError):
            replace(READ.header, **changes)
    for name, unit, value in (
        ("", "kg", 1),
        ("x", "", 1),
        ("x", "k" * 41, 1),
        ("x", "kg", 0),
        ("x", "kg", -1),
        ("x", "kg", 1 << 56),
    ):
        with pytest.raises(SealEncodingError):
            NamedFactor(name, unit, value)


def test_one_supplier_with_several_products_and_keys() -> None:
    one, other = supplier("same", "5", "1"), supplier("same", "7", "1")
    given = [one.endorse(), other.endorse()]
    assert one.key.kid == other.key.kid
    inputs = sorted(
        (
            replace(READ.inputs[0], endorsement=endorsement, key=one.key.public_key())
            for endorsement, _ in given
        ),
        key=lambda entry: entry.endorsement.commitment.encode(),
    )
    data = with_proofs(replace(READ, inputs=tuple(inputs)))
    assert data.count(text("same.example")) == 1
    assert len(read_document(data).inputs) == 2
