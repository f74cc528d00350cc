"""What no proof can exclude, shown to succeed, so that nobody believes otherwise.

Each is named in what the verdict says is not shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.protocol.seal.chains import Chain, Named, Part, known
from tests.protocol.seal.parties import CREATED, supplier

from underseal_protocol.seal.trust import Standing, TrustList
from underseal_protocol.seal.verdict import Grade, SealVerdict

PARTS = (Part("67.1", "4.02", "1"), Part("3.4", "0", "0.25"))
TRUE = Chain(parts=PARTS, mass="4")


def said(verdict: SealVerdict, words: str) -> bool:
    return any(words in one for one in verdict.not_shown)


def test_at_grade_origin_every_total_with_quantities_of_0() -> None:
    """`q = 0`, `e = T`: without something that binds quantities, all is own emissions."""
    for own in ("0", "5", "123456"):
        parts = tuple(one._replace(mass="0", amount="0") for one in PARTS)
        verdict = Chain(parts=parts, own=own, mass="0").verify()
        assert verdict.grade is Grade.ORIGIN
        assert float(verdict.total.text) == float(own)
        assert len(verdict.endorsers) == 2  # who are listed, which proves nothing
        assert said(verdict, "how much of each endorsed value went in: also none of it")
        assert "Arithmetic only" in verdict.statement


def test_without_inputs_every_total() -> None:
    verdict = Chain(parts=(), own="5", mass="4").verify()
    assert (verdict.grade, verdict.endorsers, verdict.coverage) == (Grade.ORIGIN, (), 0)


def test_an_input_without_mass_that_is_left_out() -> None:
    honest, less = TRUE.verify(), Chain(parts=PARTS[:1], mass="4").verify()
    assert less.grade is honest.grade is Grade.MASS
    assert float(less.total.text) < float(honest.total.text)
    assert said(less, "nor an input without mass")


def test_own_emissions_that_are_left_out() -> None:
    verdict = TRUE.with_changes(own="0").verify()
    assert verdict.grade is Grade.MASS
    assert said(verdict, "nothing is left out of the own emissions")


def test_the_endorsement_of_a_greener_product() -> None:
    """Of the same supplier and mass, where another product was used."""
    green = Chain(parts=(Part("12.5", "4.02", "1"), *PARTS[1:]), mass="4").verify()
    assert green.grade is Grade.MASS
    assert float(green.total.text) < float(TRUE.verify().total.text)
    assert said(green, "an endorsement of a greener product would fit as well")


def test_mass_that_is_divided_otherwise() -> None:
    """More of the greener of two inputs, and less of the other."""
    parts = (Part("67.1", "1", "3"), Part("8.2", "1", "1"))
    honest = Chain(parts=parts, mass="4").verify()
    turned = (Part("67.1", "1", "0"), Part("8.2", "1", "4"))
    verdict = Chain(parts=turned, mass="4").verify()
    assert verdict.grade is honest.grade is Grade.MASS
    assert float(verdict.total.text) < float(honest.total.text)
    assert said(verdict, "how the mass is divided")


def test_a_supplier_that_lies() -> None:
    verdict = Chain(parts=(Part("0", "4.02", "1"),), own="0.1", mass="4").verify()
    assert verdict.total.text == "0.1000"
    assert said(verdict, "the endorsed values are true")
    assert said(verdict, "do not act together")


def test_a_factor_that_is_the_wrong_one() -> None:
    verdict = TRUE.with_changes(named=(Named("Electricity, DE, 2024", "0.000001"),)).verify()
    assert said(verdict, "the named factors are the right ones")
    assert not said(TRUE.verify(), "the named factors")


def test_an_invented_supplier_is_refused_by_the_list_and_not_by_the_proof() -> None:
    """Nobody knows it, so it counts for nothing."""
    chain = TRUE.with_changes(coverage=90)
    verdict = chain.verify(trusted=TrustList())
    assert [one.standing for one in verdict.endorsers] == [Standing.UNKNOWN] * 2
    assert (verdict.grade, verdict.coverage, verdict.stated_coverage) == (Grade.ORIGIN, 0, 90)
    assert len(verdict.reductions) == 2
    impostor = replace(supplier("impostor"), url=chain.suppliers[0].url)
    verdict = chain.verify(trusted=known([impostor, chain.suppliers[1]]))
    standings = {one.supplier: one.standing for one in verdict.endorsers}
    assert standings[chain.suppliers[0].url] is Standing.OTHER_KEY
    assert (verdict.grade, verdict.coverage) == (Grade.ORIGIN, 0)


@pytest.mark.parametrize("days", [-20, 300])
def test_a_date_that_the_publisher_has_chosen(days: int) -> None:
    """`created` is its own word: an endorsement that has ended serves a date before that."""
    chain = TRUE.with_changes()
    text = (CREATED + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    chain.document["created"] = text
    assert chain.verify(time=CREATED + timedelta(days=4000)).grade is Grade.MASS
