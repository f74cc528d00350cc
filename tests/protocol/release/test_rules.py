"""The rules for one figure, by numbers that can be checked in the head, and at their limits."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.release.builders import EXCLUDING, FOSSIL, LAND_USE, bought, exposed, supplied
from tests.protocol.rollup.builders import inputs_of, product

from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.exposure import Exposure, Figure
from underseal_protocol.release.knowledge import NOTHING, Knowledge
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.rules import Breach, Rule, Shares, breaches, breaches_of, shares_of
from underseal_protocol.release.thresholds import DEFAULT, Dominance, Thresholds
from underseal_protocol.rollup.calculated import calculate
from underseal_protocol.rollup.inputs import Packaging, Quantity
from underseal_protocol.rollup.sources import FootprintSource

NOBODY: frozenset[str] = frozenset()
ANY = Figure(EXCLUDING, None, "1", Fraction(1), Fraction(1), {})


def broken(
    *suppliers: Fraction | int | str,
    own: int | str = 0,
    coalition: int | str = 0,
    thresholds: Thresholds = DEFAULT,
) -> list[Rule]:
    """The rules that a figure of such contributions does not pass."""
    parts = tuple((f"s{number}", Fraction(one)) for number, one in enumerate(suppliers))
    remainder = sum((part for _, part in parts), Fraction(own) + Fraction(coalition))
    shares = Shares(parts, Fraction(coalition), remainder)
    return [one.rule for one in breaches_of(ANY, shares, thresholds)]


def test_three_alike_pass() -> None:
    assert broken(10, 10, 10) == []


def test_no_supplier_is_no_target() -> None:
    assert broken(own=10) == []


def test_one_supplier_is_said_to_be_single() -> None:
    assert broken(1, own=99) == [Rule.SINGLE_SOURCE]


def test_two_suppliers_are_few_however_much_we_emit() -> None:
    assert broken(10, 10, own=1000) == [Rule.FEW_CONTRIBUTORS]


def test_the_number_of_contributors_is_a_setting() -> None:
    assert broken(10, 10, own=1000, thresholds=Thresholds(contributors=2)) == []


ONLY_P = Thresholds(contributors=1, dominance=())


@pytest.mark.parametrize(("others", "passes"), [("9.999", False), ("10", True)])
def test_p_percent_compares_the_rest_with_the_largest(others: str, passes: bool) -> None:
    assert (broken(100, others, thresholds=ONLY_P) == []) is passes
    assert (broken(100, own=others, thresholds=ONLY_P) == []) is passes


def test_p_percent_takes_out_what_the_peer_contributes() -> None:
    assert broken(100, own=10, coalition=500, thresholds=ONLY_P) == []
    assert broken(100, own=9, coalition=500, thresholds=ONLY_P) == [Rule.P_PERCENT]


@pytest.mark.parametrize(("largest", "passes"), [("75", True), ("75.001", False)])
def test_one_may_make_75_percent(largest: str, passes: bool) -> None:
    rest = Fraction(100) - Fraction(largest)
    only = Thresholds(contributors=1, dominance=(Dominance(1, 75),))
    assert (broken(largest, rest / 2, rest / 2, thresholds=only) == []) is passes


@pytest.mark.parametrize(("second", "passes"), [("25", True), ("25.001", False)])
def test_two_may_make_85_percent(second: str, passes: bool) -> None:
    rest = Fraction(40) - Fraction(second)
    assert (broken(60, second, rest) == []) is passes


def test_our_own_part_does_not_dominate_anybody() -> None:
    assert broken(1, 1, 1, own=1000) == []


@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.integers(1, 1000),
)
def test_more_of_our_own_never_makes_a_figure_sensitive(
    suppliers: list[int], own: int, more: int
) -> None:
    ordered = sorted(suppliers, reverse=True)
    assert set(broken(*ordered, own=own + more)) <= set(broken(*ordered, own=own))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 1000))
def test_p_percent_is_what_a_solver_of_one_equation_can_do(suppliers: list[int], own: int) -> None:
    """The largest is at most the total: that is within p % of the truth, or the rule passes."""
    total, largest = sum(suppliers) + own, max(suppliers)
    is_close = Fraction(total, largest) - 1 < Fraction(1, 10)
    ordered = sorted(suppliers, reverse=True)
    assert (Rule.P_PERCENT in broken(*ordered, own=own, thresholds=ONLY_P)) is is_close


def steel() -> Exposure:
    """Contributions 6, 3 and 1 of three suppliers, and 2 of our own."""
    parts = ((supplied("a", "2", "1"), "2"), (supplied("b", "3"), "1"), (supplied("c", "1"), "1"))
    return exposed(*parts, own="2", suppliers={"a": "A", "b": "B", "c": "C"})


def total_of(exposure: Exposure) -> Figure:
    return next(one for one in exposure.figures if one.name == EXCLUDING)


def test_contributions_are_of_legal_groups() -> None:
    found = shares_of(steel(), total_of(steel()), NOTHING, NOBODY)
    assert found.suppliers == (("A", Fraction(6)), ("B", Fraction(3)), ("C", Fraction(1)))
    assert (int(found.coalition), int(found.remainder)) == (0, 12)


@pytest.mark.parametrize(
    "knowledge",
    [
        Knowledge(components=frozenset({"a"})),
        Knowledge(footprints=frozenset({"a"}), quantities=frozenset({"a"})),
    ],
)
def test_what_the_peer_knows_is_taken_out(knowledge: Knowledge) -> None:
    found = shares_of(steel(), total_of(steel()), knowledge, NOBODY)
    assert [name for name, _ in found.suppliers] == ["B", "C"]
    assert found.remainder == 6


def test_a_quantity_alone_is_no_contribution() -> None:
    known = Knowledge(quantities=frozenset({"a"}))
    assert shares_of(steel(), total_of(steel()), known, NOBODY).remainder == 12


def test_what_the_peer_supplies_is_no_target() -> None:
    found = shares_of(steel(), total_of(steel()), NOTHING, frozenset({"A"}))
    assert [name for name, _ in found.suppliers] == ["B", "C"]
    assert (int(found.coalition), int(found.remainder)) == (6, 12)


def test_footprints_of_one_legal_group_are_one_contributor() -> None:
    parts = [(supplied(name, "2"), "1") for name in ("a", "b", "c")]
    together = exposed(*parts, suppliers={"a": "A", "b": "A", "c": "C"})
    assert shares_of(together, total_of(together), NOTHING, NOBODY).suppliers == (
        ("A", Fraction(4)),
        ("C", Fraction(2)),
    )


def found_at(level: Level, exposure: Exposure) -> list[Breach]:
    figures = exposure.shown(level.blocks)
    return list(breaches(exposure, figures, NOTHING, NOBODY, DEFAULT))


def test_each_figure_has_its_own_contributors() -> None:
    """Three suppliers share the total; the land use change is of one alone."""
    parts = [(supplied("a", "2", "1"), "1"), (supplied("b", "3"), "1"), (supplied("c", "3"), "1")]
    exposure = exposed(*parts)
    assert found_at(Level.QUALITY, exposure) == []
    found = found_at(Level.BREAKDOWN, exposure)
    assert {one.figure.name for one in found} == {LAND_USE}
    assert found[0].rule is Rule.SINGLE_SOURCE
    assert found[0].suppliers == ("a",)


def test_what_is_measured_in_the_product_is_not_protected_unless_asked() -> None:
    parts = [(supplied("a", "2", biogenicCarbonContent="0.5"), "1")]
    parts += [(supplied(name, "2"), "1") for name in ("b", "c")]
    exposure = exposed(*parts)
    assert found_at(Level.BREAKDOWN, exposure) == []
    strict = Thresholds(protected=DEFAULT.protected | {"biogenicCarbonContent"})
    found = breaches(exposure, exposure.figures, NOTHING, NOBODY, strict)
    assert {one.figure.name for one in found} == {"biogenicCarbonContent"}


def test_fossil_emissions_are_judged_as_well() -> None:
    """The totals are of three, but all fossil emissions are of one."""
    parts = [
        (supplied("a", "2"), "1"),
        (supplied("b", "0", "2"), "1"),
        (supplied("c", "0", "2"), "1"),
    ]
    assert {one.figure.name for one in found_at(Level.TOTAL, exposed(*parts))} == {FOSSIL}


def test_packaging_is_of_its_suppliers() -> None:
    box = Packaging(
        id="box", name="box", quantity=Quantity(Decimal("0.5"), "kg"), source=FootprintSource("d")
    )
    bought_in = [supplied(name, "3") for name in ("a", "b", "c", "d")]
    lines = [*(bought(one, "1") for one in bought_in[:3]), box]
    calculated = calculate(inputs_of(product(*lines), *bought_in), "P")
    exposure = exposure_of(calculated, "ours", 6)
    assert found_at(Level.QUALITY, exposure) == []
    (found,) = {one.figure.name for one in found_at(Level.BREAKDOWN, exposure)}
    assert found == "packagingGhgEmissions"


@pytest.mark.parametrize(
    "settings",
    [
        {"contributors": 0},
        {"percent": 0},
        {"percent": 100},
        {"percent": Decimal("-1")},
        {"min_digits": 0},
        {"min_digits": 7},
        {"dominance": (Dominance(0, 75),)},
        {"dominance": (Dominance(1, 100),)},
        {"protected": frozenset({"primaryDataShare"})},
    ],
)
def test_settings_that_promise_nothing_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ReleaseError, match="the threshold"):
        Thresholds(**settings)  # type: ignore[arg-type]
