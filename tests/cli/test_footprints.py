"""`underseal footprint`: publish from files, whole or not at all, and correct."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from tests.cli.conftest import COMPANY_IDS, WIERZBOLIT, Market, Run

pytestmark = pytest.mark.xdist_group("cli")


def write(tmp_path: Path, name: str, **changes: Any) -> Path:
    document = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    del document["id"]
    document |= {
        "productIds": [f"urn:pact:wierzbolit.example:product-id:{name}"],
        "productNameCompany": name,
        **changes,
    }
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_the_template_is_a_workbook_and_replaces_nothing(
    run: Run, market: Market, tmp_path: Path
) -> None:
    file = tmp_path / "sheet.xlsx"
    done = run("footprint", "template", file, home=market.seller.home)
    assert done.status == 0
    assert str(file) in done.out
    openpyxl.load_workbook(file).close()
    file.write_bytes(b"filled in with a lot of work")
    again = run("footprint", "template", file, home=market.seller.home)
    assert again.status == 1
    assert f"{file} exists already" in again.err
    assert file.read_bytes() == b"filled in with a lot of work"
    missing = run("footprint", "template", tmp_path / "no" / "x.xlsx", home=market.seller.home)
    assert missing.status == 1
    assert "cannot be written" in missing.err


def test_a_dry_run_says_who_would_be_told_and_changes_nothing(
    run: Run, market: Market, tmp_path: Path
) -> None:
    home = market.seller.home
    before = run("footprint", "list", "--json", home=home).json
    done = run("footprint", "import", "--dry-run", write(tmp_path, "dry"), home=home)
    assert done.status == 0
    assert "would be published  dry" in done.out
    assert "Would be told: buyer." in done.out
    assert run("footprint", "list", "--json", home=home).json == before


def test_a_file_is_published_whole_or_not_at_all_the_others_are(
    run: Run, market: Market, tmp_path: Path
) -> None:
    home = market.seller.home
    good, foreign = write(tmp_path, "good"), write(tmp_path, "foreign")
    documents = [json.loads(foreign.read_text("utf-8")) for _ in range(3)]
    documents[1]["pcf"]["declaredUnitAmount"] = "0"
    documents[2]["companyIds"] = [COMPANY_IDS["buyer"]]
    mixed = tmp_path / "mixed.json"
    mixed.write_text(json.dumps(documents), encoding="utf-8")
    done = run("footprint", "import", mixed, good, home=home)
    assert done.status == 1
    assert "1 published, 1 file refused." in done.out
    assert f"{mixed}, /1/pcf/declaredUnitAmount" in done.err
    assert f"{mixed}, /2/companyIds" in done.err
    names = {
        one["productNameCompany"]
        for one in run("footprint", "list", "--json", home=home).json["data"]
    }
    assert "good" in names
    assert "foreign" not in names


def test_the_name_of_a_file_need_not_be_utf_8(run: Run, market: Market, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff\x1b.json")
    file.write_text("[]", encoding="utf-8")
    for command in (("import",), ("supersede", market.ids[0])):
        done = run("footprint", *command, file, home=market.seller.home)
        assert done.status == 1
        assert "\\udcff\\x1b.json" in done.err


def test_a_file_that_is_missing_stops_everything_before_it_begins(
    run: Run, market: Market, tmp_path: Path
) -> None:
    home = market.seller.home
    before = run("footprint", "list", "--json", home=home).json
    done = run("footprint", "import", write(tmp_path, "never"), tmp_path / "none.json", home=home)
    assert (done.status, done.out) == (1, "")
    assert "none.json" in done.err
    assert run("footprint", "list", "--json", home=home).json == before


def test_the_same_again_changes_nothing_and_another_content_names_supersede(
    run: Run, market: Market, tmp_path: Path
) -> None:
    home = market.seller.home
    file = write(tmp_path, "again")
    assert "1 published." in run("footprint", "import", file, home=home).out
    assert "0 published, 1 unchanged." in run("footprint", "import", file, home=home).out
    document = json.loads(file.read_text("utf-8"))
    document["pcf"]["pcfExcludingBiogenicUptake"] = "24"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = run("footprint", "import", file, home=home)
    assert done.status == 1
    assert "supersede" in done.err


def test_a_correction_and_an_end_are_told(run: Run, market: Market, tmp_path: Path) -> None:
    home = market.seller.home
    file = write(tmp_path, "corrected")
    old = run("footprint", "import", file, "--json", home=home).json["footprints"][0]["id"]
    document = json.loads(file.read_text("utf-8"))
    document["pcf"]["pcfExcludingBiogenicUptake"] = "24"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = run("footprint", "supersede", old, file, home=home)
    assert done.status == 0, done.err
    assert f"{old}  deprecated" in done.out
    assert "Told: buyer." in done.out
    new = done.out.splitlines()[1].split()[0]
    shown = run("footprint", "show", new, home=home).out
    assert re.search(rf"^replaces +{old}$", shown, re.MULTILINE)
    ended = run("footprint", "deprecate", new, home=home)
    assert (ended.status, ended.out.splitlines()[0]) == (0, f"{new}  deprecated")
    assert run("footprint", "deprecate", new, home=home).status == 1
    refused = run("footprint", "supersede", "nothing", file, home=home)
    assert refused.status == 1


def test_a_correction_that_is_no_footprint_names_every_problem(
    run: Run, market: Market, tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"pcf": {}}', encoding="utf-8")
    done = run("footprint", "supersede", market.ids[0], file, home=market.seller.home)
    assert done.status == 1
    assert f"  {file}, /productIds: " in done.err


def test_figures_are_shown_with_all_their_digits(run: Run, market: Market, tmp_path: Path) -> None:
    figure = "12345678901234567890.12345678901234567890"
    document = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    pcf = document["pcf"] | {"pcfExcludingBiogenicUptake": figure, "fossilGhgEmissions": figure}
    file = write(tmp_path, "digits", pcf=pcf)
    home = market.seller.home
    run("footprint", "import", file, home=home)
    assert f" {figure} " in run("footprint", "list", home=home).out
    listed = run("footprint", "list", "--json", home=home)
    assert f'"{figure}"' in listed.out


def test_what_a_peer_may_not_see_does_not_exist_for_it(run: Run, market: Market) -> None:
    home = market.seller.home
    run("peer", "add", "stranger", home=home)
    done = run("footprint", "show", market.ids[0], "--as", "stranger", home=home)
    assert (done.status, done.out) == (1, "")
    run("peer", "remove", "stranger", home=home)


def test_a_template_is_a_workbook_and_says_so(run: Run, market: Market, tmp_path: Path) -> None:
    done = run("footprint", "template", str(tmp_path / "t.csv"), home=market.seller.home)
    assert (done.status, done.out) == (2, "")
    assert "does not end in .xlsx" in done.err
    assert not (tmp_path / "t.csv").exists()


def test_what_is_no_file_is_not_replaced(run: Run, market: Market, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("backup", str(pipe), home=market.seller.home)
    assert done.status == 1
    assert "is no file" in done.err
    assert pipe.is_fifo()
