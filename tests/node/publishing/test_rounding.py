"""Figures are rounded when they are published: one footprint, one truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from underseal_node.publishing.changing import supersede
from underseal_node.publishing.publish import import_files
from underseal_node.publishing.results import Outcome
from underseal_node.settings import Settings
from underseal_node.store.tables import KeyKind
from underseal_node.store.viewing import Viewing
from underseal_protocol.credential import verify
from underseal_protocol.disclosure import Level
from underseal_protocol.strict_json import loads

Desk = Any
Make = Callable[..., dict[str, Any]]

EXACT = {
    "pcfExcludingBiogenicUptake": "15.4231",
    "pcfIncludingBiogenicUptake": "15.4231",
    "fossilGhgEmissions": "14.4449",
    "landUseChangeGhgEmissions": "0.9782",
    "primaryDataShare": "54.2173",
}
ROUNDED = {
    "pcfExcludingBiogenicUptake": "15.4",
    "pcfIncludingBiogenicUptake": "15.4",
    "fossilGhgEmissions": "14.4",
    "landUseChangeGhgEmissions": "0.978",
    "primaryDataShare": "54.2",
}


def exact(document: Make, **changes: Any) -> dict[str, Any]:
    made = document(**changes)
    return made | {"pcf": made["pcf"] | EXACT}


def figures(body: dict[str, Any]) -> dict[str, str]:
    return {name: body["pcf"][name] for name in EXACT if name in body["pcf"]}


async def imports(desk: Desk, *documents: Any, digits: int | None = 3) -> Any:
    files = [("file", json.dumps(documents).encode())]
    return await import_files(desk.node, files, dry_run=False, significant_digits=digits)


async def test_everybody_sees_the_same_rounded_figures(desk: Desk, document: Make) -> None:
    levels = {level: desk.add_peer(str(level), level=level) for level in Level}
    result = await imports(desk, exact(document))
    assert not [one for one in result.footprints[0].findings if one.rule.startswith("sum")]
    footprint_id = result.footprints[0].id
    assert figures(desk.body(footprint_id)) == ROUNDED
    viewing = Viewing(desk.node.store.read_engine)
    for peer_id in levels.values():
        seen = await viewing.footprint_seen_by(peer_id, footprint_id, desk.node.now())
        assert figures(loads(seen.body)).items() <= ROUNDED.items()
        for text in EXACT.values():
            assert text.encode() not in seen.body
        # What is signed is what is shown.
        verify(loads(seen.body), keys=desk.node.public_keys, issuer=desk.node.identity.url)
    assert "15.4231" not in desk.row(footprint_id).summary


async def test_the_same_file_again_changes_nothing_and_other_digits_are_another_truth(
    desk: Desk, document: Make
) -> None:
    await imports(desk, exact(document))
    again = await imports(desk, exact(document))
    assert [one.outcome for one in again.footprints] == [Outcome.UNCHANGED]
    for digits in (4, None):
        other = await imports(desk, exact(document), digits=digits)
        assert "has been published with other content" in other.problems[0].message
        assert "underseal footprint supersede" in (other.problems[0].hint or "")


async def test_a_correction_is_rounded_too(desk: Desk, document: Make) -> None:
    await imports(desk, document())
    file = ("file", json.dumps(exact(document, id=None)).encode())
    changed = await supersede(desk.node, document()["id"], file, significant_digits=3)
    assert figures(desk.body(changed.published or "")) == ROUNDED


async def test_the_setting_counts_where_an_import_says_nothing(
    desk: Desk, document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = desk.node.settings.model_copy(update={"round_significant_digits": 3})
    monkeypatch.setattr(desk.node, "settings", settings)
    first = await imports(desk, exact(document), digits=None)
    second = await imports(desk, exact(document, id=None), digits=2)
    shown = [desk.body(one.footprints[0].id)["pcf"] for one in (first, second)]
    assert [pcf["pcfExcludingBiogenicUptake"] for pcf in shown] == ["15.4", "15"]


async def test_without_either_every_digit_stays(desk: Desk, document: Make) -> None:
    desk.add_peer("buyer", KeyKind.ALL)
    result = await imports(desk, exact(document), digits=None)
    assert figures(desk.body(result.footprints[0].id)) == EXACT


@pytest.mark.parametrize("digits", [0, -1, 31, "three"])
def test_so_many_digits_cannot_be_set(digits: Any) -> None:
    with pytest.raises(ValidationError):
        Settings(round_significant_digits=digits)
