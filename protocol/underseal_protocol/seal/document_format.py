"""The bytes of a sealed document, version 1, schemes 1 and 2 (docs/reference/sealed-sum-format.md).

Each document has one encoding. What is read is bounded before anything is calculated: the length of
the whole, the counts, each text; after the counts and texts every length follows. Integers are
little-endian, points and scalars as `group` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from underseal_protocol import base64url
from underseal_protocol.carbon import UNITS
from underseal_protocol.errors import SealEncodingError
from underseal_protocol.keys import KeyPurpose, PublicKey
from underseal_protocol.seal import codec
from underseal_protocol.seal.byte_reader import Reader, located, require_sorted
from underseal_protocol.seal.document import (
    MAX_FACTORS,
    MAX_INPUTS,
    Header,
    HiddenInput,
    ListedFactor,
    ListedInput,
    NamedFactor,
    RosterUse,
    Scheme,
    SealedDocument,
)
from underseal_protocol.seal.endorsement import DIGEST_BYTES, SIGNATURE_BYTES, Endorsement
from underseal_protocol.seal.group import POINT_BYTES, SCALAR_BYTES, Point, encode_points
from underseal_protocol.seal.numbers import (
    MIN_DECIMALS,
    VALUE_BITS,
    WIDE_BITS,
    SealedProperty,
)
from underseal_protocol.seal.ranges import proof_bytes
from underseal_protocol.seal.roster_format import (
    hidden_input_bytes,
    read_hidden_input,
    read_roster,
    roster_bytes,
)
from underseal_protocol.seal.terms import Terms
from underseal_protocol.seal.texts import shortened, text_bytes, whole

__all__ = [
    "MAGIC",
    "MAX_DOCUMENT_BYTES",
    "VERSION",
    "encode_statement",
    "factor_bytes",
    "read_document",
]

MAGIC = b"UNDERSEAL\x00"
VERSION = 1
MAX_DOCUMENT_BYTES = 160 * 1024

KEY_BYTES = 33  # of P-256, compressed (SEC 1 section 2.3.3)
SECOND_BYTES, VALUE_BYTES, MASS_BYTES = 5, 7, 8
_PROPERTIES = tuple(SealedProperty)
_MASS_FLAG = 1
_Party = TypeVar("_Party")
_Input = TypeVar("_Input")


def encode_statement(document: SealedDocument) -> bytes:
    """Everything of a document but its proofs, from its parts.

    Args:
        document: whose inputs and factors are sorted.
    """
    factors, header = document.factors, _header_bytes(document)
    parts = [header, *_input_parts(document), bytes([len(factors)])]
    parts += [factor_bytes(one.factor) + one.quantity.encode() for one in factors]
    points = [document.own, document.remainder]
    points += [] if document.mass_high is None else [document.mass_high]
    points += document.covered or ()
    return b"".join(parts) + encode_points(points)


def read_document(data: bytes) -> SealedDocument:
    """Read a document.

    Args:
        data: from anywhere.

    Raises:
        SealEncodingError: it is none, or none of this version and scheme, or not in its one
            encoding; the message says where.
    """
    if type(data) is not bytes:
        raise SealEncodingError(f"a document cannot be read from {type(data).__name__}")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise SealEncodingError(
            f"there are {len(data)} bytes, expected at most {MAX_DOCUMENT_BYTES}"
        )
    reader = Reader(data)
    header, scheme, has_mass = _read_header(reader)
    roster, inputs, members = _read_endorsed(reader, header, scheme)
    factors = reader.table("factor", MAX_FACTORS, _read_factor, _key_of_factor)
    own, remainder = reader.point("own emissions"), reader.point("remainder")
    mass_high = reader.point("mass") if has_mass else None
    covered = None
    if header.coverage:
        covered = reader.point("covered sum"), reader.point("covered whole")
    statement = data[: reader.at]
    count = len(inputs) + len(members)
    scalars = 2 * count + 2 * len(factors) + (2 if covered else 1)
    sum_proof = reader.take(SCALAR_BYTES * (scalars + 1), "the proof of the sum")
    wide = 3 + (2 if mass_high else 0) + (4 if covered else 0)
    bits = VALUE_BITS * (2 * count + len(factors)) + WIDE_BITS * wide
    range_proof = reader.take(proof_bytes(bits), "the proof of the ranges")
    reader.finish()
    return SealedDocument(
        header,
        inputs,
        factors,
        own,
        remainder,
        mass_high,
        covered,
        statement,
        sum_proof,
        range_proof,
        roster,
        members,
    )


# The header


def _header_bytes(document: SealedDocument) -> bytes:
    header = document.header
    fixed = (
        VERSION,
        document.scheme,
        1 + _PROPERTIES.index(header.sealed),
        header.decimals - MIN_DECIMALS,
        header.coverage,
        0 if document.mass_high is None else _MASS_FLAG,
    )
    return b"".join(
        (
            MAGIC,
            bytes(fixed),
            UUID(header.footprint_id).bytes,
            header.core,
            header.salt,
            text_bytes(shortened(header.publisher)),
            text_bytes(header.product_id),
        )
    )


def _read_header(reader: Reader) -> tuple[Header, Scheme, bool]:
    if reader.take(len(MAGIC), "the header") != MAGIC:
        raise SealEncodingError("it does not begin as a sealed document does")
    version, scheme = reader.byte("the version"), reader.byte("the scheme")
    if version != VERSION or scheme not in tuple(Scheme):
        raise SealEncodingError(
            f"it is of version {version} and scheme {scheme}, expected {VERSION} and "
            f"{' or '.join(str(one.value) for one in Scheme)}",
            hint="A newer version of Underseal may know it.",
        )
    number = reader.byte("the property")
    if not 1 <= number <= len(_PROPERTIES):
        raise SealEncodingError(f"the property has the number {number}, expected 1 or 2")
    decimals = reader.byte("the decimals") + MIN_DECIMALS
    coverage, flags = reader.byte("the coverage"), reader.byte("the flags")
    if flags not in (0, _MASS_FLAG):
        raise SealEncodingError(f"the flags are {flags}, expected 0 or {_MASS_FLAG}")
    footprint_id = str(UUID(bytes=reader.take(16, "the footprint")))
    core, salt = reader.take(DIGEST_BYTES, "the core"), reader.take(32, "the salt")
    publisher, product = whole(reader.text("the publisher")), reader.text("the product")
    header = Header(
        publisher,
        footprint_id,
        product,
        core,
        salt,
        _PROPERTIES[number - 1],
        decimals,
        coverage,
    )
    return header, Scheme(scheme), bool(flags)


# Suppliers, terms, inputs


def _input_parts(document: SealedDocument) -> list[bytes]:
    """Roster, if any, endorsers, terms, and inputs."""
    front, parties, bodies = [], [], []
    if document.roster is not None:
        front.append(roster_bytes(document.roster))
    for one in document.listed:
        if isinstance(one, ListedInput):
            parties.append(_supplier_bytes(one))
            bodies.append(_input_bytes(one))
        else:
            parties.append(one.endorsement.pseudonym.encode())
            bodies.append(hidden_input_bytes(one))
    terms = [_terms_bytes(one.endorsement.terms) for one in document.listed]
    tables = [sorted(set(parties)), sorted(set(terms))]
    for table in tables:
        front += [bytes([len(table)]), *table]
    front.append(bytes([len(bodies)]))
    for party, said, body in zip(parties, terms, bodies, strict=True):
        front += [bytes((tables[0].index(party), tables[1].index(said))), body]
    return front


def _supplier_bytes(one: ListedInput) -> bytes:
    return text_bytes(shortened(one.endorsement.supplier)) + one.key.point()


def _read_supplier(reader: Reader) -> tuple[str, PublicKey]:
    url, point = whole(reader.text("the URL")), reader.take(KEY_BYTES, "the key")
    return url, located("the key", partial(PublicKey.of_point, point, KeyPurpose.FOOTPRINT))


def _terms_bytes(terms: Terms) -> bytes:
    parts = [
        text_bytes(terms.amount),
        bytes([UNITS.index(terms.unit)]),
        codec.little_endian(terms.mass, MASS_BYTES),
        codec.little_endian(terms.period_start, SECOND_BYTES),
        codec.little_endian(terms.period_end, SECOND_BYTES),
    ]
    for names in (terms.assessment_reports, terms.standards):
        parts += [bytes([len(names)]), *map(text_bytes, names)]
    return b"".join(parts)


def _read_terms(reader: Reader) -> Terms:
    amount, unit = reader.text("the amount"), reader.byte("the unit")
    if unit >= len(UNITS):
        raise SealEncodingError(f"the unit has the number {unit}, expected 0 to {len(UNITS) - 1}")
    mass = reader.integer(MASS_BYTES, "the mass")
    start = reader.integer(SECOND_BYTES, "the reference period")
    end = reader.integer(SECOND_BYTES, "the reference period")
    reports, standards = (
        tuple(reader.text(what) for _ in range(reader.byte(what)))
        for what in ("the assessment reports", "the standards")
    )
    return Terms(amount, UNITS[unit], mass, reports, standards, start, end)


def _input_bytes(one: ListedInput) -> bytes:
    said = one.endorsement
    return b"".join(
        (
            said.commitment.encode(),
            base64url.decode(said.credential),
            codec.little_endian(said.not_before, SECOND_BYTES),
            codec.little_endian(said.not_after, SECOND_BYTES),
            said.signature,
            one.quantity.encode(),
        )
    )


def _read_endorsed(
    reader: Reader, header: Header, scheme: Scheme
) -> tuple[RosterUse | None, tuple[ListedInput, ...], tuple[HiddenInput, ...]]:
    """Roster, and the inputs of the one kind or of the other."""
    if scheme is Scheme.NODE_KEYS:
        suppliers = reader.table("supplier", MAX_INPUTS, _read_supplier)
        return None, _read_inputs(reader, suppliers, partial(_read_input, reader, header)), ()
    roster = read_roster(reader, header)
    pseudonyms = reader.table("pseudonym", MAX_INPUTS, _read_pseudonym)
    read_one = partial(read_hidden_input, reader, header)
    return roster, (), _read_inputs(reader, pseudonyms, read_one)


def _read_pseudonym(reader: Reader) -> Point:
    return reader.point("the point")


def _read_inputs(
    reader: Reader,
    parties: Sequence[_Party],
    read_one: Callable[[_Party, Terms], _Input],
) -> tuple[_Input, ...]:
    """The terms, and the inputs, each of which names its endorser and its terms by their places."""
    terms = reader.table("terms", MAX_INPUTS, _read_terms)
    count = reader.byte("the number of inputs")
    if count > MAX_INPUTS:
        raise SealEncodingError(f"there are {count} inputs, expected at most {MAX_INPUTS}")
    used: tuple[set[int], set[int]] = set(), set()
    found, keys = [], []
    for number in range(1, count + 1):
        where = f"endorsement {number}"
        at = reader.byte(where), reader.byte(where)
        for index, length, seen in zip(at, (len(parties), len(terms)), used, strict=True):
            if index >= length:
                raise SealEncodingError(f"{where}: there is no entry {index} for it")
            seen.add(index)
        start = reader.at
        found.append(located(where, partial(read_one, parties[at[0]], terms[at[1]])))
        keys.append(reader.since(start)[:POINT_BYTES])
    require_sorted(keys, "endorsement")
    if (len(used[0]), len(used[1])) != (len(parties), len(terms)):
        raise SealEncodingError("an endorser or terms stand there that no endorsement has")
    return tuple(found)


def _read_input(
    reader: Reader,
    header: Header,
    supplier: tuple[str, PublicKey],
    terms: Terms,
) -> ListedInput:
    url, key = supplier
    commitment = reader.point("C")
    credential = base64url.encode(reader.take(DIGEST_BYTES, "the credential"))
    not_before = reader.integer(SECOND_BYTES, "the validity")
    not_after = reader.integer(SECOND_BYTES, "the validity")
    signature = reader.take(SIGNATURE_BYTES, "the signature")
    endorsement = Endorsement(
        commitment=commitment,
        supplier=url,
        kid=key.kid,
        customer=header.publisher,
        context=header.context,
        credential=credential,
        sealed=header.sealed,
        terms=terms,
        not_before=not_before,
        not_after=not_after,
        is_named=True,
        signature=signature,
    )
    return ListedInput(endorsement, key, reader.point("Q"))


# Factors


def factor_bytes(factor: NamedFactor) -> bytes:
    """The public part of a factor, by which factors are sorted."""
    value = codec.little_endian(factor.value, VALUE_BYTES)
    return text_bytes(factor.name) + text_bytes(factor.unit) + value


def _read_factor(reader: Reader) -> ListedFactor:
    name, unit = reader.text("the name"), reader.text("the unit")
    factor = NamedFactor(name, unit, reader.integer(VALUE_BYTES, "the value"))
    return ListedFactor(factor, reader.point("Q"))


def _key_of_factor(data: bytes) -> bytes:
    """Two with the same name, unit and value are one."""
    return data[:-POINT_BYTES]
