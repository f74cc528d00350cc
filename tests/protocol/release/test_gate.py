"""What the gate says in cases that can be calculated by hand: one release, several, several peers,
declared knowledge, fewer blocks, fewer digits, and what an operator may do."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.protocol.release.builders import (
    EXCLUDING,
    FOSSIL,
    LAND_USE,
    exposed,
    made_of,
    released,
    supplied,
)

from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import ReleaseError, ReleaseRefusedError
from underseal_protocol.release import gate
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.gate import judge_grant, judge_publication
from underseal_protocol.release.knowledge import Knowledge, Peer, Prior
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.rules import Rule
from underseal_protocol.release.solver import unprotected
from underseal_protocol.release.thresholds import Policy, Scope, Thresholds
from underseal_protocol.release.verdict import Acknowledgement, Outcome, Verdict, permit

BIOGENIC, INCLUDING = "biogenicNonCO2Emissions", "pcfIncludingBiogenicUptake"
BUYER = Peer("buyer")
# Without the rules, so that a test is about what they do not see.
ONLY_PROGRAMMING = Thresholds(contributors=1, dominance=(), percent=10)
THREE = [supplied("a", "2.0000001"), supplied("b", "3.0000001"), supplied("c", "4.0000001")]


def judged(exposure: Exposure, *ledger: Exposure, **more: object) -> Verdict:
    """Of a full grant to a buyer that has the exposures of the ledger."""
    thresholds = more.pop("thresholds", ONLY_PROGRAMMING)
    assert isinstance(thresholds, Thresholds)
    wanted = more.pop("wanted", Level.TOTAL)
    assert isinstance(wanted, Level)
    peer = more.pop("peer", BUYER)
    assert isinstance(peer, Peer)
    entries = [released(one, level=Level.TOTAL) for one in ledger]
    return judge_grant(exposure, wanted, peer, entries, (), thresholds)


def three(footprint: str, *kilograms: str, own: str = "0", digits: int = 6) -> Exposure:
    """A product of the three, by their kilograms."""
    parts = list(zip(THREE, kilograms, strict=True))
    return exposed(*parts, own=own, footprint=footprint, digits=digits)


def test_a_product_without_suppliers_passes() -> None:
    found = judged(exposed(own="5"), thresholds=Thresholds())
    assert (found.outcome, found.level, found.reasons) == (Outcome.RELEASE, Level.TOTAL, ())


def test_three_alike_pass_at_every_level() -> None:
    found = judged(three("ours", "1", "1", "1"), thresholds=Thresholds(), wanted=Level.FULL)
    assert found.outcome is Outcome.RELEASE
    assert found.leaks == ()


def test_a_single_source_is_stopped_and_said_to_be_one() -> None:
    found = judged(exposed((THREE[0], "1.5")), thresholds=Thresholds())
    assert (found.outcome, found.level) == (Outcome.STOP, None)
    assert found.reasons[0].rule is Rule.SINGLE_SOURCE
    assert "depends on one supplier, a, and cannot be protected" in found.reasons[0].text
    (leak,) = [one for one in found.leaks if one.figure == EXCLUDING]
    assert leak.source == "footprint:a"
    assert leak.value == Fraction("2.0000001")
    assert leak.low == pytest.approx(leak.value, rel=1e-5)  # 3.00000 was shown, for 1.5 kg
    assert leak.high == pytest.approx(leak.value, rel=1e-5)


def test_reasons_have_no_numbers_of_suppliers() -> None:
    found = judged(exposed((THREE[0], "1.5")), thresholds=Thresholds())
    texts = " ".join(one.text for one in found.reasons)
    assert "2.0" not in texts
    assert "3.0" not in texts
    assert "2.0000001" not in repr(found)


@pytest.mark.parametrize(("own", "outcome"), [("0.19", Outcome.STOP), ("0.21", Outcome.RELEASE)])
def test_our_own_part_protects_from_p_percent_on(own: str, outcome: Outcome) -> None:
    """The buyer knows that a is at most everything: 2 + 0.2 is 10 % more."""
    assert judged(exposed((THREE[0], "1"), own=own)).outcome is outcome


def test_two_variants_that_differ_in_one_input_tell_it() -> None:
    """5 + a x 1 and 5 + a x 3: half of the difference is a."""
    one, other = three("one", "1", "1", "1"), three("other", "3", "1", "1")
    assert judged(one).outcome is Outcome.RELEASE
    assert judged(other).outcome is Outcome.RELEASE
    found = judged(other, one)
    assert found.outcome is Outcome.STOP
    assert {leak.source for leak in found.leaks} == {"footprint:a"}
    assert {reason.rule for reason in found.reasons} == {Rule.DIFFERENCING}
    assert found.leaks[0].needs_quantities
    assert "quantities of the bill of materials" in found.reasons[0].text


def test_without_the_quantities_the_same_amounts_cancel() -> None:
    """The second product has one input more: that is the difference, whatever the quantities."""
    parts = [(THREE[0], "1"), (THREE[1], "1")]
    one = exposed(*parts, footprint="one")
    found = judged(exposed(*parts, (THREE[2], "0.7"), footprint="other"), one)
    assert {leak.source for leak in found.leaks} == {"footprint:c"}
    assert not found.leaks[0].needs_quantities


def test_a_version_with_a_corrected_input_keeps_both_apart() -> None:
    """The difference of old and new is told, and neither of them."""
    new = supplied("a2", "2.5")
    old = three("one", "1", "1", "1")
    parts = [(new, "1"), (THREE[1], "1"), (THREE[2], "1")]
    assert judged(exposed(*parts, footprint="two"), old).outcome is Outcome.RELEASE


def test_fewer_digits_hide_a_small_difference() -> None:
    """A gram more of a: with 6 digits it is told, with 3 it is within the rounding."""
    fine = [three("one", "1", "1", "1"), three("other", "1.01", "1", "1")]
    coarse = [three("one", "1", "1", "1", digits=3), three("other", "1.01", "1", "1", digits=3)]
    assert judged(fine[1], fine[0]).outcome is Outcome.STOP
    assert judged(coarse[1], coarse[0]).outcome is Outcome.RELEASE


def test_publication_finds_the_most_digits_that_hold() -> None:
    made = made_of(*zip(THREE, ("1.001", "1", "1"), strict=True))
    found = judge_publication(
        lambda digits: exposure_of(made, "other", digits),
        Level.TOTAL,
        [BUYER, Peer("another")],
        [released(three("one", "1", "1", "1"), level=Level.TOTAL)],
        ONLY_PROGRAMMING,
    )
    assert found.outcome is Outcome.COARSER
    assert found.digits == 4  # 9.002 says no more than between 9.0015 and 9.0025
    assert permit(found, ONLY_PROGRAMMING) == (Level.TOTAL, 4)
    assert found.reasons  # why it is not what was wanted


def test_publication_as_it_is_where_nothing_speaks_against_it() -> None:
    made = made_of(*zip(THREE, ("1", "1", "1"), strict=True))
    found = judge_publication(lambda digits: exposure_of(made, "x", digits), Level.FULL, [], [])
    assert (found.outcome, found.digits, found.level) == (Outcome.RELEASE, 6, Level.FULL)


def test_publication_does_not_try_digits_that_cannot_help() -> None:
    made, tried = made_of((THREE[0], "1")), []

    def exposure_at(digits: int) -> Exposure:
        tried.append(digits)
        return exposure_of(made, "x", digits)

    assert judge_publication(exposure_at, Level.FULL, [], []).outcome is Outcome.STOP
    assert tried == [6, 3]  # if the fewest do not help, none do


def test_publication_is_never_coarser_than_the_fewest_digits() -> None:
    made = made_of(*zip(THREE, ("1.001", "1", "1"), strict=True))
    thresholds = Thresholds(contributors=1, dominance=(), min_digits=5)
    found = judge_publication(
        lambda digits: exposure_of(made, "other", digits),
        Level.TOTAL,
        [],
        [released(three("one", "1", "1", "1"))],
        thresholds,
    )
    assert (found.outcome, found.level) == (Outcome.STOP, None)


def test_the_worst_peer_decides_about_publication() -> None:
    """One peer supplies b and c: for it, a is alone."""
    parts = list(zip(THREE, ("1", "1", "1"), strict=True))
    made = made_of(*parts)

    def exposure_at(digits: int) -> Exposure:
        return exposure_of(made, "x", digits, {"b": "maker", "c": "maker"})

    peers = [BUYER, Peer("plant", group="maker")]
    found = judge_publication(exposure_at, Level.TOTAL, peers[:1], [], ONLY_PROGRAMMING)
    assert found.protects
    found = judge_publication(exposure_at, Level.TOTAL, peers, [], ONLY_PROGRAMMING)
    assert found.outcome is Outcome.STOP
    assert {one.peer for one in found.reasons} == {"plant"}


def two_of_one() -> Exposure:
    """Land use change is of a, other biogenic emissions of b; the core tells only their sum."""
    total = "3.6000001"
    pcf: dict[str, Any] = {BIOGENIC: "0.6", EXCLUDING: total, INCLUDING: total}
    other = supplied("b", "3.0000001", **pcf)
    parts = [(supplied("a", "2.0000001", "0.5"), "1"), (other, "1"), (THREE[2], "1")]
    return exposed(*parts, own="1")


def test_a_block_that_tells_is_withheld() -> None:
    found = judged(two_of_one(), thresholds=Thresholds(), wanted=Level.FULL)
    assert (found.outcome, found.level) == (Outcome.FEWER_BLOCKS, Level.QUALITY)
    assert {one.figure for one in found.leaks} == {LAND_USE, BIOGENIC}
    assert Block.EMISSIONS in {one.block for one in found.reasons}
    assert permit(found) == (Level.QUALITY, 6)


def test_what_the_core_tells_as_a_difference_cannot_be_withheld() -> None:
    """Total minus fossil is the land use change, which is of one supplier alone."""
    parts = [(supplied("a", "2.0000001", "0.5"), "1"), (THREE[1], "1"), (THREE[2], "1")]
    found = judged(exposed(*parts, own="1"), thresholds=Thresholds())
    assert found.outcome is Outcome.STOP
    assert {(one.source, one.figure) for one in found.leaks} == {("footprint:a", LAND_USE)}


def test_a_level_that_does_not_show_it_is_granted() -> None:
    found = judged(two_of_one(), thresholds=Thresholds(), wanted=Level.QUALITY)
    assert found.outcome is Outcome.RELEASE


def test_quality_tells_the_weights_to_who_knows_the_ratings() -> None:
    """Two inputs of 40 % and 0 % primary data: the share of the sum says how large each is."""
    zero = supplied("b", "3.0000001", primaryDataShare="0")
    full = supplied("a", "2.0000001", primaryDataShare="100")
    assert judged(exposed((full, "1"), (zero, "1"))).outcome is Outcome.STOP
    unknown = [supplied("a", "2.0000001"), supplied("b", "3.0000001")]
    assert judged(exposed((unknown[0], "1"), (unknown[1], "1"))).outcome is Outcome.RELEASE


def assumed(margin: str) -> Knowledge:
    """A database says of b and c what they are, within a margin in kg CO2e per kg."""
    around = {"b": Decimal(3), "c": Decimal(4)}
    off = Decimal(margin)
    return Knowledge(priors={n: {EXCLUDING: Prior(v - off, v + off)} for n, v in around.items()})


@pytest.mark.parametrize(
    ("knowledge", "sources"),
    [
        (Knowledge(), set()),
        (Knowledge(components=frozenset({"b", "c"})), {"a"}),
        (Knowledge(footprints=frozenset({"b", "c"})), {"a"}),
        (Knowledge(footprints=frozenset({"c"})), set()),
        (
            Knowledge(
                priors={n: {EXCLUDING: Prior(v - 1, v + 1)} for n, v in (("b", 3), ("c", 4))}
            ),
            set(),
        ),
        (
            Knowledge(
                priors={
                    n: {EXCLUDING: Prior(v - Decimal("0.05"), v + Decimal("0.05"))}
                    for n, v in (("b", 3), ("c", 4))
                }
            ),
            {"a", "b", "c"},
        ),
    ],
)
def test_what_is_declared_to_be_known(knowledge: Knowledge, sources: set[str]) -> None:
    found = judged(three("ours", "1", "1", "1"), peer=Peer("buyer", knowledge=knowledge))
    assert {leak.source.removeprefix("footprint:") for leak in found.leaks} == sources


def test_a_prior_on_our_own_factor_takes_its_protection() -> None:
    exposure = exposed((THREE[0], "1"), own="2.0000001")
    assert judged(exposure).outcome is Outcome.RELEASE
    known = Knowledge(priors={"EL": {EXCLUDING: Prior(Decimal("0.95"), Decimal("1.05"))}})
    assert judged(exposure, peer=Peer("buyer", knowledge=known)).outcome is Outcome.STOP


def test_products_are_named_for_all_their_footprints() -> None:
    known = Knowledge(components=frozenset({"urn:gtin:1", "urn:gtin:2"}))
    parts = []
    for number, one in enumerate(THREE):
        named = supplied(one.id, one.document["pcf"][FOSSIL])
        named.document["productIds"] = [f"urn:gtin:{number}"]  # type: ignore[index]
        parts.append((named, "1"))
    found = judged(exposed(*parts), peer=Peer("buyer", knowledge=known))
    assert {leak.source for leak in found.leaks} == {"footprint:a"}


def test_peers_of_whom_nothing_is_declared_cost_one_calculation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[object] = []

    def counted(*given: Any) -> Any:
        calls.append(given)
        return unprotected(*given)

    monkeypatch.setattr(gate, "unprotected", counted)
    made = made_of(*zip(THREE, ("1", "1", "1"), strict=True))
    knowing = Peer("knowing", knowledge=Knowledge(footprints=frozenset({"c"})))
    peers = [*(Peer(f"customer {number}") for number in range(300)), knowing]
    found = judge_publication(
        lambda digits: exposure_of(made, "x", digits), Level.TOTAL, peers, [], ONLY_PROGRAMMING
    )
    assert found.protects
    assert len(calls) == 2


class TestWhoseFigures:
    """Two peers have one variant each; together they have the difference."""

    one, other = three("one", "1", "1", "1"), three("other", "3", "1", "1")

    def outcome(self, scope: Scope, peers: tuple[Peer, ...]) -> Verdict:
        thresholds = Thresholds(contributors=1, dominance=(), scope=scope)
        ledger = [released(self.one, "first", Level.TOTAL)]
        return judge_grant(self.other, Level.TOTAL, peers[1], ledger, peers, thresholds)

    strangers = (Peer("first"), Peer("second"))
    sisters = (Peer("first", "group"), Peer("second", "group"))

    def test_strangers_do_not_tell_each_other_if_so_decided(self) -> None:
        assert self.outcome(Scope.GROUP, self.strangers).protects
        assert self.outcome(Scope.PEER, self.sisters).protects

    def test_sisters_do(self) -> None:
        found = self.outcome(Scope.GROUP, self.sisters)
        assert found.outcome is Outcome.STOP
        assert found.leaks[0].scope is Scope.GROUP

    def test_everybody_does_unless_decided_otherwise(self) -> None:
        found = self.outcome(Scope.POOLED, self.strangers)
        assert found.outcome is Outcome.STOP
        assert found.leaks[0].scope is Scope.POOLED
        assert "what all peers together have" in found.reasons[0].text

    def test_the_knowledge_of_a_sister_counts(self) -> None:
        knowing = Peer("first", "group", Knowledge(components=frozenset({"b", "c"})))
        found = judge_grant(
            self.one, Level.TOTAL, Peer("second", "group"), [], [knowing], ONLY_PROGRAMMING
        )
        assert {leak.source for leak in found.leaks} == {"footprint:a"}


class TestAnsweredFor:
    """A number that was let out with consent leaks; that is no reason to stop everything else."""

    told = exposed((THREE[0], "1"), footprint="told")

    def test_what_is_known_already_is_no_reason(self) -> None:
        ledger = [released(self.told, level=Level.TOTAL)]
        mixed = three("mixed", "1", "1", "1")
        assert judge_grant(mixed, Level.TOTAL, BUYER, ledger, (), ONLY_PROGRAMMING).protects

    def test_but_what_becomes_known_by_it_is(self) -> None:
        ledger = [released(self.told, level=Level.TOTAL)]
        pair = exposed((THREE[0], "1"), (THREE[1], "1"), footprint="pair")
        found = judge_grant(pair, Level.TOTAL, BUYER, ledger, (), ONLY_PROGRAMMING)
        assert {leak.source for leak in found.leaks} == {"footprint:b"}

    def test_to_another_peer_it_is_new(self) -> None:
        ledger = [released(self.told, level=Level.TOTAL)]
        found = judge_grant(self.told, Level.TOTAL, Peer("x"), ledger, (), ONLY_PROGRAMMING)
        assert found.outcome is Outcome.STOP

    def test_the_same_peer_is_told_nothing_new(self) -> None:
        ledger = [released(self.told, level=Level.TOTAL)]
        assert judge_grant(self.told, Level.TOTAL, BUYER, ledger, (), ONLY_PROGRAMMING).protects


def test_a_legal_group_is_protected_as_a_whole() -> None:
    """Neither a nor b can be told apart, but their owner's part is all there is."""
    parts = [(THREE[0], "1"), (THREE[1], "1")]
    exposure = exposed(*parts, own="0.1", suppliers={"a": "owner", "b": "owner"})
    found = judged(exposure)
    assert {(leak.source, leak.product) for leak in found.leaks} == {("owner", "ours")}
    assert {one.rule for one in found.reasons} == {Rule.P_PERCENT, Rule.CONTRIBUTION}


def test_a_footprint_read_at_a_higher_level_later_is_the_same_number() -> None:
    """First only the total of a was there, then its parts: 2 kg minus 1 kg is 1 kg all the same."""
    first = supplied("a", "2.0000001", "0.7", without=(LAND_USE,))
    later = supplied("a", "2.0000001", "0.7")
    one = exposed((first, "1"), (THREE[1], "1"), (THREE[2], "1"), footprint="one")
    other = exposed((later, "2"), (THREE[1], "1"), (THREE[2], "1"), footprint="other")
    for pair in ((one, other), (other, one)):
        found = judged(pair[1], pair[0])
        assert EXCLUDING in {leak.figure for leak in found.leaks}


class TestAnswering:
    stopped = judged(exposed((THREE[0], "1.5")), thresholds=Thresholds())
    answer = Acknowledgement("First footprint; the supplier agrees", "mail of 2 March 2026")

    def test_nothing_leaves_without_an_answer(self) -> None:
        with pytest.raises(ReleaseRefusedError, match="cannot be protected"):
            permit(self.stopped)

    def test_a_reason_and_a_consent_let_it_leave(self) -> None:
        assert permit(self.stopped, acknowledgement=self.answer) == (Level.TOTAL, 6)

    def test_not_where_the_policy_is_strict(self) -> None:
        with pytest.raises(ReleaseRefusedError, match="strict"):
            permit(self.stopped, Thresholds(policy=Policy.STRICT), self.answer)

    @pytest.mark.parametrize("answer", [Acknowledgement(" ", "x"), Acknowledgement("x", "")])
    def test_an_empty_answer_is_none(self, answer: Acknowledgement) -> None:
        with pytest.raises(ReleaseError, match="consent"):
            permit(self.stopped, acknowledgement=answer)

    def test_what_is_protected_needs_no_answer(self) -> None:
        found = judged(three("ours", "1", "1", "1"))
        assert permit(found, Thresholds(policy=Policy.STRICT)) == (Level.TOTAL, 6)

    def test_as_json_it_is_for_the_operator(self) -> None:
        found = self.stopped.to_json()
        assert (found["outcome"], found["level"]) == ("stop", None)
        assert found["leaks"][0]["value"] == "2.00000"


@pytest.mark.parametrize("limit", [{"max_unknowns": 2}, {"max_constraints": 2}])
def test_what_is_too_large_is_said_to_be(limit: dict[str, int]) -> None:
    with pytest.raises(ReleaseError, match="more than 2"):
        judged(three("ours", "1", "1", "1"), thresholds=Thresholds(**limit))  # type: ignore[arg-type]
