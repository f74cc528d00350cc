"""Our own vectors of sealed documents, for other verifiers to be held against."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from tests.protocol.seal.sum_files import FILE, OWN
from tests.vectors.seal import generate_sums
from tests.vectors.seal.sum_cases import CASES, MAIN, same_signatures
from tests.vectors.seal.sum_maker import Maker
from tests.vectors.seal.sum_places import places

from underseal_protocol.seal.document_format import encode_statement, read_document

VECTORS, BASES = OWN.vectors, OWN.bases


def parts() -> list[list[dict[str, Any]]]:
    """A few lists, so that they run side by side."""
    return [VECTORS[start::8] for start in range(8)]


@pytest.mark.parametrize("vectors", parts(), ids=range(8))
def test_they_are_as_expected(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        found = OWN.outcome(vector)
        assert found.items() <= vector.items(), (vector["id"], vector["comment"], found)


def test_there_are_enough_of_both_kinds_and_of_every_part() -> None:
    expected = Counter(vector["expected"] for vector in VECTORS)
    assert expected["accept"] >= 25
    assert expected["reject"] >= 200
    refused = {vector["part"] for vector in VECTORS if vector["expected"] == "reject"}
    assert refused >= {
        *("file", "publisher", "footprint", "product", "core", "total", "mass", "sum", "ranges"),
        *("endorsement 1", "endorsement 2"),
    }
    assert {vector["grade"] for vector in VECTORS if "grade" in vector} == {"origin", "mass"}
    assert FILE.stat().st_size < 500_000


def test_each_refused_one_differs_from_the_one_that_it_is_made_of() -> None:
    for vector in VECTORS:
        if vector["expected"] == "reject" and "base" in vector:
            usual = {"publisher": ["https://pack.example"], "trust": "all", "change": {}}
            is_other = any(vector[name] != value for name, value in usual.items())
            assert is_other or OWN.data_of(vector) != BASES[vector["base"]], vector["id"]


@pytest.mark.parametrize("name", CASES)
def test_documents_have_the_parts_that_the_format_says(name: str) -> None:
    data = BASES[f"underseal/sums/{name}"]
    read, found = read_document(data), {one.name: one for one in places(data)}
    proof = found["sum proof: 0"].at
    assert data[:proof] == read.statement == encode_statement(read)
    assert data[proof : found["range proof: version"].at] == read.sum_proof

    def part(of: str) -> bytes:
        return data[found[of].at :][: found[of].length]

    assert part("E") == read.own.encode()
    for number, one in enumerate(read.inputs, 1):
        assert part(f"input {number}: C") == one.endorsement.commitment.encode()
        assert part(f"input {number}: Q") == one.quantity.encode()
        signature = part(f"input {number}: r") + part(f"input {number}: s")
        assert signature == one.endorsement.signature


@pytest.mark.soak
def test_they_come_out_the_same_again() -> None:
    try:
        made = generate_sums.text()
    except UnsupportedAlgorithm:
        pytest.skip("this OpenSSL has no deterministic signatures (it needs 3.2)")
    assert made == FILE.read_text("utf-8")


def test_one_of_them_comes_out_the_same_again() -> None:
    try:
        with same_signatures():
            made = Maker().chains[MAIN].result.document
    except UnsupportedAlgorithm:
        pytest.skip("this OpenSSL has no deterministic signatures (it needs 3.2)")
    assert made == BASES[f"underseal/sums/{MAIN}"]
