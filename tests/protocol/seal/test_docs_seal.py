"""What the pages about sealed sums say of bytes and words is so."""

from __future__ import annotations

import re
import secrets

import pytest
from tests.protocol.seal.chains import Chain, Part
from tests.protocol.seal.vector_files import ROOT

from underseal_protocol.carbon import UNITS
from underseal_protocol.seal import binding, context, generators, statement
from underseal_protocol.seal.document_format import encode_statement, read_document
from underseal_protocol.seal.prover import _Secrets
from underseal_protocol.seal.ranges import proof_bytes
from underseal_protocol.seal.sealing import sealable
from underseal_protocol.seal.verdict import Grade

FORMAT = (ROOT / "docs" / "reference" / "sealed-sum-format.md").read_text("utf-8")
EXPLANATION = (ROOT / "docs" / "explanation" / "sealed-sums.md").read_text("utf-8")
SIZES = re.findall(r"^\| ([0-9]+) \| ([0-9,]+) \| ([0-9,]+) \|$", FORMAT, re.MULTILINE)


@pytest.mark.parametrize("row", SIZES)
def test_the_sizes_of_documents(row: tuple[str, str, str]) -> None:
    inputs, bits, size = (int(one.replace(",", "")) for one in row)
    parts = tuple(Part("1", "1", "0.1") for _ in range(inputs))
    chain = Chain(parts=parts, own="0.001", mass="0.05", coverage=50)
    document = _Secrets(sealable(chain.order), secrets.token_bytes).document()
    assert bits == 112 * inputs + 9 * 64
    scalars = 32 * (2 * inputs + 3)
    assert len(encode_statement(document)) + scalars + proof_bytes(bits) == size
    if inputs == 1:
        assert len(chain.result.document) == size


def test_there_are_sizes_up_to_the_most_inputs() -> None:
    assert [one for one, _, _ in SIZES] == ["1", "3", "30", "126"]


def test_every_domain_and_tag_is_there() -> None:
    sealed = read_document(Chain(mass="0").result.document)
    for name in (generators.DOMAIN, context.DOMAIN, binding.DOMAIN):
        assert name.decode("ascii") in FORMAT
    for tag in (statement.sum_tag(sealed), statement.range_tag(sealed)):
        assert tag.decode("ascii").replace(sealed.digest_hex, "DIGEST") in FORMAT
    for number, unit in enumerate(UNITS):
        assert f"{number} {unit}" in FORMAT


@pytest.mark.parametrize("page", [FORMAT, EXPLANATION], ids=["format", "explanation"])
def test_words_that_are_not_used(page: str) -> None:
    for word in ("correct", "complete", "trustless", "audited"):
        assert not re.search(rf"\b{word}\b", page, re.IGNORECASE)
    assert "xperimental" in page


def test_every_grade_is_explained() -> None:
    for grade in Grade:
        assert f"| `{grade}` |" in EXPLANATION
