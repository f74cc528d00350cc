"""Own sources that nobody can tell apart count as one, and nothing is judged differently for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.protocol.release.builders import FOSSIL, LAND_USE, bought, released, supplied
from tests.protocol.release.test_attacker import play
from tests.protocol.rollup.builders import energy, factor, inputs_of, product

from underseal_protocol.disclosure import Level
from underseal_protocol.release import constraints
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.folding import folded
from underseal_protocol.release.gate import judge_grant
from underseal_protocol.release.knowledge import NOTHING, Knowledge, Peer
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.rollup.calculated import calculate
from underseal_protocol.rollup.sources import FactorSource

SUPPLIERS = [supplied(name, value) for name, value in (("a", "1.5"), ("b", "1.4"), ("c", "1.6"))]


def exposed(count: int, footprint: str = "ours", values: Decimal = Decimal("0.25")) -> Exposure:
    """A product of three suppliers' parts and of so many factors."""
    names = [f"F{number}" for number in range(count)]
    lines = [
        energy(name, Decimal(number + 1), source=FactorSource(name))
        for number, name in enumerate(names)
    ]
    factors = [
        factor(name, values={FOSSIL: values + number, LAND_USE: Decimal(1)})
        for number, name in enumerate(names)
    ]
    made = product(*(bought(one, "1") for one in SUPPLIERS), *lines)
    return exposure_of(calculate(inputs_of(made, *factors, *SUPPLIERS), "P"), footprint, 6)


def test_what_occurs_once_is_one() -> None:
    exposure = exposed(50)
    ((one, blocks),) = folded({"ours": (exposure, frozenset())}, NOTHING).values()
    assert blocks == frozenset()
    own = [source for source in one.sources.values() if source.supplier is None]
    assert len(own) == 1
    assert [one.value_of(each.top) for each in one.figures] == [
        exposure.value_of(each.top) for each in exposure.figures
    ]
    assert own[0].values[LAND_USE] == sum(range(51))


def test_what_occurs_again_or_is_named_stays() -> None:
    first, second = exposed(3), exposed(2, "other")
    shown = folded({"ours": (first, frozenset()), "other": (second, frozenset())}, NOTHING)
    assert shown["ours"][0].sources.keys() == first.sources.keys()
    known = Knowledge(components=frozenset({"F1"}))
    ((one, _),) = folded({"ours": (first, frozenset())}, known).values()
    assert {name for source in one.sources.values() for name in source.names} >= {"F1"}
    assert "F0" not in {name for source in one.sources.values() for name in source.names}
    # A factor that was corrected is another source, and has to do with what it was.
    corrected = exposed(3, "other", Decimal("0.26"))
    shown = folded({"ours": (first, frozenset()), "other": (corrected, frozenset())}, NOTHING)
    assert shown["other"][0] == corrected


def test_thousands_of_factors_can_be_judged() -> None:
    few = Thresholds(max_unknowns=50)
    verdict = judge_grant(exposed(500), Level.FULL, Peer("buyer"), [], (), few)
    assert verdict.protects
    before = [released(replace(exposed(300), footprint="before"))]
    assert judge_grant(exposed(300), Level.TOTAL, Peer("buyer"), before).protects


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_judged_differently(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with_folding = play(seed, Thresholds())
    monkeypatch.setattr(constraints, "folded", lambda shown, _: shown)
    assert play(seed, Thresholds()) == with_folding
