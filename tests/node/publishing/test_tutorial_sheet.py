"""The sheet of the tutorial can be imported as it is, and is beyond reproach."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stdnum import lei

from underseal_node.node import create_node, open_node
from underseal_node.publishing.publish import import_files
from underseal_node.store import footprints
from underseal_protocol.urns import check_urn

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial"
SHEET = TUTORIAL / "springs.csv"
LEI = "999900RUGOGYARPELD92"


def test_the_springs_are_published_without_findings(tmp_path: Path) -> None:
    home = create_node(
        tmp_path / "springs",
        company_name="Rugógyár Példa Kft.",
        company_ids=[f"urn:lei:{LEI}"],
        url="https://localhost:8443",
    )
    node = open_node(home.path)
    try:
        for published, unchanged in ((2, 0), (0, 2)):
            result = asyncio.run(
                import_files(node, [(SHEET.name, SHEET.read_bytes())], dry_run=False)
            )
            assert result.problems == ()
            assert (result.published, result.unchanged) == (published, unchanged)
            assert [one.findings for one in result.footprints] == [(), ()]
        second, first = node.store.read_sync(footprints.listing)
    finally:
        node.close()
    assert first.id == "7c1d5a52-9a0e-4c39-8f5e-0d5b3f7a1e01"
    assert first.summary["pcfExcludingBiogenicUptake"] == "0.412"
    assert second.summary["pcfExcludingBiogenicUptake"] == "1.87"
    for own in (first, second):
        assert not any(check_urn(urn) for urn in own.summary["productIds"])


def test_the_tutorial_is_about_this_sheet_and_company() -> None:
    text = (TUTORIAL / "first-footprint.md").read_text(encoding="utf-8")
    assert SHEET.name in text
    assert f"urn:lei:{LEI}" in text
    assert lei.is_valid(LEI)
