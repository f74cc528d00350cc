"""`underseal energy`, against a running node."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import ROOT, Market, Run

pytestmark = pytest.mark.xdist_group("cli")

ENERGY = ROOT / "examples" / "battery" / "energy"
PERIOD = ("--from", "2024-12-31T23:00:00Z", "--until", "2025-12-31T23:00:00Z")


def copied(directory: Path, *, meters: tuple[str, str] = ("", "")) -> Path:
    """The example, perhaps with another text somewhere; returns the export."""
    for file in ENERGY.glob("*.*"):
        text = file.read_text("utf-8")
        if file.name == "meters.csv":
            assert meters[0] in text
            text = text.replace(*meters)
        (directory / file.name).write_text(text, "utf-8")
    return directory / "meters.csv"


def test_the_export_of_a_plant(run: Run, market: Market, tmp_path: Path) -> None:
    """The buyer's node has no energy before."""
    home = market.buyer.home
    done = run("energy", "show", home=home)
    assert (done.status, done.out) == (1, "")
    assert "no energy was imported yet" in done.err

    export = copied(tmp_path)
    mapping = ("--mapping", tmp_path / "mapping.toml")
    dry = run("energy", "import", export, *mapping, "--dry-run", home=home)
    assert dry.status == 0, dry.err
    assert "readings: 49 would be new, 0 unchanged" in dry.out
    assert run("energy", "show", home=home).status == 1

    done = run("energy", "import", export, *mapping, home=home)
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "readings: 49 new, 0 unchanged, 0 corrected.\n"
        "orders: 36 new, 0 unchanged, 0 corrected.\n"
        "rule of allocation: new.\n"
    )
    again = run("energy", "import", export, *mapping, home=home)
    assert "readings: 0 new, 49 unchanged, 0 corrected." in again.out

    shown = run("energy", "show", *PERIOD, home=home)
    assert shown.status == 0, shown.err
    assert shown.err == ""
    for words in ("37112", "41130000", "not for products: offices and laboratory", "Rule: "):
        assert words in shown.out

    export = copied(tmp_path, meters=("3248,74", "3248,75"))
    corrected = run("energy", "import", export, *mapping, home=home)
    assert "readings: 0 new, 48 unchanged, 1 corrected." in corrected.out
    assert "corrected: reading E-11, 2024-12-31T23:00:00Z: amount 3248.74 -> 3248.75" in (
        corrected.out
    )
    gaps = run("energy", "show", "--until", "2026-01-31", home=home)
    assert "The meter E-01 says nothing from 2025-12-31T23:00:00Z until" in gaps.err


def test_a_refusal_names_the_cell(run: Run, market: Market, tmp_path: Path) -> None:
    export = copied(tmp_path, meters=("3248,74", "kaputt"))
    mapping = ("--mapping", tmp_path / "mapping.toml")
    done = run("energy", "import", export, *mapping, home=market.seller.home)
    assert (done.status, done.out) == (1, "")
    assert "cell D4 (Wskazanie): 'kaputt' is not a number" in done.err
    printed = run("energy", "import", export, *mapping, "--json", home=market.seller.home)
    assert printed.status == 1
    assert printed.json["problems"][0]["place"] == "cell D4 (Wskazanie)"


def test_files_that_are_not_there(run: Run, market: Market, tmp_path: Path) -> None:
    export = copied(tmp_path)
    mapping = tmp_path / "mapping.toml"
    home = market.seller.home
    for arguments in (
        (tmp_path / "none.csv", "--mapping", mapping),
        (export, "--mapping", tmp_path / "none.toml"),
    ):
        done = run("energy", "import", *arguments, home=home)
        assert done.status == 1
        assert "cannot be read" in done.err
    (tmp_path / "orders.csv").unlink()
    done = run("energy", "import", export, "--mapping", mapping, home=home)
    assert (done.status, "orders.csv cannot be read" in done.err) == (1, True)
    mapping.write_text("a = ", "utf-8")
    done = run("energy", "import", export, "--mapping", mapping, home=home)
    assert (done.status, "the mapping is not TOML" in done.err) == (1, True)
    assert run("energy", "import", export, home=home).status == 2
    assert run("energy", "show", "--from", "gestern", home=home).status == 2
