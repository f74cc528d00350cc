"""All rules together: they never fail, keep to their list, and say nothing of what is withheld."""

from __future__ import annotations

import ast
import copy
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.samples import BIOGENIC_PCF, TODAY, sample
from tests.strategies import footprints

from underseal_protocol import methodology_figures, methodology_presence, methodology_scope
from underseal_protocol.disclosure import Block, Level, properties_of
from underseal_protocol.errors import SchemaError
from underseal_protocol.footprint import normalise
from underseal_protocol.methodology import CHECKS, Finding, Severity, check
from underseal_protocol.methodology_rules import RULES

Document: TypeAlias = dict[str, Any]

MODULES = (methodology_figures, methodology_presence, methodology_scope)
DAYS = st.dates(date(2025, 1, 1), date(2030, 1, 1))


def found(document: Document, today: date = TODAY, *levels: Block) -> list[Finding]:
    return check(document, today=today, withheld=levels)


def shown_at(document: Document, level: Level) -> tuple[Document, set[Block]]:
    """What a peer sees at a level, and what is withheld from it."""
    withheld = set(Block) - set(level.blocks)
    hidden = properties_of(withheld)
    shown = {name: value for name, value in document.items() if name not in hidden}
    shown["pcf"] = {name: one for name, one in document["pcf"].items() if name not in hidden}
    return shown, withheld


# --- the whole ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pcf", [{}, BIOGENIC_PCF])
@pytest.mark.parametrize("today", [TODAY, date(2027, 12, 30), date(2027, 12, 31), date(2035, 1, 1)])
def test_the_samples_follow_every_rule(pcf: Document, today: date) -> None:
    assert found(sample(pcf), today) == []


@settings(max_examples=150, deadline=None)
@given(footprints(), DAYS)
def test_no_footprint_makes_a_rule_fail(document: Document, today: date) -> None:
    before = copy.deepcopy(document)
    findings = found(document, today)
    assert document == before
    for finding in findings:
        rule = RULES[finding.rule]
        assert finding.severity in rule.severities, finding
        assert finding.section in rule.sections, finding
        assert finding.pointer.startswith("/")
        assert finding.message
        assert len(finding.message) < 500
        assert finding.hint is None or finding.hint.endswith((".", "?"))


@settings(max_examples=60, deadline=None)
@given(footprints(), st.sampled_from(Level), DAYS)
def test_nothing_is_said_about_what_is_withheld(
    document: Document, level: Level, today: date
) -> None:
    shown, withheld = shown_at(document, level)
    hidden = properties_of(withheld)
    complete = {(one.rule, one.pointer) for one in found(document, today)}
    for finding in check(shown, today=today, withheld=withheld):
        assert not hidden.intersection(finding.pointer.split("/")), finding
        # Somebody who sees everything finds it as well.
        assert (finding.rule, finding.pointer) in complete, finding


@settings(max_examples=40, deadline=None)
@given(footprints())
def test_what_is_only_absent_is_told(document: Document) -> None:
    """Withheld is not absent: the same document without the word about it has more findings."""
    shown, withheld = shown_at(document, Level.TOTAL)
    rules = {finding.rule for finding in found(shown)}
    assert {"bio", "should", "shall-2027"} <= rules
    told = {finding.rule for finding in check(shown, today=TODAY, withheld=withheld)}
    assert "shall-2027" not in told
    assert not {"bio", "bio-2027", "ccu", "exemption", "secondary-data"} & told


@settings(max_examples=60, deadline=None)
@given(footprints(), DAYS)
def test_the_severest_come_first_then_the_order_of_the_data_model(
    document: Document, today: date
) -> None:
    findings = found(document, today)
    order = list(normalise(sample()))  # the sample has every property that comes before pcf
    keys = [
        (list(Severity).index(one.severity), order.index(one.pointer.split("/")[1]))
        for one in findings
        if one.pointer.split("/")[1] in order
    ]
    assert keys == sorted(keys)


def test_the_order_within_a_severity() -> None:
    document = sample(
        {
            "outboundLogisticsGhgEmissions": None,
            "boundaryProcessesDescription": None,
            "exemptedEmissionsPercent": "101",
            "pcfExcludingBiogenicUptake": "3",
            "pcfIncludingBiogenicUptake": "3",
            "dqi": {"technologicalDQR": "0", "geographicalDQR": "6", "temporalDQR": "1"},
        },
        comment=None,
    )
    assert [(str(one.severity), one.pointer) for one in found(document)] == [
        ("error", "/pcf/pcfExcludingBiogenicUptake"),
        ("error", "/pcf/exemptedEmissionsPercent"),
        ("error", "/pcf/dqi/technologicalDQR"),
        ("error", "/pcf/dqi/geographicalDQR"),
        ("warning", "/pcf/exemptedEmissionsDescription"),
        ("info", "/comment"),
        ("info", "/pcf/boundaryProcessesDescription"),
        ("info", "/pcf/outboundLogisticsGhgEmissions"),
    ]


def test_what_does_not_fulfil_the_schema_is_not_judged() -> None:
    document = sample({"declaredUnitAmount": "12,5"})
    with pytest.raises(SchemaError):
        found(document)


def test_a_footprint_is_judged_as_it_is_meant() -> None:
    """Null is absent, and times may have any offset."""
    document = sample({"dqi": None})
    document["pcf"] |= {"dqi": None, "referencePeriodEnd": "2026-01-01T00:00:00+00:00"}
    assert [one.rule for one in found(document)] == ["shall-2027"]


def test_a_normal_form_is_not_made_again() -> None:
    normal = normalise(sample({"dqi": None}))
    assert check(normal, today=TODAY, is_normal=True) == found(normal)


# --- the list of rules ----------------------------------------------------------------------------


def named_rules() -> dict[str, set[str]]:
    """Ids of rules in the calls of `subject.add`, with the severities that are named there."""
    rules: dict[str, set[str]] = {}
    for module in MODULES:
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "subject.add":
                severities = {
                    one.attr.lower()
                    for one in ast.walk(node.args[1])
                    if isinstance(one, ast.Attribute)
                }
                ids = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
                for rule in ids:
                    rules.setdefault(str(rule), set()).update(severities)
    return rules


def test_the_list_has_exactly_the_rules_that_are_checked() -> None:
    named = named_rules()
    # `bio` and `bio-2027` share a call, `mass` has a function of its own.
    assert named.keys() | {"bio", "bio-2027"} == RULES.keys()
    for rule, severities in named.items():
        if severities:
            assert severities == {str(one) for one in RULES[rule].severities}, rule


def test_the_list_is_in_words() -> None:
    for name, rule in RULES.items():
        assert rule.id == name
        assert rule.severities
        assert sorted(rule.severities, key=list(Severity).index) == list(rule.severities)
        assert rule.sections
        assert rule.meaning.endswith((".", ")"))


def test_every_check_is_in_the_list_of_checks() -> None:
    functions = {
        one
        for module in MODULES
        for name, one in vars(module).items()
        if name.startswith("check_") and one.__module__ == module.__name__
    }
    assert functions == set(CHECKS)
    assert len(CHECKS) == len(functions)
