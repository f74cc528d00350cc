"""`underseal footprint check`: JSON without a node, sheets with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import ROOT, WIERZBOLIT, Market, Run

SIGNED = json.loads((ROOT / "tests" / "vectors" / "credential" / "signed.json").read_text("utf-8"))


def footprint(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    return document | changes


def write(tmp_path: Path, content: Any, name: str = "footprint.json") -> Path:
    file = tmp_path / name
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_footprint_in_order_gives_0(run: Run, fulfils: Callable[[Any, str], None]) -> None:
    file = WIERZBOLIT / "nmc811.json"
    done = run("footprint", "check", file)
    assert (done.status, done.err) == (0, "")
    assert "no schema errors" in done.out
    told = run("footprint", "check", file, "--json").json
    fulfils(told, "checked")
    assert [one["problems"] for one in told["data"]] == [[]]


def test_every_schema_error_is_named_with_pointer_value_and_expectation(
    run: Run, tmp_path: Path, fulfils: Callable[[Any, str], None]
) -> None:
    document = footprint(id="x", productIds=[])
    document["pcf"]["declaredUnitAmount"] = "1abc"
    file = write(tmp_path, {"data": [footprint(), document]})
    done = run("footprint", "check", file)
    assert done.status == 1
    assert "it is 'x', expected a UUID" in done.out
    assert f"{file}, /data/1/pcf/declaredUnitAmount: it is '1abc', expected a decimal" in done.out
    assert "/data/1/productIds" in done.out
    told = run("footprint", "check", file, "--json")
    assert told.status == 1
    fulfils(told.json, "checked")
    places = {one["place"] for one in told.json["data"][1]["problems"]}
    assert places == {"/data/1/id", "/data/1/productIds", "/data/1/pcf/declaredUnitAmount"}


def test_findings_have_severity_and_section_and_are_no_failure(
    run: Run, tmp_path: Path, fulfils: Callable[[Any, str], None]
) -> None:
    document = footprint()
    document["pcf"]["pcfIncludingBiogenicUptake"] = "99"
    file = write(tmp_path, document)
    done = run("footprint", "check", file)
    assert done.status == 0
    assert "error" in done.out
    told = run("footprint", "check", file, "--json").json
    fulfils(told, "checked")
    worst = told["data"][0]["findings"][0]
    assert worst["severity"] == "error"
    assert worst["section"]
    assert worst["message"] in done.out


def test_what_an_import_fills_in_is_said(run: Run, tmp_path: Path) -> None:
    document = footprint()
    del document["id"]
    done = run("footprint", "check", write(tmp_path, document))
    assert done.status == 1
    assert "`underseal footprint import` fills it in." in done.out


def test_nothing_is_said_about_what_is_withheld(run: Run, tmp_path: Path) -> None:
    """What the signer did not show is not missing."""
    file = write(tmp_path, SIGNED["served"]["total"])
    told = run("footprint", "check", file, "--json").json
    pointers = {one["pointer"] for one in told["data"][0]["findings"]}
    assert not pointers & {"/pcf/dqi", "/pcf/verification", "/pcf/boundaryProcessesDescription"}
    stripped = json.loads(SIGNED["served"]["total"])
    stripped["extensions"] = []
    del stripped["extensions"]
    bare = run("footprint", "check", write(tmp_path, stripped), "--json").json
    assert len(bare["data"][0]["findings"]) > len(told["data"][0]["findings"])


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("nonsense", "not JSON"),
        ("", "not JSON"),
        ("[]", "holds no footprints"),
        ('{"a": 1, "a": 1}', 'the name "a" occurs twice'),
    ],
)
def test_a_file_that_holds_no_json_is_named(
    run: Run, tmp_path: Path, content: str, named: str
) -> None:
    file = write(tmp_path, content)
    done = run("footprint", "check", file)
    assert (done.status, done.out) == (1, "")
    assert str(file) in done.err
    assert named in done.err


def test_standard_input_can_be_checked(run: Run) -> None:
    done = run("footprint", "check", "-", stdin=json.dumps(footprint()))
    assert done.status == 0


def test_foreign_texts_do_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    done = run("footprint", "check", write(tmp_path, footprint(id="\x1b]0;x\x07")))
    assert "\x1b" not in done.out + done.err


@pytest.mark.xdist_group("cli")
def test_a_sheet_is_read_by_the_node_and_not_published(
    run: Run, market: Market, tmp_path: Path, fulfils: Callable[[Any, str], None]
) -> None:
    sheet = ROOT / "docs" / "tutorial" / "springs.csv"
    before = run("footprint", "list", "--json", home=market.buyer.home).json
    done = run("footprint", "check", sheet, "--json", home=market.buyer.home)
    fulfils(done.json, "checked")
    assert done.status in (0, 1)
    assert run("footprint", "list", "--json", home=market.buyer.home).json == before
    broken = write(tmp_path, "productNameCompany\nSpring\n", "broken.csv")
    refused = run("footprint", "check", broken, home=market.buyer.home)
    assert refused.status == 1
    assert str(broken) in refused.out


def test_a_sheet_needs_a_node(run: Run, tmp_path: Path) -> None:
    done = run("footprint", "check", ROOT / "docs" / "tutorial" / "springs.csv", home=tmp_path)
    assert done.status == 1
    assert "there is no node" in done.err
